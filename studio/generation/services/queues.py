"""The operator's hand on the queue: pause it, let it go on, move a job to the front, stop one. Asked for twice it changes nothing."""

from __future__ import annotations

from functools import partial

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from studio.generation.dispatch import doorbell
from studio.generation.models import Job, PausedQueue
from studio.generation.services.settling import cancel
from studio.live import events

log = structlog.get_logger(__name__)

REASON = 200
"""Characters of the reason why a queue is paused."""

TOLD = 500
"""Pages are told to look again at so many of the jobs that wait, the newest: those further back are on no page that is open."""

STOPPED = "Stopped by the operator."
"""What the card of such a job says."""


@transaction.atomic
def pause_queue(queue: str, *, by: User, reason: str = "") -> bool:
    """Let no worker begin anything of a queue; what runs goes on. `reason` is shown to people whose jobs wait.

    Of a paused one it changes the reason, and not since when. False when nothing changed.
    """
    reason = " ".join(reason.split())[:REASON]
    _, made = PausedQueue.objects.get_or_create(queue=queue, defaults={"paused_by": by, "reason": reason})
    if not made and not PausedQueue.objects.filter(queue=queue).exclude(reason=reason).update(reason=reason, paused_by=by):
        return False
    transaction.on_commit(partial(log.info, "queue_paused", queue=queue, by=by.pk, reason=reason))
    transaction.on_commit(partial(_tell, queue))
    return True


@transaction.atomic
def resume_queue(queue: str, *, by: User) -> bool:
    """Let workers go on with a queue, at once. False when it was not paused."""
    gone, _ = PausedQueue.objects.filter(queue=queue).delete()
    if not gone:
        return False
    transaction.on_commit(partial(log.info, "queue_resumed", queue=queue, by=by.pk))
    transaction.on_commit(partial(doorbell().wake, queue))
    transaction.on_commit(partial(_tell, queue))
    return True


@transaction.atomic
def move_up(job: Job, *, by: User) -> bool:
    """Put a waiting job before all others of its queue, whatever its team has running, behind those that were moved up before it.

    A paused queue or batch, a rest that a provider asked for and the limit of a plan hold it all the same. False when it waits no more, or
    was moved up before: then it keeps its place.
    """
    now = timezone.now()
    waiting = Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED, cancel_requested_at=None, moved_up_at=None)
    if not waiting.update(moved_up_at=now):
        return False
    job.moved_up_at = now
    transaction.on_commit(partial(log.info, "job_moved_up", job=str(job.pk), queue=job.queue, by=by.pk))
    transaction.on_commit(partial(events.job_updated, job.team_id, job.pk, batch_id=job.batch_id))
    return True


@transaction.atomic
def stop_as_operator(job: Job, *, by: User) -> bool:
    """Stop a job for all who asked for it, as `cancel` does; its card and its team's log say whose doing it was. Nothing is charged.

    False when it had ended, or was told to stop before.
    """
    going = Job.objects.filter(pk=job.pk, status__in=Job.OPEN, cancel_requested_at=None)
    if not going.update(decision=STOPPED):
        return False
    cancel(job, for_all=True)
    whose = f"a job of {job.user}" if job.user else "a job"
    audit.record(job.team, by, "job.stopped", f"stopped {whose} with {job.engine_label}, as an operator")
    transaction.on_commit(partial(log.info, "job_stopped_by_operator", job=str(job.pk), queue=job.queue, by=by.pk))
    return True


def _tell(queue: str) -> None:
    """Open pages look again at what waits; a batch is told of once."""
    waiting = Job.objects.filter(queue=queue, status=Job.Status.QUEUED).order_by("-pk")
    batches: set[object] = set()
    for job, team, batch in waiting.values_list("pk", "team", "batch")[:TOLD]:
        if batch is None:
            events.job_updated(team, job)
        elif batch not in batches:
            batches.add(batch)
            events.batch_updated(team, batch)
