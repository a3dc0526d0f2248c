"""What is done to one picture after it was made: into the trash, out of it; and the two sweeps that make room."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from studio.galleries import trashing
from studio.generation.models import Artifact, InputFile, Job, JobInput
from studio.live import events
from studio.storage import delete, discard, stored

BATCH = 200
MANY = 1000
"""Files whose rows are looked for with one query."""
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
    discard(names[pk] for pk in gone)
    return len(gone)


def prune_files(now: datetime | None = None, *, dry_run: bool = False) -> list[str]:
    """Delete files of pictures and inputs that no row owns, and return their names; nothing that is younger than a day.

    A worker writes files before the row exists, and a process may die between the two. Raises OSError when the storage does not answer.
    """
    limit = (now or timezone.now()) - SETTLING
    orphans: list[str] = []
    for folder, of_nobody in (("artifacts", _without_artifact), ("inputs", _without_input)):
        files = (one.name for one in stored(folder) if one.modified_at < limit)
        while batch := list(islice(files, MANY)):
            orphans += of_nobody(batch)
    if not dry_run:
        delete(orphans)
    return orphans


def _without_artifact(names: Sequence[str]) -> list[str]:
    """Of files in the folders of pictures those of none. What is no folder of a picture is left alone."""
    ids = {name: found for name in names if (found := _parsed(name.split("/")[2] if name.count("/") >= 2 else ""))}
    owned = set(Artifact.objects.filter(pk__in=set(ids.values())).values_list("pk", flat=True))
    return [name for name, artifact_id in ids.items() if artifact_id not in owned]


def _without_input(names: Sequence[str]) -> list[str]:
    """The same of files that people gave. An empty folder there may be about to be written to."""
    kept = set(InputFile.objects.filter(file__in=names).values_list("file", flat=True))
    return [name for name in names if name.count("/") == 2 and name not in kept]


def _parsed(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None
