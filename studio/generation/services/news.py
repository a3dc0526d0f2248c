"""What a team's programs are told of jobs that end (`studio.webhooks`), in the transaction in which they do."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from accounts.mails import absolute
from studio.generation.facts import batch_facts, job_facts
from studio.generation.models import Batch, Job
from studio.webhooks import services as webhooks
from studio.webhooks.models import Event

EVENTS = {
    Job.Status.SUCCEEDED: Event.JOB_SUCCEEDED,
    Job.Status.FAILED: Event.JOB_FAILED,
    Job.Status.CANCELED: Event.JOB_CANCELED,
}


class News:
    """Begun when the rows of some jobs have their end, and before the wallet's is touched; told when all else is written.

    A batch has finished when none of its jobs is open any more. Those who end its last ones at the same moment cannot see each other, so
    each takes the batch's row first, and the last to have it sees what the others did: that one tells, once. What failed is made again as
    a batch of its own (`retry_failed`), so none finishes twice. Rows are taken in one order: jobs, batch, wallet.

    One query where nobody listens.
    """

    def __init__(self, team_id: int, batches: Collection[uuid.UUID | None]) -> None:
        self._endpoints = webhooks.listeners(team_id)
        self._batches: list[Batch] = []
        wanted = [one for one in batches if one]
        if wanted and any(Event.BATCH_FINISHED in one.events for one in self._endpoints):
            self._batches = list(Batch.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk"))

    def tell(self, ended: Collection[uuid.UUID]) -> None:
        if not self._endpoints:
            return
        told: dict[str, list[dict[str, Any]]] = {}
        for job in Job.objects.filter(pk__in=ended).for_programs().order_by("pk"):
            told.setdefault(job.status, []).append(with_addresses(job_facts(job)))
        for status, happened in told.items():
            webhooks.publish_all(self._endpoints, EVENTS[Job.Status(status)], happened)
        for batch in self._batches:
            if not Job.objects.open().filter(batch=batch).exists():
                webhooks.publish_all(self._endpoints, Event.BATCH_FINISHED, [with_addresses(batch_facts(batch))])


def with_addresses(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a job or a batch with the whole address wherever they have a path: a receiver need not know the studio's host."""
    if "path" in facts:
        facts["url"] = absolute(facts["path"])
    for result in facts.get("results", ()):
        with_addresses(result)
    return facts
