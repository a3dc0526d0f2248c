"""The sheet of a grid: drawn once its last job has ended, and put into the team's library. No job made it, so nothing is charged."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from functools import partial

import structlog
from django.db import transaction
from django.utils import timezone
from PIL import Image

from studio.generation import files, usage
from studio.generation.errors import GenerationError, StorageFailed, StorageFull
from studio.generation.images import decoded, variants_of
from studio.generation.metadata import png
from studio.generation.metadata.texts import Texts
from studio.generation.models import Artifact, Batch, Job
from studio.generation.sheets import Cell, Sheet, headings, render, to_png
from studio.ids import uuid7
from studio.live import events

log = structlog.get_logger(__name__)

LABEL = "Sheet"
"""What stands for the engine of a sheet."""


def draw_due_sheets() -> None:
    """Draw what nobody has drawn: a worker was killed in between, or the last job was canceled and none ran (`settings.QUICK_CHORES`)."""
    for batch_id in Batch.objects.wants_sheet(timezone.now()).values_list("pk", flat=True):
        draw_sheet(batch_id)


def draw_sheet(batch_id: uuid.UUID) -> bool:
    """Draw the sheet of a batch that is over and has none; False when there was nothing to do, or somebody else was quicker.

    Where there is no room for it, it is tried again later (`BatchQuerySet.wants_sheet`).
    """
    batch = (
        Batch.objects.wants_sheet(timezone.now()).filter(pk=batch_id).select_related("team", "user", "template_version__template").first()
    )
    if batch is None:
        return False
    jobs = list(batch.jobs.with_pictures().order_by("batch_place"))
    if not any(_picture(job) for job in jobs):
        return _keep(batch, None)
    try:
        return _draw(batch, jobs)
    except (OSError, StorageFull) as error:
        log.warning("sheet_not_stored", batch=str(batch.pk), reason=type(error).__name__)
    except GenerationError as error:  # the library of the team's plan is full
        log.info("sheet_not_kept", batch=str(batch.pk), code=error.code)
        _keep(batch, None)
    except Exception as error:  # a sheet that cannot be drawn cannot be drawn in a minute either
        log.exception("sheet_not_drawn", batch=str(batch.pk), reason=type(error).__name__)
        _keep(batch, None)
    return False


def _draw(batch: Batch, jobs: Sequence[Job]) -> bool:
    sheet = sheet_of(batch, jobs)
    image = render(sheet)
    data = png.write(to_png(image), _texts(batch, sheet))
    variants = variants_of(image)
    artifact = Artifact(
        id=uuid7(),
        team=batch.team,
        user=batch.user,
        engine_label=LABEL,
        prompt=sheet.title,
        mime="image/png",
        width=image.width,
        height=image.height,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        thumbhash=variants.thumbhash,
        info={"batch": str(batch.pk), "sheet": True},
    )
    usage.require_storage(batch.team, artifact.bytes)
    try:
        files.save_artifact(artifact.id, artifact.mime, data, variants.files)
    except BaseException:
        _discard(artifact)
        raise
    # Should the commit fail, or only its answer be lost, the files stay: `prune_files` removes them where no row owns them.
    kept = _keep(batch, artifact)
    if not kept:
        _discard(artifact)
    return kept


def _discard(artifact: Artifact) -> None:
    files.delete_artifacts([artifact.id])


def _keep(batch: Batch, artifact: Artifact | None) -> bool:
    """One conditional UPDATE decides between two workers. Without an artifact: there will be none."""
    with transaction.atomic():
        if artifact:
            artifact.save(force_insert=True)
        if not Batch.objects.filter(pk=batch.pk, sheet_made_at=None).update(sheet=artifact, sheet_made_at=timezone.now()):
            transaction.set_rollback(True)
            return False
        transaction.on_commit(partial(events.batch_updated, batch.team_id, batch.pk))
        if artifact:
            transaction.on_commit(partial(events.pictures_changed, batch.team_id, [artifact.pk]))
    return True


# --- what stands on it -----------------------------------------------------------------------------------------------


def sheet_of(batch: Batch, jobs: Sequence[Job]) -> Sheet:
    """The batch as a sheet; `jobs` are all of it in their order, with their pictures."""
    columns, rows = headings(batch.axes)
    changed = {str(one.get("name", "")) for one in (batch.axes or {}).values() if one}
    by_place = {job.batch_place: job for job in jobs}
    cells = [_cell(by_place.get(place)) for place in range(len(columns) * (len(rows) or 1))]
    return Sheet(batch.title, _about(batch, jobs, changed), columns, rows, cells)


def _about(batch: Batch, jobs: Sequence[Job], changed: set[str]) -> str:
    """Template and version, engine, seed and size where they are the same for all, and the day."""
    version = batch.template_version
    parts = (
        [f"{version.template} v{version.number}"] if version and "version" not in changed else [str(version.template)] if version else []
    )
    parts += sorted({job.engine_label for job in jobs})
    seeds, sizes = {job.request.get("seed") for job in jobs}, {(job.request.get("width"), job.request.get("height")) for job in jobs}
    parts += [f"seed {seed}" for seed in seeds if len(seeds) == 1]
    parts += [f"{width} × {height}" for width, height in sizes if len(sizes) == 1 and width and height]
    return " · ".join([*parts, f"{timezone.localtime(batch.created_at):%d %B %Y}".lstrip("0")])


def _picture(job: Job) -> Artifact | None:
    return next((one for one in job.artifacts.all() if one.deleted_at is None), None)


def _cell(job: Job | None) -> Cell:
    picture = _picture(job) if job else None
    if job is None:
        return Cell("Not made")
    if picture is None:
        deleted = "Deleted" if job.status == Job.Status.SUCCEEDED else ""
        return Cell(job.error_message or job.decision or deleted or job.get_status_display())
    is_drawn = picture.kind != "image"
    name = picture.variant("large" if is_drawn else "original")
    return Cell("The file is gone", picture.looks, partial(_open, name))


def _open(name: str) -> Image.Image | None:
    try:
        return decoded(files.read(name))
    except StorageFailed:  # it is there: the sheet is drawn later
        raise
    except OSError:
        return None


def _texts(batch: Batch, sheet: Sheet) -> Texts:
    """What the file says of itself: the words that stand on it, and what the axes were."""
    ours = {"sheet": {"title": sheet.title, "about": sheet.about, "axes": batch.axes}}
    return Texts(f"{sheet.title}\n{sheet.about}", json.dumps(ours, ensure_ascii=False, separators=(",", ":")))
