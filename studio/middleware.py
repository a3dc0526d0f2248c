"""What stands around every view: the probes and the clock of a request before all else, a full disk told in words."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import bind_contextvars, get_contextvars

from studio import health, metrics

log = structlog.get_logger(__name__)

PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": health.healthz,
    "/readyz": health.readyz,
    "/metrics": metrics.metrics,
}


class FullDiskMiddleware:
    """A database without room is the operator's to mend: said in words (507), and not as if the studio had made a mistake."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not (isinstance(error, DatabaseError) and _is_full(error.__cause__)):
            return None
        log.error("database_full", reason=type(error).__name__)
        return render(request, "507.html", status=507)


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
        response = self.get_response(request)
        metrics.observe_request(request, response.status_code, perf_counter() - started)
        return response
