"""What is left of jobs whose people or team are gone: that they ran, on what, and what they cost. Not a word, and not a file."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.db import transaction

from accounts.models import AuditEntry, Team
from studio.generation.models import Batch, InputFile, Job, JobInput
from studio.generation.querysets import InputFileQuerySet, JobQuerySet
from studio.generation.services.settling import cancel
from studio.storage import discard
from studio.webhooks.erasing import erase_told

BATCH = 500
KEPT = ("engine", "mode", "seed", "width", "height", "num_images", "num_inference_steps")
"""What a request says that nobody wrote or drew: figures for the books and the operator's reports."""

WRITTEN = ("request", "prompt", "fingerprint", "error_message", "error_fields", "decision", "intended", "template_values", "written")
"""The columns that people's words stand in."""
ERASED = "Erased"
"""What a batch is called then."""


@transaction.atomic
def stop_team(team: Team) -> None:
    """Stop all that is under way in a team, whoever asked for it (`settings.TEAM_STOPPERS`)."""
    for job in Job.objects.of_team(team).under_way().locked():
        cancel(job, for_all=True)


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`. The jobs stay: holds, the daily comparison with the provider and the cost report count on them."""
    erase_words(Job.objects.of_team(team))
    erase_inputs(InputFile.objects.filter(team=team))
    Batch.objects.of_team(team).delete()


def erase_words(jobs: JobQuerySet) -> int:
    """Take out of ended jobs all that people wrote, and what was said of it; returns how many jobs there were."""
    ids = list(jobs.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        batch = list(Job.objects.filter(pk__in=ids[start : start + BATCH]).only("pk", "team", "request", "batch"))
        for job in batch:
            job.request = _figures(job.request)
            job.prompt = job.fingerprint = job.error_message = job.decision = ""
            job.error_fields = {}
            job.intended = job.template_values = job.written = None
        Job.objects.bulk_update(batch, WRITTEN)
        batches = {job.batch_id for job in batch if job.batch_id}
        _erase_titles(batches)
        erase_told({job.team_id for job in batch}, [*(job.pk for job in batch), *batches])
    JobInput.objects.filter(job__in=jobs).delete()
    return len(ids)


def called(title: str) -> str:
    """A batch in the log of its team."""
    return f"“{title}”"


def _erase_titles(batches: Collection[uuid.UUID]) -> None:
    """What a batch is called may be a prompt: it goes, out of the lines of the log as well."""
    named = Batch.objects.filter(pk__in=batches)
    for batch in named.exclude(title=ERASED).select_related("team"):
        title = called(batch.title)
        for line in AuditEntry.objects.of_team(batch.team).filter(action__startswith="batch.", text__contains=title):
            AuditEntry.objects.filter(pk=line.pk).update(text=line.text.replace(title, called(ERASED)))
    named.update(title=ERASED, axes=None)


def erase_inputs(inputs: InputFileQuerySet) -> int:
    """Erase what people gave to generations, files too; returns how many."""
    names = dict(inputs.values_list("pk", "file"))
    for pk in names:
        with transaction.atomic():
            InputFile.objects.filter(pk=pk).delete()
    discard(names.values())
    return len(names)


def _figures(request: dict[str, Any]) -> dict[str, Any]:
    return {name: request[name] for name in KEPT if name in request}
