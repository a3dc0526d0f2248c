"""The addresses under `/api/v1/`: the page that describes them, its document, and the studio's own API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from studio.api import docs
from studio.api.v1 import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("docs", docs.docs, name="api_docs"),
    path("openapi.json", docs.openapi, name="api_openapi"),
    path("", api.urls),
]
