"""What stands around the views for programs: no session, no cookies, no redirects; limits in the headers of every answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from django.conf import settings
from django.http import HttpRequest, HttpResponse

OWN = "/api/v1/"
DOCS = "/api/v1/docs"
"""The one page for people among the paths for programs: in the look that they chose, with the studio around it."""


class ProgramMiddleware:
    """Stands before sessions: a request to `settings.API_PATHS` has no cookies for whatever comes after, so nobody is signed in there, and
    nothing of what is done for people (first start, terms, team, sign-in) is done to it (`by_program`)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(settings.API_PATHS) or request.path_info == DOCS:
            return self.get_response(request)
        request.META.pop("HTTP_COOKIE", None)
        request.__dict__.pop("COOKIES", None)
        request.by_program = True  # type: ignore[attr-defined]
        # Only now: what programs need is not in the memory of a studio without any.
        from studio.api import limits, problems

        with ExitStack() as ends:
            request.ends_with = ends  # type: ignore[attr-defined]
            response = self.get_response(request)
        if request.path_info.startswith(OWN) and response.status_code >= 400 and response["Content-Type"] != problems.MEDIA_TYPE:
            response = problems.of_framework(request, response)
        if standing := getattr(request, "standing", None):
            for name, value in limits.headers(standing).items():
                response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        _vary_by_no_cookie(response)
        return response


def _vary_by_no_cookie(response: HttpResponse) -> None:
    """Whoever looked at the session said that the answer depends on it; here there is none."""
    words = [word for one in response.get("Vary", "").split(",") if (word := one.strip()) and word.lower() != "cookie"]
    del response["Vary"]
    if words:
        response["Vary"] = ", ".join(words)
