"""The pieces of a page that are sent over the socket, drawn from the rows with the templates that the page itself uses.

They depend on a team and a job, not on who looks, so that everybody who looks at the same can share one drawing. Only the bell is
one's own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.template.loader import render_to_string

from accounts.models import Team
from billing.services.wallets import wallet_of
from studio.galleries import notices
from studio.galleries.models import Comment
from studio.generation import cards, feed, tallies
from studio.generation.models import Batch, Job
from studio.ids import uuid7

ROOT = re.compile(r"<[a-z][a-z0-9-]*")
CREATE = "create"
"""The view that shows feed and stage; every other page shows only what is in its header."""

RECENTLY_ENDED = 3
"""So many ended jobs are sent in full with a snapshot: one may have ended on the stage while the line was down."""


def out_of_band(html: str, swap: str = "outerMorph") -> str:
    """Mark a fragment's root so that htmx puts it in the place of the element with the same id; one that no page shows is dropped."""
    return ROOT.sub(lambda tag: f'{tag[0]} hx-swap-oob="{swap}"', html, count=1)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A job as it was read: its fragments, and what is needed to tell newer from older. `team_id` 0: there is no such job any more."""

    job_id: uuid.UUID
    team_id: int = 0
    status: str = ""
    attempt: int = 0
    step: int = 0
    batch_id: uuid.UUID | None = None
    card: str = ""
    stage: str = ""

    @property
    def is_open(self) -> bool:
        return self.status in Job.OPEN


@dataclass(frozen=True, slots=True)
class DrawnBatch:
    """A batch for a page that shows it (`html`), and for the top of a feed that has not got it (`new`). `team_id` 0: it is gone."""

    team_id: int = 0
    html: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a page shows that can change. `jobs` are those of the feed, and the one on the stage; `batches` those of the feed."""

    html: str
    jobs: dict[uuid.UUID, Drawn] = field(default_factory=dict)
    batches: frozenset[uuid.UUID] = frozenset()


def header(team_id: int) -> str:
    """Balance and number of open jobs, as every page shows them."""
    team = Team.objects.get(pk=team_id)
    balance = render_to_string("billing/_balance.html", {"wallet": wallet_of(team)})
    running = render_to_string("_running.html", {"open_jobs": Job.objects.of_team(team).in_progress().pieces().count()})
    return out_of_band(balance) + out_of_band(running)


def pictures(ids: Sequence[str]) -> str:
    """A word to every wall: these have changed; all of them when none is named. The walls of galleries and library read what they show."""
    return f'<i id="pictures-changed" hidden hx-swap-oob="outerHTML" data-ids="{" ".join(ids)}"></i>'


def bell(user_id: int) -> str:
    """How much a person has not read; theirs alone, so it is no part of what people share."""
    return out_of_band(render_to_string("_bell.html", {"unread_notices": notices.unread(user_id)}))


def talk_pulse(picture_id: uuid.UUID) -> str:
    """A word to the page of a picture how far its talk is: one that shows another asks for it, as everybody may do other things in it."""
    said = Comment.objects.filter(artifact=picture_id).only("user", "edited_at", "deleted_at").order_by("id")
    context = {"artifact_id": picture_id, "beat": uuid7(), "fingerprint": Comment.fingerprint(said)}
    return out_of_band(render_to_string("galleries/_talk_pulse.html", context), "outerHTML")


def draw_job(job_id: uuid.UUID, is_known: bool) -> Drawn:
    """One job for the feed and for the stage. One that waits and that the page does not know is not drawn: it has no place yet."""
    if not is_known and (job := Job.objects.filter(pk=job_id, status__in=Job.WAITING).first()):
        return _draw(job, card=False, stage=False)
    job = Job.objects.with_pictures().filter(pk=job_id).first()
    return _draw(cards.load_one(job)) if job else Drawn(job_id)


def snapshot(team_id: int, view: str, job_id: uuid.UUID | None) -> Snapshot:
    """All of a page: for one that connects, or that missed something. A wall is told to look for itself, at all that it shows."""
    head = header(team_id)
    if view != CREATE:
        return Snapshot(head + pictures([]))
    shown = feed.of_team(Team.objects.get(pk=team_id))
    jobs = [one for one in shown if isinstance(one, Job)]
    staged = _worth_sending(jobs)
    drawn = {job.pk: _draw(job, card=False, stage=job.pk in staged) for job in jobs}
    if job_id and not (job_id in drawn and drawn[job_id].stage):
        drawn[job_id] = draw_job(job_id, True)
    html = "".join([head, _feed(shown), *(one.stage for one in drawn.values())])
    return Snapshot(html, drawn, frozenset(one.pk for one in shown if isinstance(one, Batch)))


def new_job(job_id: uuid.UUID) -> Drawn:
    """The card of a job for the top of a feed that has not got it yet; a page that has leaves it out (`create/stage.js`)."""
    job = Job.objects.with_pictures().filter(pk=job_id).first()
    if job is None:
        return Drawn(job_id)
    card = render_to_string("generation/_job_card.html", {"job": cards.load_one(job), "selected": None})
    return replace(_draw(job, card=False, stage=False), card=f'<div hx-swap-oob="afterbegin:#feed">{card}</div>')


def draw_batch(batch_id: uuid.UUID) -> DrawnBatch:
    """The card of a batch, and the beat that makes its page ask for the rows that changed."""
    batch = Batch.objects.shown().filter(pk=batch_id).first()
    if batch is None:
        return DrawnBatch()
    card = render_to_string("generation/_batch_card.html", {"batch": tallies.load_one(batch)})
    beat = render_to_string("generation/_batch_beat.html", {"batch": batch, "beat": uuid7()})
    new = f'<div hx-swap-oob="afterbegin:#feed">{card}</div>'
    return DrawnBatch(batch.team_id, out_of_band(card) + out_of_band(beat, "outerHTML"), new)


def _feed(shown: Sequence[Job | Batch]) -> str:
    return out_of_band(render_to_string("generation/_feed.html", {"feed": shown}))


def _worth_sending(jobs: Sequence[Job]) -> set[uuid.UUID]:
    """Which of a feed's jobs a stage may show that does not know yet: open ones, and the newest ended ones."""
    ended = [job.pk for job in jobs if not job.is_open]
    return {job.pk for job in jobs if job.is_open} | set(ended[:RECENTLY_ENDED])


def _draw(job: Job, *, card: bool = True, stage: bool = True) -> Drawn:
    context = {"job": job, "selected": None}
    return Drawn(
        job_id=job.pk,
        team_id=job.team_id,
        status=job.status,
        attempt=job.attempt,
        step=job.step,
        batch_id=job.batch_id,
        card=out_of_band(render_to_string("generation/_job_card.html", context)) if card else "",
        stage=out_of_band(render_to_string("generation/_stage_job.html", context)) if stage else "",
    )
