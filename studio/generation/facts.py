"""What a job and a batch are told as to programs: in answers of the API, and in webhooks. JSON types only.

Within version 1 of the API a field may come, and none goes or changes its meaning. Addresses are paths: whoever knows the host puts it in
front.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from billing.credits import MILLICREDITS
from studio.generation.models import Artifact, Batch, Job

STATUSES = tuple(Job.Status.values)


def job_facts(job: Job) -> dict[str, Any]:
    """Everything of a job that a program may want. Quick for one read `for_programs`.

    `credits` are decimal strings of credits; what is `charged` is null until the job is over. `error` is null unless it failed, or waits
    for another try.
    """
    return {
        "id": str(job.pk),
        "object": "job",
        "status": str(job.status),
        "engine": job.engine,
        "mode": job.mode,
        "prompt": job.prompt,
        "created_at": moment(job.created_at),
        "started_at": moment(job.started_at),
        "finished_at": moment(job.finished_at),
        "progress": {"step": _step(job), "total": job.total_steps},
        "credits": {"quoted": decimal(job.price.amount), "charged": None if job.is_open else decimal(job.hold.captured)},
        "error": {"code": job.error_code, "message": job.error_message, "fields": job.error_fields} if job.error_code else None,
        "approval": {"reason": job.approval, "verdict": job.verdict or None, "decision": job.decision} if job.approval else None,
        "filtered": job.filtered,
        "results": [result_facts(job, one) for one in results_of(job)],
        "is_preview": job.intended is not None,
        "batch": str(job.batch_id) if job.batch_id else None,
        "batch_place": job.batch_place,
        "api_key": {"id": job.api_key.public_id, "name": job.api_key.name} if job.api_key else None,
    }


def _step(job: Job) -> int:
    """Steps are noted now and then; what was made has had all of them."""
    return job.total_steps or job.step if job.status == Job.Status.SUCCEEDED else job.step


def results_of(job: Job) -> list[Artifact]:
    """What came of a job and does not lie in the trash."""
    return sorted((one for one in job.artifacts.all() if one.deleted_at is None), key=lambda one: one.index)


def result_facts(job: Job, artifact: Artifact) -> dict[str, Any]:
    """One result: `id` is its own in the library; `width` and `height` are pixels of a picture, `seconds` the length of a sound."""
    return {
        "index": artifact.index,
        "id": str(artifact.pk),
        "mime": artifact.mime,
        "bytes": artifact.bytes,
        "width": artifact.width,
        "height": artifact.height,
        "seconds": artifact.seconds,
        "seed": artifact.seed,
        "path": f"/api/v1/jobs/{job.pk}/results/{artifact.index}",
    }


def batch_facts(batch: Batch) -> dict[str, Any]:
    """A batch with how many of its jobs are where; one query. What each became is in its jobs."""
    rows = batch.jobs.order_by().values_list("status", "hold__captured", "hold__amount")
    return batch_told(batch, list(rows))


def batch_told(batch: Batch, rows: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """`rows` are status, captured and held millicredits of each job."""
    counts = Counter(status for status, _, _ in rows)
    is_open = any(counts[status] for status in Job.OPEN)
    status = "canceled" if batch.canceled_at and not is_open else "paused" if batch.paused_at else "open" if is_open else "finished"
    return {
        "id": str(batch.pk),
        "object": "batch",
        "status": status,
        "kind": batch.kind,
        "title": batch.title,
        "size": batch.size,
        "jobs": {name: counts[name] for name in STATUSES},
        "created_at": moment(batch.created_at),
        "paused_at": moment(batch.paused_at),
        "canceled_at": moment(batch.canceled_at),
        "credits": {
            "quoted": decimal(sum(held for _, _, held in rows)),
            "charged": decimal(sum(captured for _, captured, _ in rows)),
        },
        "api_key": {"id": batch.api_key.public_id, "name": batch.api_key.name} if batch.api_key else None,
        "path": f"/api/v1/batches/{batch.pk}",
    }


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def decimal(amount: int) -> str:
    """Millicredits as a decimal number of credits, without what means nothing: `8`, `0.25`."""
    whole, part = divmod(abs(amount), MILLICREDITS)
    digits = f"{part:03d}".rstrip("0")
    return f"{'-' if amount < 0 else ''}{whole}{f'.{digits}' if digits else ''}"
