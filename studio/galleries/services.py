"""What is done to one picture after it was made: into the trash, out of it; and the two sweeps that make room."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from studio.galleries import trashing
from studio.generation.models import Artifact, InputFile, Job, JobInput
from studio.live import events

BATCH = 200
SETTLING = timedelta(days=1)
"""Files younger than this may belong to a row that is just being written."""
UNUSED = timedelta(days=7)
"""An upload that no generation used waits so long for the page on which it was dropped."""


def trash(artifact: Artifact, *, by: User | None = None) -> bool:
    """Put a picture into the trash; its files stay until the trash is emptied. False when it was there already."""
    return bool(trashing.trash([artifact], by=by).ids)


def restore(artifact: Artifact) -> bool:
    """Take a picture out of the trash, to its old place. False when it was not there."""
    return bool(trashing.restore([artifact]))


def restore_job(job: Job) -> int:
    """Take every picture of a job out of the trash, and tell the pages that show the job; returns how many there were."""
    with transaction.atomic():
        moved = sum(len(lying.ids) for lying in trashing.restore(Artifact.objects.filter(job=job)))
        if moved:
            transaction.on_commit(lambda: events.job_updated(job.team_id, job.pk, batch_id=job.batch_id))
    return moved


def empty_trash(before: datetime) -> int:
    """Delete for good what has been in the trash since before that moment, files too; returns how many.

    What was paid for it stays in the books.
    """
    emptied = 0
    while batch := list(Artifact.objects.trashed_before(before).order_by("pk")[:BATCH]):
        gone = len(trashing.erase(batch))
        emptied += gone
        if not gone:  # somebody else is at it
            break
    return emptied


def prune_inputs(now: datetime | None = None) -> int:
    """Delete uploads and masks that no generation used within a week, files too; returns how many."""
    jobs = Job.objects.filter(Q(image=OuterRef("pk")) | Q(mask_image=OuterRef("pk")))
    nobodys = InputFile.objects.filter(~Exists(jobs), ~Exists(JobInput.objects.filter(file=OuterRef("pk"))))
    names = dict(nobodys.filter(created_at__lt=(now or timezone.now()) - UNUSED).values_list("pk", "file"))
    nobodys.filter(pk__in=names).delete()
    kept = set(InputFile.objects.filter(pk__in=names).values_list("pk", flat=True))  # used in the very moment
    gone = names.keys() - kept
    for pk in gone:
        default_storage.delete(names[pk])
    return len(gone)


def prune_files(now: datetime | None = None, *, dry_run: bool = False) -> list[str]:
    """Delete files of pictures and inputs that no row owns, and return their names; nothing that is younger than a day.

    A worker writes files before the row exists, and a process may die between the two.
    """
    limit = (now or timezone.now()) - SETTLING
    orphans = [name for owned, names in _stored() if not owned for name in names if _is_older(name, limit)]
    if not dry_run:
        for name in orphans:
            default_storage.delete(name)
    return orphans


def _stored() -> Iterator[tuple[bool, list[str]]]:
    """Every stored artifact and input: whether a row owns it, and its files. One query for each of the 256 folders."""
    for shard in _folders("artifacts"):
        found = {name: parsed for name in _folders(f"artifacts/{shard}") if (parsed := _parsed(name))}
        owned = set(Artifact.objects.filter(pk__in=found.values()).values_list("pk", flat=True))
        for name, artifact_id in found.items():
            folder = f"artifacts/{shard}/{name}"
            # An empty folder counts as a file of its own: a file system keeps it.
            yield artifact_id in owned, [f"{folder}/{file}" for file in _files(folder)] or [folder]
    for shard in _folders("inputs"):
        paths = [f"inputs/{shard}/{file}" for file in _files(f"inputs/{shard}")]
        kept = set(InputFile.objects.filter(file__in=paths).values_list("file", flat=True))
        for path in paths:
            yield path in kept, [path]


def _folders(path: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(default_storage.listdir(path)[0])
    return []


def _files(path: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(default_storage.listdir(path)[1])
    return []


def _parsed(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None


def _is_older(name: str, limit: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < limit
    except FileNotFoundError:
        return False
