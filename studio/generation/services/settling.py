"""How a job ends: succeeded, failed or canceled, and its hold with it, in one transaction."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from billing.services import wallets
from studio import telemetry
from studio.backends.base import GeneratedMedia
from studio.generation import files, metadata
from studio.generation.bill import UNKNOWN, Bill
from studio.generation.dispatch import doorbell
from studio.generation.errors import AskedForTwice, BrokenResult, StorageFull, sentence
from studio.generation.models import Artifact, Job
from studio.generation.results import examine
from studio.generation.services.deciding import asked_with, tell
from studio.generation.services.news import tell_ended
from studio.ids import uuid7
from studio.live import events

log = structlog.get_logger(__name__)


def succeed(job: Job, media: Sequence[GeneratedMedia]) -> bool:
    """Deliver: files first, then one transaction with the artifacts and the charge for what was delivered.

    False when the job was lost to another attempt or stopped meanwhile: then nothing is kept and nothing charged. Nothing delivered,
    a result that cannot be read, or a storage that fails, ends the job as failed (also False). What the provider took is kept in each case.
    """
    delivered = [one for one in media if not one.filtered]
    bill = Bill.of(media, job.price)
    if not delivered:
        return fail(job, "all_filtered", bill=bill) and False
    artifacts: list[Artifact] = []
    try:
        with telemetry.span("job.store"):
            for one in delivered:
                artifacts.append(_store(job, one))
    except (StorageFull, BrokenResult) as error:
        _discard(artifacts)
        return fail(job, error.code, bill=bill.waived()) and False
    except OSError:
        _discard(artifacts)
        return fail(job, "storage_failed", bill=bill.waived()) and False
    except BaseException:
        _discard(artifacts)
        raise
    return _commit(job, artifacts, bill)


def _store(job: Job, media: GeneratedMedia) -> Artifact:
    result = examine(media.data, media.mime, poster=lambda: _given(job))
    original = metadata.embed(media.data, job.to_request(), seed=media.seed, engine_label=job.engine_label)
    artifact = Artifact(
        id=uuid7(),
        job=job,
        team_id=job.team_id,
        user_id=job.user_id,
        api_key_id=job.api_key_id,
        index=media.index,
        engine=job.engine,
        engine_label=job.engine_label,
        mode=job.mode,
        prompt=job.prompt,
        seed=media.seed,
        mime=media.mime,
        width=result.width,
        height=result.height,
        seconds=result.seconds,
        bytes=len(original),
        sha256=hashlib.sha256(original).hexdigest(),
        thumbhash=result.variants.thumbhash,
        charged=job.price.per_image,
        info={**media.info, **result.info},
    )
    try:
        files.save_artifact(artifact.id, media.mime, original, result.variants.files)
    except BaseException:
        _discard([artifact])
        raise
    return artifact


def _given(job: Job) -> bytes | None:
    """The picture that the job started from, or None where there was none or it is gone."""
    with contextlib.suppress(OSError):
        return files.read(job.image.file) if job.image else None
    return None


def _commit(job: Job, artifacts: list[Artifact], bill: Bill) -> bool:
    all_said = False
    try:
        with transaction.atomic():
            won = _leave(job, Job.Status.SUCCEEDED, not_stopped=True, delivered=len(artifacts), **bill.columns)
            if won:
                Artifact.objects.bulk_create(artifacts)
                changed = [one.pk for one in artifacts] + ([job.final_of_id] if job.final_of_id else [])
                transaction.on_commit(lambda: events.pictures_changed(job.team_id, changed))
                wallets.capture(job.hold, job.price.per_image * (len(artifacts) + bill.filtered_charged))
                tell_ended(job.team_id, [job.pk], job.batch_id)
            all_said = True
    except BaseException:
        # A commit whose answer was lost may have happened, and its pictures are paid for: then the files stay, and `prune_files`
        # removes them should no row own them.
        if not all_said:
            _discard(artifacts)
        raise
    if not won:
        _discard(artifacts)
        finish_canceled(job, bill=bill)
    return won


def fail(
    job: Job, code: str, detail: str = "", *, fields: Mapping[str, str] | None = None, only_lost: bool = False, bill: Bill = UNKNOWN
) -> bool:
    """End a held job, without charge unless `bill` says otherwise; False when it is no longer held. `detail` is for a person, or empty.

    `fields` says what was wrong with single settings (`BackendError.fields`): Create shows it beside them.
    `only_lost`: not if its worker has renewed the lease in the meantime.
    """
    message = sentence(code, detail, attempts=job.attempt, has_files=bool(job.given))[:500]
    with transaction.atomic():
        why: dict[str, Any] = {"error_code": code, "error_message": message, "error_fields": dict(fields or {})}
        left = _leave(job, Job.Status.FAILED, only_lost=only_lost, **why, **bill.columns)
        if left:
            if bill.filtered_charged:
                wallets.capture(job.hold, job.price.per_image * bill.filtered_charged)
            else:
                wallets.void(job.hold)
            tell_ended(job.team_id, [job.pk], job.batch_id)
    return left


def finish_canceled(job: Job, *, bill: Bill = UNKNOWN) -> bool:
    """End a held job whose person pressed Stop; False when nobody did, or it is no longer held."""
    with transaction.atomic():
        left = _leave(job, Job.Status.CANCELED, stopped=True, **bill.waived().columns)
        if left:
            wallets.void(job.hold)
            tell_ended(job.team_id, [job.pk], job.batch_id)
    return left


def cancel(job: Job, *, for_all: bool = False) -> Job:
    """Stop a job: a waiting one at once, a running one as soon as its worker notices; an ended one stays as it is.

    What somebody asked for again while it was under way is stopped only `for_all`; else raises `AskedForTwice`.
    """
    wanted = Job.objects.filter(pk=job.pk) if for_all else Job.objects.filter(pk=job.pk, joined=False)
    with transaction.atomic():
        waiting = wanted.filter(status__in=Job.WAITING)
        now = timezone.now()
        if waiting.update(status=Job.Status.CANCELED, cancel_requested_at=now, finished_at=now, error_code="", error_message=""):
            wallets.void(job.hold)
            tell_ended(job.team_id, [job.pk], job.batch_id)
            job.refresh_from_db()
            if job.approval and not job.verdict and not asked_with(job).exists():  # of a batch the others may be asked for still
                tell(job, "withdrawn")
            transaction.on_commit(lambda: _log(job, Job.Status.CANCELED, {}))
            changed = True
        else:
            running = wanted.filter(status=Job.Status.RUNNING, cancel_requested_at=None)
            changed = bool(running.update(cancel_requested_at=timezone.now()))
        if changed:
            transaction.on_commit(lambda: _announce(job))
    job.refresh_from_db()
    if job.joined and job.is_open and not job.cancel_requested_at:
        raise AskedForTwice("This was asked for twice: somebody else may wait for it too. Press Stop for all if nobody needs it any more.")
    return job


def _leave(job: Job, to_state: str, *, stopped: bool = False, not_stopped: bool = False, only_lost: bool = False, **changes: Any) -> bool:
    """Move a held job to its end. Must run inside a transaction, whose commit is announced."""
    held = Job.objects.held_as(job)
    if only_lost:
        held = held.lost()
    if stopped or not_stopped:
        held = held.filter(cancel_requested_at__isnull=not_stopped)
    if not held.update(status=to_state, finished_at=timezone.now(), lease_expires_at=None, worker="", **changes):
        return False
    job.status = to_state
    transaction.on_commit(lambda: events.job_updated(job.team_id, job.id, ended=True, batch_id=job.batch_id))
    transaction.on_commit(lambda: _log(job, to_state, changes))
    return True


def _log(job: Job, state: str, changes: Mapping[str, Any]) -> None:
    """One line for each job: what it was expected to cost and what it did, in millicredits."""
    log.info(
        "job_settled",
        job=str(job.pk),
        engine=job.engine,
        status=str(state),
        pictures=job.num_images,
        delivered=changes.get("delivered", 0),
        filtered=changes.get("filtered", 0),
        price_list=job.price.price_version,
        quoted=job.price.amount,
        charged=job.hold.captured,
        provider_cost=changes.get("provider_cost"),
    )


def _announce(job: Job) -> None:
    doorbell().wake(job.queue)  # so that a running job's worker looks at once whether it was stopped
    events.job_updated(job.team_id, job.id, batch_id=job.batch_id)


def _discard(artifacts: Sequence[Artifact]) -> None:
    """Remove files whose rows will never exist; what is left after an error here is pruned later."""
    files.delete_artifacts(artifact.id for artifact in artifacts)
