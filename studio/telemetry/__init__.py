"""Errors for Sentry, and traces for OpenTelemetry, where the settings name a place for them (`SENTRY_DSN`, `OTEL_EXPORTER_OTLP_ENDPOINT`).

Otherwise neither library is imported, and what stands here costs a call. Nothing of what people wrote and no key leaves by either way:
`sentry` and `traces` pass on what is on their lists, and nothing else. Both send from threads of their own, and drop what nobody takes.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings

if TYPE_CHECKING:
    from studio.telemetry.traces import Traces

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 2.0
"""What is still to be sent when a process ends gets so long."""

_traces: Traces | None = None
_flushes: list[Callable[[], None]] = []


def start() -> None:
    """Once a process, as soon as its apps are there. What cannot be used is left out: `studio.checks` has the sentence for it."""
    global _traces
    if settings.SENTRY_DSN:
        try:
            from studio.telemetry import sentry

            _flushes.append(sentry.start())
        except (ImportError, ValueError) as error:
            log.error("sentry_not_started", reason=type(error).__name__)
    if settings.OTEL_ENDPOINT:
        try:
            from studio.telemetry.traces import Traces

            _traces = Traces(settings.OTEL_ENDPOINT)
            _flushes.append(_traces.flush)
        except (ImportError, ValueError) as error:
            log.error("traces_not_started", reason=type(error).__name__)
    if _flushes:
        atexit.register(flush)


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Send what is waiting, within `seconds`. For a process that ends without Python's own end (`os._exit`)."""
    threads = [threading.Thread(target=one, name="flush", daemon=True) for one in _flushes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)


def answer(request: Any, get_response: Callable[[Any], Any]) -> Any:
    """The response to a request, in a span of its own."""
    return _traces.answer(request, get_response) if _traces else get_response(request)


def submitted(jobs: Sequence[Any]) -> None:
    """The first span of each job's trace."""
    if _traces:
        for job in jobs:
            _traces.submitted(job)


def claimed(jobs: Sequence[Any], since: int) -> None:
    """A worker took these; it began to look at `since` (nanoseconds of the clock)."""
    if _traces:
        _traces.claimed(jobs, since)


@contextmanager
def job_span(name: str, jobs: Sequence[Any]) -> Iterator[None]:
    """A piece of work on jobs: it belongs to the trace of the first, and is linked to those of the others."""
    if _traces and jobs:
        with _traces.job_span(name, jobs):
            yield
    else:
        yield


@contextmanager
def span(name: str) -> Iterator[None]:
    """A part of what the current span is about."""
    if _traces:
        with _traces.span(name):
            yield
    else:
        yield


def current() -> dict[str, str]:
    """Trace and span of what this thread does, for its log lines; empty when there is none."""
    return _traces.current() if _traces else {}
