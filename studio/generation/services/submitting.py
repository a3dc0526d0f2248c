"""From a request to a queued job with its hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import ApiKey, Team, User
from billing.models import Plan
from billing.services import wallets
from billing.services.plans import plan_of
from studio import telemetry
from studio.backends import registry, weights
from studio.backends.base import Engine, GenerationRequest, Mode
from studio.backends.weights import plain
from studio.generation import approving, usage
from studio.generation.dispatch import doorbell
from studio.generation.errors import HaveItAlready, TeamIsGone, TooManyOpenJobs, WordsRefused
from studio.generation.models import Artifact, InputFile, Job, JobInput
from studio.generation.quotes import describe
from studio.generation.reuse import fingerprint, same
from studio.generation.services.branding import check_brand
from studio.generation.services.deciding import tell
from studio.ids import uuid7
from studio.live import events
from studio.moderation import words
from studio.pricing.prices import priced
from studio.prompts.models import PromptTemplateVersion


def submit(
    *,
    user: User,
    team: Team,
    request: GenerationRequest,
    idempotency_key: str,
    inputs: Mapping[str, InputFile] | None = None,
    parent: Artifact | None = None,
    retry_of: Job | None = None,
    intended: Mapping[str, Any] | None = None,
    final_of: Artifact | None = None,
    template_version: PromptTemplateVersion | None = None,
    template_values: Mapping[str, Any] | None = None,
    written: Mapping[str, Any] | None = None,
    anew: bool = True,
    api_key: ApiKey | None = None,
) -> Job:
    """Put a request in the queue and hold its price, in one transaction; the same key gives the same job and no second hold.

    What a rule of the team asks approval for waits outside the queue, its price held like any other's.
    `inputs` are the files it starts from, by the names of the engine's `MediaInput`s. `intended` (a request as JSON) makes it a preview of
    that; `final_of` the final of one: while that is under way or can be seen, the same again gives that job. `template_version` is what it
    was written with, `template_values` what was filled in, `written` the prompts as they were typed, `api_key` what a program asks with.

    Unless it shall be made `anew`, a request to a paid engine that the team has under way gives that job, and no second hold either.
    Raises `HaveItAlready` for one whose result it has; `WordsRefused`, `BrandRefused`, `InsufficientCredits`, `OverBudget`,
    `TooManyOpenJobs`, `PlanLimit`, `KeyRefusal`, `TeamIsGone`, `UnknownEngine`. Then nothing is left behind.
    """
    _check_words(team, request)
    [engine] = priced([registry.engine(request.engine)])
    check_brand(team, *meant(request, engine, intended))
    plan = plan_of(team)
    usage.require_engine(plan, engine)
    usage.require_engine_of_key(api_key, engine)
    job, others = draft(
        request,
        engine,
        inputs or {},
        id=uuid7(),
        user=user,
        team=team,
        idempotency_key=idempotency_key,
        priority=plan.priority,
        parent=parent,
        retry_of=retry_of,
        intended=intended,
        final_of=final_of,
        template_version=template_version,
        template_values=template_values,
        written=written,
        api_key=api_key,
    )
    while True:
        try:
            return _place(job, others, describe(request, engine), plan=plan, anew=anew)
        except _SameRequest as found:
            if _join(found.job, job):
                return found.job
            # It ended, or was stopped, in the instant since it was found: whoever asks now gets what it did not give.


def draft(
    request: GenerationRequest, engine: Engine, inputs: Mapping[str, InputFile], *, parent: Artifact | None, **columns: Any
) -> tuple[Job, dict[str, InputFile]]:
    """A job that is not saved and has no hold, and those of its inputs that are rows of their own (`JobInput`)."""
    others = dict(inputs)
    job = Job(
        engine=engine.id,
        engine_label=engine.label,
        queue=engine.queue,
        mode=request.mode,
        prompt=weights.readable(request.prompt)
        or (parent.prompt if parent else ""),  # an upscaled picture is found by the words it was made with
        num_images=request.num_images,
        request=request.to_json(),
        shape=request.shape,
        fingerprint=fingerprint(request, engine, {name: file.sha256 for name, file in others.items()}),
        image=others.pop("image", None),
        mask_image=others.pop("mask_image", None),
        parent=parent,
        quote=engine.quote(request).to_json(),
        **columns,
    )
    return job, others


def texts_of(request: GenerationRequest) -> dict[str, str]:
    """What of a request is looked at for words, by the names of its fields, without weights and escapes, in which a word could hide.

    What shall be left out of a picture may be named.
    """
    texts = {"prompt": request.prompt} | {name: text for name, text in request.extra.items() if name.endswith("prompt")}
    return {name: plain(str(text)) for name, text in texts.items() if text}


def _check_words(team: Team, request: GenerationRequest) -> None:
    """Raises `WordsRefused`."""
    refusals = words.refusals(team, texts_of(request))
    if refusals:
        raise WordsRefused(next(iter(refusals.values())), refusals)


def meant(request: GenerationRequest, engine: Engine, intended: Mapping[str, Any] | None) -> tuple[GenerationRequest, Engine]:
    """What brand rules look at: of a preview, which may be small, what it is a preview of, as long as there is an engine for that."""
    final = GenerationRequest.from_json(intended) if intended else request
    by = engine if final.engine == engine.id else next((one for one in registry.engines() if one.id == final.engine), None)
    return (final, by) if by else (request, engine)


def _place(job: Job, inputs: Mapping[str, InputFile], description: str, *, plan: Plan, anew: bool) -> Job:
    """The transaction of `submit`. Raises `_SameRequest` as well, when everything that it did is undone."""
    user = job.user
    try:
        with transaction.atomic():
            keep(job.team_id)
            # Behind the team's row, where submits of a team come one after another: a second press that went on to hold credits would wait
            # with the wallet's row at the key of the first one's job, whose worker wants that row to settle it.
            existing = Job.objects.filter(user=user, idempotency_key=job.idempotency_key).first()
            if existing is not None:
                return existing
            if job.final_of and (standing := Job.objects.finals_of(job.final_of).standing().first()):
                return standing  # the team's row is locked: nobody makes another at this moment
            if not anew:
                _require_new(job)
            if Job.objects.open().filter(user=user, batch=None).count() >= settings.MAX_OPEN_JOBS:
                raise TooManyOpenJobs(f"You have {settings.MAX_OPEN_JOBS} generations waiting or running. Wait for one to finish.")
            usage.require_room(plan, job.team)
            wallet = wallets.wallet_of(job.team)
            price = job.price.amount
            job.approval = approving.why(wallet, user, amount=price, pictures=job.num_images, engine=job.engine, mode=job.mode)
            if job.approval:
                job.status = Job.Status.NEEDS_APPROVAL
            job.hold = wallets.place_hold(
                wallet,
                price,
                reference=f"job:{job.id}",
                description=description,
                actor=user,
                # Words, and not ids: they are told of long after an engine is gone, as they were when somebody pressed the button.
                product=job.engine_label,
                operation=Mode(job.mode).label,
                api_key=job.api_key,
            )
            if not anew:
                # Once more: the hold has locked the wallet's row, so that submits of one team come here one after another.
                _require_new(job)
            job.save(force_insert=True)
            JobInput.objects.bulk_create(JobInput(job=job, name=name, file=file) for name, file in inputs.items())
            if job.approval:
                tell(job, "asked")
            transaction.on_commit(lambda: _announce(job))
    except IntegrityError:
        # the same key, pressed twice at the very same time: the other press won, and our hold was rolled back with the job
        existing = Job.objects.filter(user=user, idempotency_key=job.idempotency_key).first()
        if existing is None:
            raise
        return existing
    return job


def keep(team_id: int) -> None:
    """Let nobody delete the team until this job is in it, or it would be missed when that stops what is under way. Raises `TeamIsGone`.

    The team comes before its wallet, here as in `accounts.ending`: no two of them can wait for each other.
    """
    alive = Team.objects.alive().select_for_update(no_key=True).filter(pk=team_id)
    if not alive.values_list("pk").order_by().first():
        raise TeamIsGone("This team was deleted. Nothing was charged.")


class _SameRequest(Exception):
    """Undoes what a submit did before it saw that the team has the same `job`."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job


def _require_new(job: Job) -> None:
    found = same(job.team, job.fingerprint)
    if found is not None:
        raise _SameRequest(found)


def _join(job: Job, asked: Job) -> bool:
    """Give whoever `asked` for the same the job that is under way; False when it is so no more. Raises `HaveItAlready` when its result
    is there."""
    if (job.user_id, job.idempotency_key) == (asked.user_id, asked.idempotency_key):
        return True  # the same key, pressed twice at the very same time: nobody asked again
    joined = Job.objects.under_way().filter(pk=job.pk).update(joined=True)
    job.refresh_from_db()
    if joined:
        events.job_updated(job.team_id, job.id, batch_id=job.batch_id)
    elif job.status == Job.Status.SUCCEEDED:
        raise HaveItAlready(job)
    return bool(joined)


def retry(job: Job, *, user: User, idempotency_key: str, api_key: ApiKey | None = None) -> Job:
    """Submit a finished job once more, at today's price. Of a retry it is one more of the job that came first. Raises as `submit` does."""
    return submit(
        user=user,
        team=job.team,
        request=job.to_request(),
        idempotency_key=idempotency_key,
        inputs={name: file for name, file in job.given.items() if file},
        parent=job.parent,
        retry_of=job.retry_of or job,
        intended=job.intended,
        final_of=job.final_of,
        template_version=job.template_version,
        template_values=job.template_values,
        written=job.written,
        anew=job.status == Job.Status.SUCCEEDED,
        api_key=api_key,
    )


def finish(
    preview: Artifact,
    *,
    user: User,
    request: GenerationRequest,
    idempotency_key: str,
    anew: bool = False,
    api_key: ApiKey | None = None,
) -> Job:
    """Make the final of a preview with `request` (`finals.request_for`), from the files that the preview started from.

    While one is under way or can be seen, that is returned. Raises as `submit` does.
    """
    assert preview.job
    return submit(
        user=user,
        team=preview.team,
        request=request,
        idempotency_key=idempotency_key,
        inputs={name: file for name, file in preview.job.given.items() if file},
        parent=preview,
        final_of=preview,
        template_version=preview.job.template_version,
        template_values=preview.job.template_values,
        written=preview.job.written,
        anew=anew,
        api_key=api_key,
    )


def _announce(job: Job) -> None:
    telemetry.submitted([job])
    if job.status == Job.Status.QUEUED:
        doorbell().wake(job.queue)
    events.job_updated(job.team_id, job.id, batch_id=job.batch_id)
