"""The addresses for programs: the own API, and the Stability API served here."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from studio.api.v1 import api

urlpatterns: list[URLPattern | URLResolver] = [path("api/v1/", api.urls)]
if find_spec("studio.api.stability") and find_spec("studio.api.stability.urls"):
    urlpatterns.append(path("", include("studio.api.stability.urls")))
