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


def tell_ended(team_id: int, jobs: Collection[uuid.UUID], batch_id: uuid.UUID | None) -> None:
    """Tell of jobs of a team that ended, all of one batch or of none; and of the batch, when none of it is open any more.

    To be called when all else is written, and above all the end of their holds: whoever ends a job has its wallet's row from then on. So
    those who end the last ones of a batch at the same moment come here one after another, and the last sees what the others did; it
    tells of the batch, once. What failed is made again as a batch of its own (`retry_failed`), so none finishes twice.

    One query where nobody listens.
    """
    endpoints = webhooks.listeners(team_id)
    if not endpoints:
        return
    told: dict[str, list[dict[str, Any]]] = {}
    for job in Job.objects.filter(pk__in=jobs).for_programs().order_by("pk"):
        told.setdefault(job.status, []).append(with_addresses(job_facts(job)))
    for status, happened in told.items():
        webhooks.publish_all(endpoints, EVENTS[Job.Status(status)], happened)
    if batch_id is None or not jobs or not any(Event.BATCH_FINISHED in one.events for one in endpoints):
        return
    if not Job.objects.open().filter(batch=batch_id).exists():
        batch = Batch.objects.select_related("api_key").get(pk=batch_id)
        webhooks.publish_all(endpoints, Event.BATCH_FINISHED, [with_addresses(batch_facts(batch))])


def with_addresses(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a job or a batch with the whole address wherever they have a path: a receiver need not know the studio's host."""
    if "path" in facts:
        facts["url"] = absolute(facts["path"])
    for result in facts.get("results", ()):
        with_addresses(result)
    return facts
