"""What must be nothing after a run. Each check compares what people were told, the provider's books and a receiver's list with the rows.

A check is a function of the `Evidence` that yields a sentence for each thing that is wrong. The studio must be at rest: what is open now
counts as stuck.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Count, Sum

from billing import ledger
from billing.models import Hold, LedgerEntry, Wallet
from studio.generation import files
from studio.generation.models import Artifact, Batch, Job
from studio.webhooks.models import Endpoint
from tests.chaos.asks import TAG, Ask
from tests.chaos.receiver import Arrival

KILLED = {"worker_lost"}
ALLOWED = {
    "null": KILLED,
    "diffusers": KILLED,
    "stability": KILLED | {"result_unknown", "result_broken", "engine_unavailable", "rate_limited"},
}
"""With which codes a job may fail, by its queue: its worker was killed too often or in the middle of a paid call, or the provider, which
answers badly now and then, did so once too often."""

CHARGES = {"succeeded": {1}, "canceled": {0, 1}, "worker_lost": {0, 1}, "result_unknown": {0, 1}, "result_broken": {1}}
"""How often the provider may have charged a job of one call, by its code or status; 0 for any other."""

TOLD = {"succeeded": "job.succeeded", "failed": "job.failed", "canceled": "job.canceled"}


@dataclass
class Evidence:
    """All that is known outside the studio. `kills` has each kind that was planned, with how often it was done."""

    asks: list[Ask]
    arrivals: list[Arrival]
    charges: Mapping[str, int]
    kills: Mapping[str, int]
    surprises: Mapping[str, int] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)

    @cached_property
    def jobs(self) -> list[Job]:
        return list(Job.objects.select_related("hold", "team").prefetch_related("artifacts").order_by("pk"))

    @cached_property
    def by_tag(self) -> dict[str, list[Job]]:
        found: dict[str, list[Job]] = defaultdict(list)
        for job in self.jobs:
            found[tag_of(job)].append(job)
        return found

    @cached_property
    def told(self) -> dict[str, list[Arrival]]:
        """What a receiver took, by what it tells of."""
        found: dict[str, list[Arrival]] = defaultdict(list)
        for one in self.arrivals:
            found[one.about].append(one)
        return found


def tag_of(job: Job) -> str:
    found = TAG.search(job.prompt)
    return found[0] if found else ""


# --- what people were told --------------------------------------------------------------------------------------------


def unanswered(evidence: Evidence) -> Iterator[str]:
    for ask in evidence.asks:
        if not ask.answer:
            why = f"refused: {ask.refused}" if ask.refused else f"no answer to {ask.tries} tries ({ask.trouble})"
            yield f"Ask {ask.number} ({ask.way}) was {why}."


def lost(evidence: Evidence) -> Iterator[str]:
    """Whoever was given an id finds it, and every row of a batch."""
    for ask in evidence.asks:
        if not ask.answer:
            continue
        found = [job for one in ask.tags for job in evidence.by_tag.get(one, ())]
        here = {str(job.batch_id if ask.is_batch else job.pk) for job in found}
        if len(found) < ask.rows:
            yield f"Ask {ask.number} ({ask.way}) was told {ask.answer}: of its {ask.rows} jobs there are {len(found)}."
        elif ask.answer not in here:
            yield f"Ask {ask.number} ({ask.way}) was told {ask.answer}, its jobs are of {', '.join(here)}."


def doubled(evidence: Evidence) -> Iterator[str]:
    """One key, one job, one hold; and nothing that nobody asked for."""
    known = {one for ask in evidence.asks for one in ask.tags}
    for one, jobs in evidence.by_tag.items():
        if one not in known:
            yield f"{len(jobs)} jobs of nobody: {jobs[0]}."
        elif len(jobs) > 1:
            yield f"{one} was made {len(jobs)} times."
    without = Hold.objects.filter(job=None).count()
    if without:
        yield f"{without} holds have no job."


# --- what became of it ------------------------------------------------------------------------------------------------


def stuck(evidence: Evidence) -> Iterator[str]:
    for job in evidence.jobs:
        if job.is_open:
            yield f"Job {job.pk} ({tag_of(job)}, {job.queue}) is {job.status}, attempt {job.attempt}, lease until {job.lease_expires_at}."


def without_reason(evidence: Evidence) -> Iterator[str]:
    """Failed of something else than what was done to it, or stopped by nobody."""
    may_stop = {one for ask in evidence.asks if ask.stop_sent for one in ask.tags}
    for job in evidence.jobs:
        if job.status == Job.Status.FAILED and job.error_code not in ALLOWED.get(job.queue, ()):
            yield f"Job {job.pk} ({job.queue}) failed: {job.error_code}, {job.error_message}"
        if job.status == Job.Status.CANCELED and tag_of(job) not in may_stop:
            yield f"Job {job.pk} was stopped, and nobody asked for it."


def pictures_missing(evidence: Evidence) -> Iterator[str]:
    """What was delivered is there, as it was: row and file."""
    for job in evidence.jobs:
        pictures = list(job.artifacts.all())
        wanted = job.num_images if job.status == Job.Status.SUCCEEDED else 0
        if not len(pictures) == job.delivered == wanted:
            yield f"Job {job.pk} is {job.status}, delivered {job.delivered} of {job.num_images}, and has {len(pictures)} pictures."
        yield from filter(None, map(_damage, pictures))


def _damage(picture: Artifact) -> str:
    try:
        data = files.read(picture.variant("original"))
        files.read(picture.variant("thumb"))
    except OSError as error:
        return f"Picture {picture.pk} cannot be read: {error}"
    same = hashlib.sha256(data).hexdigest() == picture.sha256
    return "" if same else f"Picture {picture.pk} has other bytes than were delivered."


# --- money ------------------------------------------------------------------------------------------------------------


def charged_twice(evidence: Evidence) -> Iterator[str]:
    """A hold is captured by one entry, of what was delivered and not more than was quoted."""
    captures = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.CAPTURE)
    for hold_id, times in captures.values_list("hold").annotate(Count("pk")).filter(pk__count__gt=1).order_by():
        yield f"Hold {hold_id} was captured {times} times."
    for job in evidence.jobs:
        due = job.price.per_image * job.delivered
        if job.hold.captured != due or job.hold.captured > job.price.amount:
            yield f"Job {job.pk} delivered {job.delivered} for {due} millicredits, {job.hold.captured} of {job.price.amount} were charged."


def unbalanced(evidence: Evidence) -> Iterator[str]:
    """No hold outlives its job, and each ends as its job did."""
    ends = {Job.Status.SUCCEEDED: Hold.Status.CAPTURED, Job.Status.FAILED: Hold.Status.VOIDED, Job.Status.CANCELED: Hold.Status.VOIDED}
    for job in evidence.jobs:
        if job.hold.status != ends.get(Job.Status(job.status)):
            yield f"The hold of job {job.pk}, which is {job.status}, is {job.hold.status}."
    for wallet in Wallet.objects.exclude(held=0):
        yield f"{wallet} holds {wallet.held} millicredits for nothing."


def wallets_off(evidence: Evidence) -> Iterator[str]:
    """What a team has is what it was given, less what its pictures cost."""
    for wallet in Wallet.objects.all():
        given = wallet.entries.filter(kind=LedgerEntry.Kind.GRANT).aggregate(total=Sum("amount"))["total"] or 0
        spent = wallet.holds.aggregate(total=Sum("captured"))["total"] or 0
        if wallet.balance != given - spent:
            yield f"{wallet} has {wallet.balance} millicredits; it was given {given} and charged {spent}."


def books(evidence: Evidence) -> Iterator[str]:
    """What `manage.py verify_ledger` says."""
    with ledger.snapshot():
        yield from ledger.disagreements()


def paid_twice(evidence: Evidence) -> Iterator[str]:
    """The provider's own books: a call that may have been charged is never sent again."""
    paid = {tag_of(job): job for job in evidence.jobs if job.queue == "stability"}
    for one, times in evidence.charges.items():
        if one not in paid:
            yield f"The provider charged {times} calls for {one or 'nobody'}, which is no job."
    for one, job in paid.items():
        times = evidence.charges.get(one, 0)
        if times not in CHARGES.get(job.error_code or job.status, {0}):
            yield f"Job {job.pk} is {job.status} {job.error_code}: the provider charged {times} calls."


# --- what programs were told ------------------------------------------------------------------------------------------


def webhooks_missing(evidence: Evidence) -> Iterator[str]:
    """Each end of a job or a batch of a team that listens arrived, under one id however often it came."""
    listening = set(Endpoint.objects.filter(is_active=True).values_list("team", flat=True))
    for job in evidence.jobs:
        if job.team_id in listening and not job.is_open:
            yield from _told_once(evidence, str(job.pk), TOLD[job.status])
    for batch in Batch.objects.filter(team__in=listening):
        yield from _told_once(evidence, str(batch.pk), "batch.finished")


def _told_once(evidence: Evidence, about: str, kind: str) -> Iterator[str]:
    ids = {one.event_id for one in evidence.told.get(about, ()) if one.is_signed and one.kind == kind}
    if len(ids) != 1:
        yield f"{kind} of {about} arrived {'never' if not ids else f'under {len(ids)} ids'}."
    if others := {one.kind for one in evidence.told.get(about, ())} - {kind}:
        yield f"{about} was told of as {', '.join(sorted(others))} beside {kind}."


def unsigned(evidence: Evidence) -> Iterator[str]:
    for one in evidence.arrivals:
        if not one.is_signed:
            yield f"{one.kind} {one.event_id} came with a signature that does not fit."


# --- the machine ------------------------------------------------------------------------------------------------------


def surprises(evidence: Evidence) -> Iterator[str]:
    for kind, times in evidence.surprises.items():
        yield f"{kind}, {times} times."


def leftovers(evidence: Evidence) -> Iterator[str]:
    yield from evidence.leftovers


def not_killed(evidence: Evidence) -> Iterator[str]:
    """A run in which nothing was killed has shown nothing."""
    if not evidence.kills:
        yield "Nothing was to be killed."
    for kind, times in evidence.kills.items():
        if not times:
            yield f"{kind}: not once."


CHECKS: dict[str, Callable[[Evidence], Iterable[str]]] = {
    "jobs lost": lost,
    "jobs made twice": doubled,
    "requests without an answer": unanswered,
    "jobs stuck": stuck,
    "jobs that failed or were stopped for no reason of this run": without_reason,
    "jobs charged twice, or for what they did not deliver": charged_twice,
    "holds unbalanced": unbalanced,
    "wallets that do not add up": wallets_off,
    "sentences of verify_ledger": books,
    "pictures missing or damaged": pictures_missing,
    "paid calls repeated": paid_twice,
    "webhooks missing": webhooks_missing,
    "webhooks with a wrong signature": unsigned,
    "errors in the logs that nobody expects": surprises,
    "processes left behind": leftovers,
    "kinds of kill that did not happen": not_killed,
}


def judge(evidence: Evidence) -> dict[str, list[str]]:
    """The sentences of every check, by its name; all lists are empty after a run that is good."""
    return {name: list(check(evidence)) for name, check in CHECKS.items()}


def statuses(evidence: Evidence) -> Counter[str]:
    """How the jobs ended, to be shown."""
    return Counter(f"{job.status} {job.error_code}".strip() for job in evidence.jobs)
