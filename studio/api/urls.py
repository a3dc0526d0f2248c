"""The addresses for programs: the own API, and the Stability API served here."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from studio.api.v1 import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("", include("studio.api.stability.urls")),
]
