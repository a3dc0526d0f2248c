"""What is not paid twice: a request that is under way, or was answered not long ago, for the same team.

Only requests to paid engines have a fingerprint: what a machine of one's own makes costs nothing to make again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.utils import timezone

from accounts.models import Team
from studio.backends import registry
from studio.backends.base import Engine, GenerationRequest
from studio.generation.models import Job


def is_paid(engine: Engine) -> bool:
    return registry.backend(engine.backend).paid


def fingerprint(request: GenerationRequest, engine: Engine, inputs: Mapping[str, str]) -> str:
    """A digest of everything that the result depends on; empty for an engine that is not paid for.

    `inputs` are the SHA-256 of the input files by the name of their `MediaInput`. The seed counts where the engine takes one.
    """
    if not is_paid(engine):
        return ""
    asked = request.to_json()
    if engine.max_seed is None:
        del asked["seed"]
    return sha256(json.dumps([asked, dict(inputs)], sort_keys=True, default=str).encode()).hexdigest()


def same(team: Team, fingerprint: str) -> Job | None:
    """The team's job of the same request that is under way, else the newest whose result is still there and young enough."""
    if not fingerprint:
        return None
    jobs = Job.objects.of_team(team).filter(fingerprint=fingerprint).order_by("-id")
    since = timezone.now() - timedelta(hours=settings.RESULT_CACHE_HOURS)
    return jobs.under_way().first() or (jobs.complete_since(since).first() if settings.RESULT_CACHE_HOURS else None)
