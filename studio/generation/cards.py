"""What a job's card, the feed and the stage show beside the row itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils import timezone

from billing.models import Hold
from studio.backends import registry
from studio.backends.base import Engine, Mode, Quote
from studio.backends.modes import usual_inputs
from studio.generation import lanes, previews, waiting_why
from studio.generation.approving import deciders, named
from studio.generation.errors import CHANGEABLE
from studio.generation.models import Artifact, Job
from studio.generation.quotes import charges
from studio.generation.waiting_why import Standing
from studio.pricing.prices import priced


@dataclass(frozen=True, slots=True)
class Card:
    """Amounts in millicredits; `place` in line counts from 1 and is 0 when the job has none (`lanes.places`); `eta` is words or empty.

    `changeable` says that other settings may mend what went wrong, `trashed` is the number of pictures when all that came out are in the
    trash, `again` the quote of today for the same once more, where that is offered and possible.
    `deciders` are in words those whose approval it waits for. `why` says what keeps it waiting beside those before it; `is_paused`: the
    operator paused its queue.
    """

    step: int
    total: int
    percent: int
    eta: str
    preview_url: str
    place: int
    held: int
    charged: int
    released: int
    pictures: list[Artifact]
    charges: str
    input_gone: bool
    changeable: bool
    trashed: int
    again: Quote | None
    deciders: str = ""
    why: str = ""
    is_paused: bool = False


def load(jobs: Iterable[Job]) -> list[Job]:
    """Attach `job.card` to each job. Queries: a constant number, three for each queue that any waits for, one per job for who decides."""
    rows = list(jobs)
    prefetch_related_objects(rows, "hold")
    over = [job for job in rows if not job.is_open and not _pictures(job)]
    trashed = Counter(Artifact.objects.filter(job__in=over).values_list("job_id", flat=True)) if over else Counter()
    engines = {engine.id: engine for engine in priced(registry.engines())} if over else {}
    queues = {job.queue for job in rows if job.status == Job.Status.QUEUED}
    standing = waiting_why.for_cards() if queues else None
    places = {pk: place for queue in queues for pk, place in lanes.places(queue, timezone.now()).items()}
    for job in rows:
        engine = engines.get(job.engine) if job in over else None
        place = places.get(job.pk, 0)
        job.card = _card(job, engine, standing, place=place, trashed=trashed[job.pk])  # type: ignore[attr-defined]
    return rows


def _pictures(job: Job) -> list[Artifact]:
    return [picture for picture in job.artifacts.all() if picture.deleted_at is None]


def load_one(job: Job) -> Job:
    return load([job])[0]


def _card(job: Job, engine: Engine | None, standing: Standing | None, *, place: int, trashed: int) -> Card:
    hold = job.hold
    waits = standing if job.status == Job.Status.QUEUED else None
    running = job.status == Job.Status.RUNNING
    return Card(
        step=job.step,
        total=job.total_steps,
        percent=percent(job.step, job.total_steps),
        eta=eta(job, job.step, job.total_steps) if running else "",
        preview_url=preview_url(job, previews.latest(job.id)) if running else "",
        place=place,
        held=hold.amount if hold.status == Hold.Status.ACTIVE else 0,
        charged=hold.captured,
        released=hold.released,
        pictures=_pictures(job),
        charges=charges(job),
        input_gone=input_gone(job, engine),
        changeable=job.status == Job.Status.FAILED and job.error_code in CHANGEABLE,
        trashed=trashed,
        again=engine.quote(job.to_request()) if engine else None,
        deciders=named(deciders(job.team, job.user)) if job.status == Job.Status.NEEDS_APPROVAL else "",
        why=waiting_why.told(job, waits) if waits else "",
        is_paused=bool(waits and job.queue in waits.paused),
    )


def input_gone(job: Job, engine: Engine | None) -> bool:
    """Whether a file that the job starts from is not there any more, so that the same once more would fail."""
    mode = Mode(job.mode)
    given = {"image": job.image_id, "mask_image": job.mask_image_id}
    others = {one.name: one.file_id for one in job.inputs.all()}
    needed = [one.name for one in (engine.inputs_for(mode) if engine else usual_inputs(mode)) if one.required]
    lost = None in others.values() or any((given | others).get(name) is None for name in needed)
    return lost or job.error_code == "input_missing"


def percent(step: int, total: int) -> int:
    return min(100, round(100 * step / total)) if total else 0


def eta(job: Job, step: int, total: int) -> str:
    """How long the run still takes, from the pace so far; nothing before the pace is known."""
    if not (job.started_at and total and 1 < step < total):
        return ""
    spent = (timezone.now() - job.started_at).total_seconds()
    left = spent / step * (total - step)
    if left < 1:
        return "almost done"
    return f"about {left:.0f} s left" if left < 90 else f"about {left / 60:.0f} min left"


def preview_url(job: Job, step: int | None) -> str:
    """The short-lived address of a preview, or nothing."""
    return "" if step is None else reverse("job_preview", args=[job.id, step])
