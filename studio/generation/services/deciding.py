"""What becomes of a job that needs approval: approved, declined, or lapsed because nobody decided. Each is one conditional UPDATE."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Sum
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts import audit
from accounts.models import Membership, Team, User
from billing.credits import credits, noun
from billing.services import wallets
from billing.services.plans import plan_of
from studio.backends import registry
from studio.generation import usage
from studio.generation.approving import LAPSES_AFTER, may_decide
from studio.generation.dispatch import doorbell
from studio.generation.errors import NoReason, NotWaiting, NotYours
from studio.generation.models import Job
from studio.generation.querysets import JobQuerySet
from studio.generation.services.news import tell_ended
from studio.live import events

REASON = 300
"""Characters of the reason why something was declined."""

ASKED_BY = ", asked for by "
"""Parts what it was from who asked for it, in the log."""

Verdict = Job.Verdict


def approve(job: Job, *, by: User) -> Job:
    """Put it in the queue, at the price that it was quoted; of a batch, all that waits.

    Raises NotYours, NotWaiting, PlanLimit; then nothing changed.
    """
    _require_decider(job, by)
    asked = asked_with(job)
    for engine, label in sorted(set(asked.values_list("engine", "engine_label"))):
        try:
            registry.engine(engine)
        except registry.UnknownEngine:
            message = f"{label} is not available any more, so this cannot be made. Decline it, or wait until the engine is back."
            raise NotWaiting(message) from None
    with transaction.atomic():
        # No join: what the UPDATE asks of the row must stand in the UPDATE itself, or two could change it at once.
        member = Membership.objects.filter(team=OuterRef("team"), user=OuterRef("user"))
        waiting = asked.filter(Exists(member))
        told = {"verdict": Verdict.APPROVED, "decided_by": by, "decided_at": timezone.now()}
        # As in `submit`: nobody else takes the last place that the team's plan has while this is decided.
        Team.objects.select_for_update(no_key=True).get(pk=job.team_id)
        if waiting.exists():
            usage.require_room(plan_of(job.team), job.team, for_batch=bool(job.batch_id))
        what, queues = _what(job), set(waiting.values_list("queue", flat=True))
        if not waiting.update(status=Job.Status.QUEUED, **told):
            raise NotWaiting(why_not(job))
        job.refresh_from_db()
        audit.record(job.team, by, "job.approved", f"approved {what}")
        tell(job, Verdict.APPROVED)
        for queue in sorted(queues):
            transaction.on_commit(partial(doorbell().wake, queue))
        _announce(job)
    return job


def decline(job: Job, *, by: User, reason: str) -> Job:
    """Release what is held for it; of a batch, for all that waits. Raises NoReason, NotYours, NotWaiting; then nothing changed."""
    _require_decider(job, by)
    reason = " ".join(reason.split())[:REASON]
    if not reason:
        raise NoReason("Say why, so that whoever asked knows what to change.")
    with transaction.atomic():
        what = _what(job)
        if not _end(job, Verdict.DECLINED, reason, by=by):
            raise NotWaiting(why_not(job))
        audit.record(job.team, by, "job.declined", f"declined {what}: {reason}")
    return job


def lapse() -> int:
    """One of `settings.DAILY_CHORES`: end what nobody decided on for `LAPSES_AFTER`; returns how many jobs there were."""
    old = Job.objects.waits_for_approval().filter(created_at__lt=timezone.now() - LAPSES_AFTER)
    words = f"Nobody decided within {LAPSES_AFTER.days} days. Ask again if you still want it."
    ended = 0
    for job in old.select_related("hold", "team", "user").order_by("pk"):
        with transaction.atomic():
            ended += _end(job, Verdict.LAPSED, words)  # the first of a batch ends all of it
    return ended


def withdraw(team: Team, person: User) -> None:
    """One of `settings.DEPARTURE_LISTENERS`: nobody is asked any more for somebody who is not in the team."""
    jobs = Job.objects.of_team(team).filter(user=person).waits_for_approval().locked()
    for job in {job.batch_id or job.pk: job for job in reversed(jobs)}.values():
        _end(job, Verdict.LAPSED, f"{person} is not in the team any more.")


def tell(job: Job, what: str) -> None:
    """Say what happened to whom it concerns (`settings.APPROVAL_LISTENERS`): a verdict, `asked` or `withdrawn`. Within the transaction."""
    for path in settings.APPROVAL_LISTENERS:
        import_string(path)(job, str(what))


def why_not(job: Job, *, told_to: User | None = None) -> str:
    """What became of a job that cannot be decided on (any more); `told_to` whoever decided, it is not somebody else's decision."""
    now = Job.objects.select_related("decided_by", "user").get(pk=job.pk)
    who = now.decided_by or "somebody"
    if told_to is not None and now.decided_by == told_to and now.verdict in (Verdict.APPROVED, Verdict.DECLINED):
        return f"You declined this: {now.decision}" if now.verdict == Verdict.DECLINED else "You approved this."
    if now.verdict == Verdict.APPROVED:
        return f"This was approved by {who} already."
    if now.verdict == Verdict.DECLINED:
        return f"This was declined by {who} already: {now.decision}"
    if now.verdict == Verdict.LAPSED:
        return f"This cannot be decided on any more. {now.decision}"
    if now.status == Job.Status.NEEDS_APPROVAL:
        return f"{now.user or 'Whoever asked'} is not in the team any more. Decline it: then what is held for it is released."
    if now.status == Job.Status.CANCELED:
        return "This was withdrawn. Nothing was charged."
    return "This does not wait for approval."


def _require_decider(job: Job, by: User) -> None:
    if not may_decide(by, job):
        raise NotYours("Somebody else who administers the team decides on what you asked for.")


def asked_with(job: Job) -> JobQuerySet:
    """What is decided on with a job: it alone, or all of its batch; as far as it waits for that."""
    together = Job.objects.filter(batch=job.batch_id) if job.batch_id else Job.objects.filter(pk=job.pk)
    return together.waits_for_approval()


def _end(job: Job, verdict: Job.Verdict, why: str, *, by: User | None = None) -> int:
    """Returns how many jobs ended: those of a batch all at once. Must run inside a transaction."""
    now = timezone.now()
    told = {"verdict": verdict, "decided_by": by, "decided_at": now, "decision": why[:REASON]}
    jobs = asked_with(job).locked()
    mine = Job.objects.filter(pk__in=[one.pk for one in jobs]).waits_for_approval()
    if not mine.update(status=Job.Status.CANCELED, finished_at=now, **told):
        return 0
    wallets.void_all([one.hold for one in jobs])
    tell_ended(job.team_id, [one.pk for one in jobs], job.batch_id)
    job.refresh_from_db()
    tell(job, verdict)
    _announce(job, ended=True)
    return len(jobs)


def _announce(job: Job, *, ended: bool = False) -> None:
    """When this transaction is committed."""
    if job.batch_id:
        transaction.on_commit(partial(events.batch_updated, job.team_id, job.batch_id))
    else:
        transaction.on_commit(partial(events.job_updated, job.team_id, job.id, ended=ended))


def without_reason(line: str) -> str:
    """A line of the log, of what was declined, without the words of whoever declined it."""
    what, asked, rest = line.partition(ASKED_BY)
    return what + asked + rest.partition(": ")[0]


def described(job: Job) -> tuple[str, int]:
    """What is asked for with a job, itself or its batch, in words; and its price in millicredits. Of a batch: of what waits for it."""
    if job.batch is None:
        return job.hold.description, job.hold.amount
    waits = asked_with(job).aggregate(number=Count("pk"), amount=Sum("hold__amount"))
    return f"a batch of {waits['number'] or job.batch.size}", waits["amount"] or 0


def _what(job: Job) -> str:
    what, amount = described(job)
    return f"{what} for {credits(amount)} {noun(amount)}{ASKED_BY}{job.user or 'somebody who left'}"
