"""What the card and the page of a batch show beside the row itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from billing.models import Hold
from studio.backends import registry
from studio.generation.approving import deciders, named
from studio.generation.models import Artifact, Batch, Job, PausedQueue
from studio.generation.services.batches import PAUSED_AT_MOST, BatchQuote, quote_failed
from studio.pricing.prices import priced

SHOWN = 8
"""Pictures of the small wall on a card."""
Status = Job.Status
OPEN = ("waiting", "running", "asked")
"""The numbers of a tally that say that it is not over."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many jobs of a batch are in which state, and their holds in millicredits. `stopping` of those that run are told to stop.

    `pictures` are the newest; `again` is the quote of today for what failed and is not made again already, where all is over and possible.
    `approval` is why it waits for approval, `deciders` in words for whose. After `paused_until` what waits is canceled.
    `why`: the operator paused the queue of something that waits.
    """

    size: int
    done: int
    failed: int
    canceled: int
    waiting: int
    running: int
    asked: int
    stopping: int
    held: int
    charged: int
    released: int
    made: int
    pictures: list[Artifact]
    paused: bool
    paused_until: datetime | None = None
    again: BatchQuote | None = None
    approval: str = ""
    deciders: str = ""
    verdict: str = ""
    decision: str = ""
    why: str = ""

    @property
    def open(self) -> int:
        return self.waiting + self.running + self.asked

    @property
    def over(self) -> int:
        return self.done + self.failed + self.canceled

    @property
    def percent(self) -> int:
        """Of what was asked for, how much is made."""
        return 100 * self.done // self.size if self.size else 100

    @property
    def status(self) -> str:
        """As a job's: what of it is told first."""
        if self.asked:
            return Status.NEEDS_APPROVAL.value
        if self.open:
            return (Status.RUNNING if self.running else Status.QUEUED).value
        if self.done:
            return Status.SUCCEEDED.value
        return (Status.FAILED if self.failed else Status.CANCELED).value

    @property
    def tone(self) -> str:
        """The colour of `word`."""
        if self.open:
            return "warn" if self.paused else "run"
        return "ok" if self.done == self.size else "bad" if self.failed else "off"

    @property
    def word(self) -> str:
        """How it stands, in a word or two."""
        if self.asked:
            return "Needs approval"
        if self.open and self.paused:
            return "Pausing" if self.running else "Paused"
        if self.open:
            return ("Stopping" if self.stopping == self.open else "Running") if self.running else "Waiting"
        if self.done == self.size:
            return "Done"
        if self.failed:
            return "Failed" if self.failed == self.size else "Done in part"
        return self.verdict or "Stopped"


def load(batches: Iterable[Batch]) -> list[Batch]:
    """Attach `batch.tally` to each. Queries: up to five for all, and one or two for each."""
    rows = list(batches)
    counted = _counts(rows)
    held = _held([batch for batch in rows if counted[batch.pk]["waiting"]])
    over = [batch for batch in rows if counted[batch.pk]["failed"] and not any(counted[batch.pk][state] for state in OPEN)]
    again = quote_failed(over) if over else {}
    for batch in rows:
        batch.tally = _tally(batch, counted[batch.pk], again.get(batch.pk), held.get(batch.pk, ""))
    return rows


def load_one(batch: Batch) -> Batch:
    return load([batch])[0]


def _counts(batches: Iterable[Batch]) -> dict[Any, dict[str, Any]]:
    def number(**of: Any) -> Count:
        return Count("pk", filter=Q(**of))

    def amount(column: str, **of: Any) -> Coalesce:
        return Coalesce(Sum(f"hold__{column}", filter=Q(**of) if of else None), 0)

    columns = {
        "done": number(status=Status.SUCCEEDED),
        "failed": number(status=Status.FAILED),
        "canceled": number(status=Status.CANCELED),
        "waiting": number(status=Status.QUEUED),
        "running": number(status=Status.RUNNING),
        "asked": number(status=Status.NEEDS_APPROVAL),
        "stopping": number(status=Status.RUNNING, cancel_requested_at__isnull=False),
        "held": amount("amount", hold__status=Hold.Status.ACTIVE),
        "charged": amount("captured"),
        "settled": amount("amount", hold__status__in=(Hold.Status.CAPTURED, Hold.Status.VOIDED)),
        "made": Coalesce(Sum("delivered"), 0),
    }
    rows: Any = Job.objects.filter(batch__in=batches).order_by().values("batch").annotate(**columns)
    found: dict[Any, dict[str, Any]] = defaultdict(lambda: dict.fromkeys(columns, 0))
    for row in rows:
        found[row.pop("batch")] = row
    return found


def _held(batches: Sequence[Batch]) -> dict[Any, str]:
    """What is said of those that wait for a queue that the operator paused."""
    paused = PausedQueue.objects.in_bulk() if batches else {}
    if not paused:
        return {}
    waiting = Job.objects.filter(batch__in=batches, status=Status.QUEUED, queue__in=paused).order_by()
    return {batch: paused[queue].sentence for batch, queue in waiting.values_list("batch", "queue").distinct()}


def _tally(batch: Batch, row: dict[str, Any], again: BatchQuote | None, why: str) -> Tally:
    settled = row.pop("settled")
    told: dict[str, Any] = {}
    first = Job.objects.filter(batch=batch).exclude(approval="").order_by("batch_place").select_related("user", "team").first()
    if first and row["asked"]:
        told = {"approval": first.approval, "deciders": named(deciders(first.team, first.user))}
    elif first and first.decision and first.verdict != Job.Verdict.APPROVED:
        told = {"verdict": first.get_verdict_display(), "decision": first.decision}
    pictures = Artifact.objects.visible().filter(job__batch=batch).order_by("-id")
    return Tally(
        size=batch.size,
        released=settled - row["charged"],
        pictures=list(pictures[:SHOWN]) if row["made"] else [],
        paused=batch.paused_at is not None,
        paused_until=batch.paused_at and batch.paused_at + PAUSED_AT_MOST,
        again=again,
        why=why,
        **row,
        **told,
    )


# --- the page --------------------------------------------------------------------------------------------------------

LETTERS = {status: status.value[0] for status in Status}
"""What a page remembers of a row's state; t: told to stop."""


def seen(batch: Batch) -> str:
    """A letter for the state of each row, in their order: what a page that shows it has `seen`. One query."""
    states = Job.objects.filter(batch=batch).order_by("batch_place").values_list("status", "cancel_requested_at")
    return "".join("t" if status == Status.RUNNING and stopped else LETTERS[Status(status)] for status, stopped in states)


def rows_of(batch: Batch, places: Sequence[int] | None = None) -> list[Job]:
    """The jobs of a batch in their order, or those at these places; with `row.number`.

    One to be made again has its price of today as `row.again`.
    """
    jobs = Job.objects.filter(batch=batch).with_pictures().select_related("image").order_by("batch_place")
    rows = list(jobs if places is None else jobs.filter(batch_place__in=places))
    for row in rows:
        row.number = batch.number_of(row.batch_place or 0)  # type: ignore[attr-defined]
    failed = [row for row in rows if row.status == Status.FAILED]
    engines = {engine.id: engine for engine in priced(registry.engines())} if failed else {}
    open_to_it = set(Job.objects.filter(batch=batch).to_make_again().values_list("pk", flat=True)) if failed else set()
    for row in failed:
        engine = engines.get(row.engine) if row.pk in open_to_it else None
        row.again = engine.quote(row.to_request()) if engine else None  # type: ignore[attr-defined]
    return rows
