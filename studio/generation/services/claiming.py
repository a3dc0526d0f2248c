"""How workers take jobs, keep them, and how jobs of a dead worker come back."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone

from billing.errors import BillingError
from studio.backends import registry
from studio.generation import lanes
from studio.generation.bill import UNKNOWN, Bill
from studio.generation.dispatch import doorbell
from studio.generation.errors import sentence
from studio.generation.models import Batch, Job, PausedQueue
from studio.generation.services.settling import fail, finish_canceled
from studio.live import events

log = structlog.get_logger(__name__)

CANDIDATES = 8
"""Jobs looked at per claim, each the first of its lane: enough that racing workers rarely lose all of them."""

COMPANIONS = 16
"""Waiting jobs of one shape that are looked at for each that a batch has room for."""

LOOKS = 8
"""So often a worker looks again that lost all: somebody else got one each time."""


DUE = timedelta(seconds=10)
"""So long after its rest a job is rung for; by then every worker has looked by itself."""


def claim(queues: Sequence[str], worker: str, *, batch: bool = True) -> list[Job]:
    """Take the next fair job, and with `batch` other waiting jobs of its shape up to the engine's batch limit.

    Returns them running and leased to `worker`, each with its new attempt number; empty when there is nothing to do.
    """
    now = timezone.now()
    first = _take_first(queues, worker, now)
    if first is None:
        return []
    jobs = [first]
    if batch:
        jobs += _same_shape(jobs[0], worker, now)
    for job in jobs:
        events.job_updated(job.team_id, job.id, batch_id=job.batch_id)
    return jobs


def _take_first(queues: Sequence[str], worker: str, now: datetime) -> Job | None:
    for _ in range(LOOKS):
        candidates = lanes.heads(queues, now, CANDIDATES)
        for candidate in candidates:
            if _take(candidate, worker):
                return candidate
        if not candidates:
            break
    return None


def _same_shape(first: Job, worker: str, now: datetime) -> list[Job]:
    try:
        room = registry.engine(first.engine).batch_limit - first.num_images
    except registry.UnknownEngine:
        return []
    if room <= 0:
        return []
    jobs: list[Job] = []
    alike = Job.objects.filter(
        queue=first.queue, status=Job.Status.QUEUED, shape=first.shape, num_images__lte=room, cancel_requested_at=None
    )
    # The fair order is worked out for some of them: for all, it would take longer the more wait.
    some = alike.order_by("-priority", "id").values("pk")[: COMPANIONS * room]
    for candidate in Job.objects.claimable([first.queue], now).filter(pk__in=some)[:room]:
        taken = sum(job.team_id == candidate.team_id for job in jobs)  # since the others were counted
        if candidate.at_once is not None and candidate.running_in_team + taken >= candidate.at_once:
            continue
        if candidate.num_images <= room and _take(candidate, worker):
            jobs.append(candidate)
            room -= candidate.num_images
    return jobs


def _take(job: Job, worker: str) -> bool:
    # An attempt can be given back, so its number alone does not say that nothing was submitted since the job was looked at.
    free = Job.objects.filter(
        pk=job.pk, status=Job.Status.QUEUED, attempt=job.attempt, provider_id=job.provider_id, cancel_requested_at=None
    ).filter(~Exists(PausedQueue.objects.filter(queue=OuterRef("queue"))))
    if job.batch_id:  # no join: what the UPDATE asks must stand in the UPDATE itself
        free = free.filter(~Exists(Batch.objects.filter(pk=OuterRef("batch"), paused_at__isnull=False)))
    fresh = {"step": 0, "total_steps": 0, "error_code": "", "error_message": "", "sent_at": job.sent_at if job.provider_id else None}
    changes = {"status": Job.Status.RUNNING, "worker": worker, "started_at": timezone.now(), **fresh}
    if not free.update(attempt=F("attempt") + 1, lease_expires_at=_lease(), **changes):
        return False
    job.attempt += 1
    for name, value in changes.items():
        setattr(job, name, value)
    return True


def _lease() -> CombinedExpression:
    """When a lease that begins now runs out, by the database's clock: those of machines differ, and a slow one's would be over at once."""
    return Now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


def _held(job: Job) -> Q:
    """The condition of `held_as`, for several jobs in one query."""
    return Q(pk=job.pk, attempt=job.attempt, worker=job.worker, status=Job.Status.RUNNING)


def heartbeat(jobs: Collection[Job]) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
    """Renew the leases of running jobs. Returns the ids still held, and those of them whose person pressed Stop."""
    if not jobs:
        return set(), set()
    ours = Q()
    for job in jobs:
        ours |= _held(job)
    Job.objects.filter(ours).update(lease_expires_at=_lease())
    rows = list(Job.objects.filter(ours).values_list("pk", "cancel_requested_at"))
    return {pk for pk, _ in rows}, {pk for pk, canceled in rows if canceled}


def record_progress(job: Job, step: int, total: int) -> bool:
    """Keep the step for whoever loads the page; False when the job is no longer held."""
    return bool(Job.objects.held_as(job).update(step=step, total_steps=total))


def mark_sent(job: Job) -> bool:
    """Say that a paid request is about to go out: from now on a lost worker means a failed job, never a silent second call.

    False when the job is no longer held or was stopped; then nothing may go out.
    """
    now = timezone.now()
    if not Job.objects.held_as(job).filter(cancel_requested_at=None).update(sent_at=now):
        return False
    job.sent_at = now
    return True


def note_submitted(job: Job, provider_id: str) -> bool:
    """Keep under which id the provider works on: from now on every attempt fetches that. False when the job is no longer held."""
    if not Job.objects.held_as(job).update(provider_id=provider_id):
        return False
    job.provider_id = provider_id
    return True


def requeue(job: Job, *, delay: float = 0, count_attempt: bool = True, code: str = "", reason: str = "") -> bool:
    """Give a running job back to the queue, to be taken after `delay` seconds; False when it is no longer held.

    `code` and `reason` say why, for its card, until it is taken again.

    A worker that stops in good order gives back the attempt as well (`count_attempt=False`); the job of a paid request that is out, and
    cannot be fetched later, then fails instead: nobody knows whether it was billed.
    """
    after = timezone.now() + timedelta(seconds=delay) if delay else None
    why = {"error_code": code, "error_message": reason[:500]}
    changes = {"status": Job.Status.QUEUED, "worker": "", "lease_expires_at": None, "run_after": after, "step": 0, **why}
    attempt = F("attempt") if count_attempt else F("attempt") - 1
    held = Job.objects.held_as(job).filter(cancel_requested_at=None)
    if not (held if count_attempt else held.repeatable()).update(attempt=attempt, **changes):
        if not finish_canceled(job) and not count_attempt:
            fail(job, "worker_lost")
        return False
    doorbell().wake(job.queue)
    events.job_updated(job.team_id, job.id, batch_id=job.batch_id)
    return True


def time_out(job: Job) -> None:
    """End an attempt that took longer than `settings.JOB_SECONDS`: the job fails, and costs nothing.

    What a provider works on under an id that is known is billed all the same: another attempt fetches it, as long as there are any.
    """
    limit = _in_words(settings.JOB_SECONDS)
    if job.provider_id and job.has_attempts_left:
        requeue(job, code="timed_out", reason=sentence("timed_out", limit))
    elif not finish_canceled(job):
        fail(job, "timed_out", limit, bill=UNKNOWN if job.sent_at else Bill(provider_cost=0))


def _in_words(seconds: float) -> str:
    for size, noun in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size and not seconds % size:
            return f"{seconds / size:.0f} {noun}{'' if seconds == size else 's'}"
    return f"{seconds:g} seconds"


def abandon(worker: str) -> int:
    """End the leases of a worker that is known to be dead, so that the reaper need not wait for them. Returns how many."""
    return Job.objects.filter(worker=worker, status=Job.Status.RUNNING).update(lease_expires_at=Now() - timedelta(seconds=1))


def reap() -> int:
    """Bring back jobs whose lease ran out: next attempt, or failed when there were enough or a lost answer may have been paid for."""
    count = 0
    for job in Job.objects.lost().order_by("lease_expires_at")[:100]:
        try:
            count += _reap_one(job)
        except BillingError as error:  # its books are wrong, `verify_ledger` says how: the others must not wait for it
            log.error("job_not_reaped", job=str(job.pk), code=error.code)
    return count


def _reap_one(job: Job) -> bool:
    if job.cancel_requested_at:
        return finish_canceled(job)
    if not job.is_repeatable or not job.has_attempts_left:
        return fail(job, "worker_lost", only_lost=True)
    still_lost = Job.objects.held_as(job).lost().filter(cancel_requested_at=None).repeatable()
    changes = {"status": Job.Status.QUEUED, "worker": "", "lease_expires_at": None, "run_after": None, "step": 0}
    if not still_lost.update(**changes):
        return False
    doorbell().wake(job.queue)
    events.job_updated(job.team_id, job.id, batch_id=job.batch_id)
    return True


def ring_due() -> None:
    """One of `settings.DUE_CHORES`: ring for jobs whose rest (their provider's, or the pause before another try) has just ended."""
    now = timezone.now()
    due = Job.objects.filter(status=Job.Status.QUEUED, run_after__lte=now, run_after__gt=now - DUE, cancel_requested_at=None)
    for queue, count in due.order_by().values_list("queue").annotate(count=Count("pk")):
        for _ in range(min(count, CANDIDATES)):  # whoever hears one looks whether there is more
            doorbell().wake(queue)
