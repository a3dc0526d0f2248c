"""The newest small picture of a running job, for a minute or two, in a cache that web and workers share."""

from __future__ import annotations

from uuid import UUID

from django.core.cache import caches


def _entry(job_id: UUID | str) -> tuple[int, bytes] | None:
    found: tuple[int, bytes] | None = caches["previews"].get(str(job_id))
    return found


def put(job_id: UUID | str, step: int, jpeg: bytes) -> None:
    """Keep the JPEG of one step, in place of the one before."""
    caches["previews"].set(str(job_id), (step, jpeg))


def get(job_id: UUID | str, step: int) -> bytes | None:
    """Return the JPEG of a step, or a newer one: an address that was just put on a page must not be dead. None when there is none."""
    found = _entry(job_id)
    return found[1] if found and found[0] >= step else None


def latest(job_id: UUID | str) -> int | None:
    """Return the step of the newest preview, or None when there is none."""
    found = _entry(job_id)
    return found[0] if found else None


def forget(job_id: UUID | str) -> None:
    """Drop the preview of a job that ended."""
    caches["previews"].delete(str(job_id))
