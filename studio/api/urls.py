"""The addresses for programs: the own API, and the Stability API served here."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from studio.api import docs
from studio.api.v1 import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/docs", docs.docs, name="api_docs"),
    path("api/v1/openapi.json", docs.openapi, name="api_openapi"),
    path("api/v1/", api.urls),
    path("", include("studio.api.stability.urls")),
]
