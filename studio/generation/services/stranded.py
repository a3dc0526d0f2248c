"""What becomes of jobs whose engine is gone: the operator took a provider's key away, or switched a backend off, while they waited.

No worker serves their queue then, so without this they would wait, and hold credits, for ever.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.utils import timezone

from billing.errors import BillingError
from billing.services import wallets
from studio.backends import registry
from studio.generation.errors import sentence
from studio.generation.models import Job, PausedQueue, Worker
from studio.generation.services.news import tell_ended
from studio.live import events

log = structlog.get_logger(__name__)

GONE_AFTER = timedelta(minutes=15)
"""How long an engine must be missed, without a break, before what waits for it fails: a restart with the key set again loses nothing."""

_missed: dict[str, datetime] = {}
"""Since when this process has seen each engine missing that something waits for. A restart begins anew, which only means later."""


def end_stranded() -> int:
    """One of `settings.QUICK_CHORES`: fail what waits for engines that are gone for `GONE_AFTER`; returns how many jobs there were.

    Gone is an engine that no backend offers, and whose queue no living worker serves: one that has other keys than this process knows
    better. Left alone is what a provider works on already (it may be billed, and is fetched when the key is back), and what is paused, its
    batch by the team or its queue by the operator.
    """
    now = timezone.now()
    served = {queue for queues in Worker.objects.alive().values_list("queues", flat=True) for queue in queues}
    held = PausedQueue.objects.values("queue")
    waiting = Job.objects.without_engine(one.id for one in registry.engines()).exclude(queue__in=served).exclude(queue__in=held)
    engines = set(waiting.order_by().values_list("engine", flat=True).distinct())
    for engine in set(_missed) - engines:
        _missed.pop(engine, None)
    gone = [engine for engine in engines if _missed.setdefault(engine, now) <= now - GONE_AFTER]
    if not gone:
        return 0
    due = waiting.filter(engine__in=gone, created_at__lte=now - GONE_AFTER, provider_id="", cancel_requested_at=None, batch__paused_at=None)
    together: dict[tuple[uuid.UUID, str], list[uuid.UUID]] = {}
    for pk, batch, engine in due.order_by("pk").values_list("pk", "batch", "engine"):
        together.setdefault((batch or pk, engine), []).append(pk)
    ended = 0
    for ids in together.values():
        try:
            ended += _end(ids)
        except BillingError as error:  # its books are wrong, `verify_ledger` says how: the others must not wait for it
            log.error("stranded_not_ended", job=str(ids[0]), code=error.code)
    return ended


@transaction.atomic
def _end(ids: Collection[uuid.UUID]) -> int:
    """Jobs of one engine, one alone or all of one batch. What was taken, stopped or ended meanwhile is left alone."""
    still = {"status": Job.Status.QUEUED, "cancel_requested_at": None, "provider_id": ""}
    jobs = Job.objects.filter(pk__in=ids, **still).locked()
    if not jobs:
        return 0
    first, mine = jobs[0], [job.pk for job in jobs]
    why = {"error_code": "engine_gone", "error_message": sentence("engine_gone", first.engine_label)}
    Job.objects.filter(pk__in=mine, **still).update(status=Job.Status.FAILED, finished_at=timezone.now(), error_fields={}, **why)
    wallets.void_all([job.hold for job in jobs])  # all or none: nothing is written where one of them is not active
    tell_ended(first.team_id, mine, first.batch_id)
    for job in jobs:
        transaction.on_commit(partial(events.job_updated, job.team_id, job.id, ended=True, batch_id=job.batch_id))
    transaction.on_commit(partial(log.warning, "jobs_stranded", engine=first.engine, team=first.team_id, jobs=len(jobs)))
    return len(jobs)
