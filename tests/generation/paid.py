"""The Stability engines against the stand-in provider, and a worker that sees one job to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from studio.backends import registry
from studio.backends.base import Outcome
from studio.generation import services
from studio.generation.models import Job
from studio.generation.worker import paid, runner
from tests.stability_server.standin import StandIn

CORE = "stable-image-core"


@contextmanager
def connected(standin: StandIn, settings: Any) -> Iterator[None]:
    """The studio with the stand-in as its provider."""
    options = {"API_KEYS": [standin.key], "API_HOST": standin.url}
    settings.BACKENDS = settings.BACKENDS | {"stability": {"BACKEND": "studio.backends.stability.StabilityBackend", "OPTIONS": options}}
    registry.backend.cache_clear()
    try:
        yield
    finally:
        registry.backend.cache_clear()


def work() -> Outcome:
    """Claim the next job of the provider, have it made and settled, as a worker does; returns what the backend said."""
    [job] = services.claim(["stability"], "w", batch=False)
    made = paid.generate(
        registry.backend("stability"), job, runner._request(job), on_progress=lambda progress: None, is_canceled=lambda: False
    )
    if isinstance(made, list):
        services.succeed(job, made)
    else:
        services.fail(job, made.code)
    return made


def newest() -> Job:
    return Job.objects.select_related("hold", "team", "user").latest("id")
