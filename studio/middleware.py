"""What stands around every view: the probes and the clock of a request before all else, a full disk told in words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import bind_contextvars, get_contextvars

from studio import health, metrics, telemetry
from studio.generation.errors import StorageFailed
from studio.outages import database_is_away

log = structlog.get_logger(__name__)

ALIVE = "/healthz"
PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    ALIVE: health.healthz,
    "/readyz": health.readyz,
    "/metrics": metrics.metrics,
}


class FullDiskMiddleware:
    """A database without room (507) and a storage that does not answer (503) are the operator's to mend: said in words, and not as if the
    studio had made a mistake."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, StorageFailed):  # logged where it was met
            return _unavailable(request, "503", seconds=30)
        if not (isinstance(error, DatabaseError) and _is_full(error.__cause__)):
            return None
        log.error("database_full", reason=type(error).__name__)
        return render(request, "507.html", status=507)


def server_error(request: HttpRequest) -> HttpResponse:
    """What nobody has caught, a middleware's own queries among it (`urls.handler500`): a database that is away is not our mistake."""
    if not database_is_away(sys.exc_info()[1]):
        return defaults.server_error(request)
    return _unavailable(request, "503_database", seconds=10)


def _unavailable(request: HttpRequest, page: str, *, seconds: int) -> HttpResponse:
    """A page of its own; an open page is told the same sentence, as a message or in JSON. Nothing of it needs the database."""
    response: HttpResponse
    if request.headers.get("HX-Request"):
        response = HttpResponse(render_to_string("_toast.html", {"message": _sentence(page), "level": "error"}), status=503)
    elif request.headers.get("Accept") == "application/json":
        response = JsonResponse({"error": _sentence(page)}, status=503)
    else:
        response = HttpResponse(render_to_string(f"{page}.html"), status=503)
    response["Retry-After"] = str(seconds)
    return response


def _sentence(page: str) -> str:
    return render_to_string(f"{page}.txt").strip()


def _is_full(cause: BaseException | None) -> bool:
    """What the drivers say (sqlite3's result code SQLITE_FULL; PostgreSQL's class 53, disk_full)."""
    return getattr(cause, "sqlite_errorname", "") == "SQLITE_FULL" or getattr(cause, "sqlstate", "") == "53100"


class LogMiddleware(RequestMiddleware):
    """One line a request. A program is told the id that its line has, so that it can be found when somebody complains."""

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Of a program `studio.api.auth` has said who it is; nobody is signed in."""
        if not hasattr(request, "caller"):
            RequestMiddleware.bind_user_id(request)

    def _process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A database that is away is answered with 503 (`server_error`) and no mistake in the code: no trace, and nobody's row is read."""
        if not database_is_away(exception):
            super()._process_exception(request, exception)
            return
        request._raised_exception = exception  # type: ignore[attr-defined]
        log.warning("request_failed", code=503, request=self.format_request(request), reason="database_away")

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        if getattr(request, "by_program", False):
            response.headers.setdefault("X-Request-Id", str(get_contextvars().get("request_id", "")))
        super().handle_response(request, response)


class ProbeMiddleware:
    """Answers `/healthz`, `/readyz` and `/metrics` before host names, TLS redirects and sessions are looked at, and times all else.

    A load balancer asks by address and over plain HTTP; it must hear about the studio, not about `ALLOWED_HOSTS`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info)
        if probe and request.method in ("GET", "HEAD"):
            return probe(request)
        started = perf_counter()
        bind_contextvars(_started=started)
        response: HttpResponse = telemetry.answer(request, self.get_response)
        metrics.observe_request(request, response.status_code, perf_counter() - started)
        return response
