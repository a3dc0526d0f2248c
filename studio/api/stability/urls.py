"""The addresses of the Stability API, at the root as a client expects them: only host and key are to be changed."""

from __future__ import annotations

from django.urls import re_path

from studio.api.stability import views

urlpatterns = [re_path("", views.serve, name="stability")]
