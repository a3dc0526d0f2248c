"""A job as server-sent events (the EventSource protocol of the HTML standard). No thread is held while nothing happens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from django.http import Http404

from studio.api.waiting import Seen, changes
from studio.live.threads import in_database_thread
from studio.waiting import leave_thread

ENDED = "ended"
"""The id of the last event: whoever comes back with it has all there is."""
HEARTBEAT_SECONDS = 10.0
RETRY = 2000
"""Milliseconds after which a client whose line broke comes back."""


async def of_job(job_id: UUID, last: str, facts: Callable[[], dict[str, Any]]) -> AsyncIterator[str]:
    """The events after the one with the id `last`; `facts` reads the job that the last one tells."""
    await leave_thread()
    yield f"retry: {RETRY}\n\n"
    async with aclosing(changes(job_id, every=HEARTBEAT_SECONDS)) as all_changes:
        async for seen in all_changes:
            if seen is None:
                yield ": still here\n\n"
            elif seen.is_over:
                break
            elif _id(seen) != last:
                yield _event("progress", _id(seen), {"status": seen.status, "step": seen.step, "total": seen.total})
    try:
        told = await in_database_thread(facts)
    except Http404:  # erased meanwhile, or not this caller's any more
        told = {"id": str(job_id), "status": "gone"}
    yield _event("ended", ENDED, told)


def _id(seen: Seen) -> str:
    return f"{seen.status}.{seen.attempt}.{seen.step}"


def _event(name: str, its_id: str, data: dict[str, Any]) -> str:
    return f"id: {its_id}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
