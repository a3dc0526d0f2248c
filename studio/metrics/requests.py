"""What this process saw of requests and websockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpRequest
from prometheus_client import Gauge, Histogram

from studio.metrics.registry import REGISTRY, SUM

REQUESTS = Histogram(
    "atelier_http_request_seconds",
    f"Time to answer a request, by the name of its address. {SUM}",
    ["method", "route", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
    registry=REGISTRY,
)
SOCKETS = Gauge("atelier_websockets_open", f"Open pages that hear what happens. {SUM}", registry=REGISTRY)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Application = Callable[[Any, Any, Any], Awaitable[None]]


def observe_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count one answered request under its route's name; unknown addresses share one name, so that nobody can make series at will."""
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(method, route(request), f"{status // 100}xx").observe(seconds)


def route(request: HttpRequest) -> str:
    """The name of a request's address, which holds nothing of what stands in it."""
    match = request.resolver_match
    return (match.view_name or "unnamed") if match else "none"


class CountedSockets:
    """ASGI: counts the websockets that `application` serves."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with SOCKETS.track_inprogress():
            await self.application(scope, receive, send)
