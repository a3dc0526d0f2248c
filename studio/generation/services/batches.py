"""Many jobs of one press: made together, or not at all; paused, gone on with, and canceled together. Each keeps its hold and its end."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import accumulate
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import ApiKey, Team, User
from billing.errors import InsufficientCredits
from billing.models import Plan
from billing.services import wallets
from billing.services.plans import plan_of
from studio import telemetry
from studio.backends import registry
from studio.backends.base import Engine, GenerationRequest, Mode, QuoteLine
from studio.backends.weights import plain
from studio.generation import approving, usage
from studio.generation.dispatch import doorbell
from studio.generation.errors import BatchRefused, NothingToRetry, TooDear, TooManyOpenJobs
from studio.generation.models import Artifact, Batch, InputFile, Job, JobInput
from studio.generation.quotes import describe
from studio.generation.services.branding import refusals
from studio.generation.services.deciding import tell
from studio.generation.services.erasing import called
from studio.generation.services.news import tell_ended
from studio.generation.services.submitting import draft, keep, texts_of
from studio.ids import uuid7
from studio.live import events
from studio.moderation import words
from studio.pricing.prices import priced
from studio.prompts import brand
from studio.prompts.models import PromptTemplateVersion, Visibility

PAUSED_AT_MOST = timedelta(days=30)
"""Then what waits of a paused batch is canceled, for its credits are not to be held without end."""
BEHIND = 1
"""So much lower is the priority of a batch's jobs than that of single presses under the same plan."""


@dataclass(frozen=True, slots=True)
class Item:
    """One job to be made. `written` are its prompts as they were typed, `template_values` what was filled into `template_version`.

    `retry_of` is the job that failed and is made once more. `inputs` and `parent` are what it starts from, where that is not the same for
    the whole batch.
    """

    request: GenerationRequest
    written: Mapping[str, Any] | None = None
    template_version: PromptTemplateVersion | None = None
    template_values: Mapping[str, Any] | None = None
    retry_of: Job | None = None
    inputs: Mapping[str, InputFile] | None = None
    parent: Artifact | None = None


@dataclass(frozen=True, slots=True)
class BatchQuote:
    """What many requests cost together, in millicredits. `amounts` are those of each, `lines` one for each way of making them."""

    amounts: tuple[int, ...]
    pictures: int
    lines: tuple[QuoteLine, ...]
    price_version: str

    @property
    def amount(self) -> int:
        return sum(self.amounts)

    def fits(self, available: int) -> int:
        """How many of them, from the first on, `available` millicredits pay for."""
        return sum(so_far <= available for so_far in accumulate(self.amounts))


def quote_batch(items: Sequence[Item]) -> BatchQuote:
    """The price of all. Raises `UnknownEngine`. One query."""
    return _quoted(items, _engines(items))


def submit_batch(
    *,
    user: User,
    team: Team,
    items: Sequence[Item],
    kind: Batch.Kind,
    title: str,
    idempotency_key: str,
    template_version: PromptTemplateVersion | None = None,
    axes: Mapping[str, Any] | None = None,
    inputs: Mapping[str, InputFile] | None = None,
    parent: Artifact | None = None,
    api_key: ApiKey | None = None,
) -> Batch:
    """Put all in the queue and hold the price of each, in one transaction, or nothing; the same key gives the same batch.

    Every item is made anew, from the same `inputs` or its own. When a rule of the team asks approval for what they are together, all wait.
    `api_key` is what a program asks with. Raises `BatchRefused` when there are too many, and with `items` when single ones may not be made;
    `TooDear`, `OverBudget`, `TooManyOpenJobs`, `PlanLimit`, `KeyRefusal`, `TeamIsGone`, `UnknownEngine`.
    """
    _check_number(items)
    engines = _engines(items)
    _check_words(team, items, engines)
    plan = plan_of(team)
    for engine in engines.values():
        usage.require_engine(plan, engine)
        usage.require_engine_of_key(api_key, engine)
    batch = Batch(
        id=uuid7(),
        team=team,
        user=user,
        idempotency_key=idempotency_key,
        kind=kind,
        title=_title(title, template_version, items)[:200],
        template_version=template_version,
        size=len(items),
        axes=dict(axes) if axes else None,
        at_once=plan.jobs_at_once,
        api_key=api_key,
    )
    jobs, job_inputs = [], []
    for place, (item, job_id) in enumerate(zip(items, sorted(uuid7() for _ in items), strict=True)):
        job, others = draft(
            item.request,
            engines[item.request.engine],
            inputs or {} if item.inputs is None else item.inputs,
            parent=item.parent or parent,
            id=job_id,
            team=team,
            user=user,
            idempotency_key=f"{batch.id.hex}:{place}",
            priority=plan.priority - BEHIND,
            batch=batch,
            batch_place=place,
            template_version=item.template_version or template_version,
            template_values=item.template_values,
            written=item.written,
            retry_of=item.retry_of,
            api_key=api_key,
        )
        jobs.append(job)
        job_inputs += [JobInput(job=job, name=name, file=file) for name, file in others.items()]
    quote = _quoted(items, engines)
    try:
        return _place(batch, jobs, job_inputs, [describe(item.request, engines[item.request.engine]) for item in items], plan=plan)
    except InsufficientCredits as error:
        raise TooDear(error.needed, error.available, rows=len(items), fits=quote.fits(error.available)) from None


def _title(title: str, version: PromptTemplateVersion | None, items: Sequence[Item]) -> str:
    """The team sees a batch, its sheet, and what is asked of those who approve it: none of them says what somebody's private template is
    called. The first of its prompts stands there instead.
    """
    if version is None or version.template.visibility != Visibility.PRIVATE:
        return title
    return " ".join(plain(items[0].request.prompt).split()) or f"{len(items)} made together"


def _check_number(items: Sequence[Item]) -> None:
    most = settings.MAX_BATCH
    if not items:
        raise BatchRefused("There is nothing to make. Add at least one row.")
    if len(items) > most:
        raise BatchRefused(f"One batch holds {most} generations at most, and this one has {len(items)}. Make fewer, or split it.")


def _check_words(team: Team, items: Sequence[Item], engines: Mapping[str, Engine]) -> None:
    """Raises `BatchRefused`."""
    refused = _refused(team, items, engines)
    if refused:
        one = len(refused) == 1
        message = f"{len(refused)} of {len(items)} cannot be made as {'it is' if one else 'they are'}. Change {'it' if one else 'them'}, or"
        raise BatchRefused(f"{message} leave {'it' if one else 'them'} out.", refused)


def refused_items(team: Team, items: Sequence[Item]) -> dict[int, str]:
    """Sentences on those that may not be made, by their places from 0. Raises `UnknownEngine`."""
    return _refused(team, items, _engines(items))


def _refused(team: Team, items: Sequence[Item], engines: Mapping[str, Engine]) -> dict[int, str]:
    """What the word filter and the team's brand rules say. Two queries."""
    texts = {f"{place} {name}": text for place, item in enumerate(items) for name, text in texts_of(item.request).items()}
    refused: dict[int, str] = {}
    for name, said in words.refusals(team, texts).items():
        refused.setdefault(int(name.partition(" ")[0]), said)
    rules = brand.rules_of(team)
    for place, item in enumerate(items):
        off_brand = refusals(rules, item.request, engines[item.request.engine]) if rules else {}
        if off_brand:
            refused.setdefault(place, " ".join(off_brand.values()))
    return refused


def _engines(items: Sequence[Item]) -> dict[str, Engine]:
    ids = dict.fromkeys(item.request.engine for item in items)
    return {engine.id: engine for engine in priced([registry.engine(one) for one in ids])}


def _quoted(items: Sequence[Item], engines: Mapping[str, Engine]) -> BatchQuote:
    quotes = [(engines[item.request.engine], engines[item.request.engine].quote(item.request)) for item in items]
    lines: dict[tuple[str, int], tuple[str, int]] = {}
    for engine, quote in quotes:
        key = (engine.label, quote.per_image)
        lines[key] = engine.price.noun, lines.get(key, ("", 0))[1] + quote.num_images
    return BatchQuote(
        amounts=tuple(quote.amount for _, quote in quotes),
        pictures=sum(quote.num_images for _, quote in quotes),
        lines=tuple(
            QuoteLine(f"{noun if count == 1 else f'{noun}s'}, {label}", count, unit, count * unit)
            for (label, unit), (noun, count) in lines.items()
        ),
        price_version=", ".join(dict.fromkeys(quote.price_version for _, quote in quotes)),
    )


def _place(batch: Batch, jobs: Sequence[Job], inputs: Sequence[JobInput], descriptions: Sequence[str], *, plan: Plan) -> Batch:
    """The transaction of `submit_batch`; its queries do not grow with the number of jobs, but for what an INSERT can take at once."""
    team, user = batch.team, batch.user
    mine = Batch.objects.filter(user=user, idempotency_key=batch.idempotency_key)
    try:
        with transaction.atomic():
            existing = mine.first()
            if existing is not None:
                return existing
            keep(batch.team_id)
            _require_few_open(user, len(jobs))
            usage.require_room(plan, team, for_batch=True)
            batch.save(force_insert=True)
            wallet = wallets.wallet_of(team)
            amount, pictures = sum(job.price.amount for job in jobs), sum(job.num_images for job in jobs)
            subjects = list(dict.fromkeys((job.engine, job.mode) for job in jobs))
            approval = approving.why_all(wallet, user, amount=amount, pictures=pictures, subjects=subjects)
            wanted = [
                wallets.Wanted(job.price.amount, f"job:{job.id}", told, job.engine_label, Mode(job.mode).label)
                for job, told in zip(jobs, descriptions, strict=True)
            ]
            for job, hold in zip(jobs, wallets.place_holds(wallet, wanted, actor=user, api_key=batch.api_key), strict=True):
                job.hold, job.approval = hold, approval
                job.status = Job.Status.NEEDS_APPROVAL if approval else Job.Status.QUEUED
            Job.objects.bulk_create(jobs)
            JobInput.objects.bulk_create(inputs)
            if approval:
                tell(jobs[0], "asked")
            transaction.on_commit(lambda: telemetry.submitted(jobs))
            _announce(batch, {job.queue for job in jobs})
    except IntegrityError:
        # the same key, pressed twice at the very same time: the other press won, and all that this one did was undone
        existing = mine.first()
        if existing is None:
            raise
        return existing
    return batch


def _require_few_open(user: User | None, more: int) -> None:
    most = settings.MAX_BATCH
    waiting = Job.objects.open().filter(user=user, batch__isnull=False).count()
    if waiting + more > most:
        raise TooManyOpenJobs(
            f"You have {waiting} generations of batches waiting or running, and {most} is the most at a time. "
            f"Wait until some are done, or make {most - waiting} at most."
            if waiting < most
            else f"You have {waiting} generations of batches waiting or running, which is the most at a time. Wait until some are done."
        )


def _announce(batch: Batch, queues: set[str]) -> None:
    """When this transaction is committed: workers look for work, and pages at the batch."""
    for queue in sorted(queues):
        transaction.on_commit(partial(doorbell().wake, queue))
    transaction.on_commit(partial(events.batch_updated, batch.team_id, batch.pk))


def pause(batch: Batch, *, by: User) -> bool:
    """Let no worker begin another of it; what runs ends. False when it was paused, or nothing waits."""
    with transaction.atomic():
        waits = batch.jobs.filter(status__in=Job.WAITING)
        if not waits.exists() or not Batch.objects.filter(pk=batch.pk, paused_at=None).update(paused_at=timezone.now()):
            return False
        audit.record(batch.team, by, "batch.paused", f"paused {called(batch.title)}")
        _announce(batch, set())
    batch.refresh_from_db()
    return True


def go_on(batch: Batch, *, by: User) -> bool:
    """Let workers go on with it. False when it was not paused. Raises `PlanLimit`, `TeamIsGone`; then it stays paused.

    Where nothing of it runs it gave its room back when it was paused, and needs it again.
    """
    with transaction.atomic():
        keep(batch.team_id)
        waits, runs = (batch.jobs.filter(status=status).exists() for status in (Job.Status.QUEUED, Job.Status.RUNNING))
        if waits and not runs and Batch.objects.filter(pk=batch.pk, paused_at__isnull=False).exists():
            usage.require_room(plan_of(batch.team), batch.team, for_batch=True)
        if not Batch.objects.filter(pk=batch.pk, paused_at__isnull=False).update(paused_at=None):
            return False
        audit.record(batch.team, by, "batch.continued", f"went on with {called(batch.title)}")
        _announce(batch, set(batch.jobs.filter(status=Job.Status.QUEUED).order_by().values_list("queue", flat=True).distinct()))
    batch.refresh_from_db()
    return True


def cancel_rest(batch: Batch, *, by: User, running: bool = False) -> int:
    """Cancel what waits and release its holds; stop what is `running` too, or let it end. Returns how many were canceled or told to stop.

    What somebody else asked for as well meanwhile goes on, as with one job (`cancel`).
    """
    ended = _cancel(batch, by=by, running=running)
    batch.refresh_from_db()
    return ended


def end_paused() -> int:
    """One of `settings.DAILY_CHORES`: cancel what waits in batches paused for `PAUSED_AT_MOST`; returns how many jobs there were."""
    old = Q(paused_at__lt=timezone.now() - PAUSED_AT_MOST)
    because = f"it was paused for {PAUSED_AT_MOST.days} days"
    return sum(_cancel(batch, by=None, because=because, only=old) for batch in Batch.objects.held_up().filter(old).select_related("team"))


def leave(team: Team, person: User) -> None:
    """One of `settings.DEPARTURE_LISTENERS`: nobody goes on with what somebody paused who is not in the team any more."""
    # All rows before the wallet's, which the first of the batches locks (`JobQuerySet.locked`).
    Job.objects.of_team(team).filter(user=person, status__in=Job.WAITING).locked()
    for batch in Batch.objects.held_up().of_team(team).filter(user=person).select_related("team"):
        _cancel(batch, by=None, because=f"{person} is not in the team any more", only=Q(paused_at__isnull=False))


def _cancel(batch: Batch, *, by: User | None, running: bool = False, because: str = "", only: Q | None = None) -> int:
    """As `cancel_rest`; nothing when the batch is not such a one any more. `because` is told in the log."""
    now = timezone.now()
    with transaction.atomic():
        mine = Job.objects.filter(batch=batch, joined=False)
        jobs = mine.filter(status__in=Job.WAITING).locked()  # nobody begins or ends one of them until this is committed
        queues = {job.queue for job in jobs}
        stopped = 0
        if running:
            runs = mine.filter(status=Job.Status.RUNNING, cancel_requested_at=None)
            queues |= set(runs.values_list("queue", flat=True))
            stopped = runs.update(cancel_requested_at=now)
        ended = len(jobs) + stopped
        if not ended or not Batch.objects.filter(only or Q(), pk=batch.pk).update(canceled_at=now, paused_at=None):
            return 0
        told = {"cancel_requested_at": now, "error_code": "", "error_message": ""}
        mine.filter(pk__in=[job.pk for job in jobs]).update(status=Job.Status.CANCELED, finished_at=now, **told)
        asked = next((job for job in jobs if job.approval and not job.verdict), None)
        wallets.void_all([job.hold for job in jobs])
        tell_ended(batch.team_id, [job.pk for job in jobs], batch.pk)
        if asked:
            tell(asked, "withdrawn")
        why = f": {because}" if because else ""
        audit.record(batch.team, by, "batch.canceled", f"canceled the rest of {called(batch.title)}, {ended} of {batch.size}{why}")
        _announce(batch, queues)
    return ended


@transaction.atomic
def retry_failed(batch: Batch, *, by: User, key: str, api_key: ApiKey | None = None) -> Batch:
    """Make once more what failed of it and is not made again already: a batch of its own, at today's price; the same key gives the same.

    Raises `NothingToRetry`, and as `submit_batch`.
    """
    keep(batch.team_id)  # of two presses at the same moment the second sees what the first made again
    pressed = Batch.objects.filter(user=by, idempotency_key=key).first()
    if pressed:
        return pressed
    related = ("template_version__template", "image", "mask_image", "parent", "retry_of")
    again = Job.objects.filter(batch=batch).to_make_again().select_related(*related).prefetch_related("inputs__file")
    failed = list(again.order_by("batch_place"))
    if not failed:
        raise NothingToRetry("Nothing of this batch has failed, or all that did is made again already.")
    return submit_batch(
        user=by,
        team=batch.team,
        items=[_again(job) for job in failed],
        kind=Batch.Kind.TABLE if batch.is_grid else Batch.Kind(batch.kind),  # what is left of a grid is no grid
        title=batch.title,
        idempotency_key=key,
        template_version=batch.template_version,
        api_key=api_key,
    )


def _again(job: Job) -> Item:
    files = {name: file for name, file in job.given.items() if file}
    return Item(job.to_request(), job.written, job.template_version, job.template_values, job.retry_of or job, files, job.parent)


def quote_failed(batches: Sequence[Batch]) -> dict[uuid.UUID, BatchQuote]:
    """What `retry_failed` would cost of each, by their ids; none of one with nothing to make again, or an engine that is gone.

    Two queries, which read no more than the price needs.
    """
    failed: dict[uuid.UUID, list[Item]] = defaultdict(list)
    for batch_id, request in Job.objects.filter(batch__in=batches).to_make_again().order_by("batch_place").values_list("batch", "request"):
        failed[batch_id].append(Item(GenerationRequest.from_json(request)))
    engines = {engine.id: engine for engine in priced(registry.engines())} if failed else {}
    return {pk: _quoted(items, engines) for pk, items in failed.items() if all(item.request.engine in engines for item in items)}
