"""One job for the operator: what happened when, and the facts beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from billing.credits import credits, noun
from studio.generation.models import Job


def moments(job: Job) -> list[tuple[datetime, str]]:
    """What happened to it, in order."""
    return sorted(_moments(job), key=lambda one: one[0])


def _moments(job: Job) -> Iterator[tuple[datetime, str]]:
    by = f" with the key {job.api_key.name}" if job.api_key else ""
    yield job.created_at, f"Asked for{by}"
    if job.decided_at:
        yield job.decided_at, f"{job.get_verdict_display()}{f' by {job.decided_by}' if job.decided_by else ''}"
    if job.moved_up_at:
        yield job.moved_up_at, "Moved to the front by the operator"
    if job.started_at:
        where = f" on {job.worker}" if job.worker else ""
        yield job.started_at, f"Try {job.attempt} began{where}" if job.attempt else "Begun, and given back without costing it a try"
    if job.sent_at:
        yield job.sent_at, "The paid request went out"
    if job.cancel_requested_at:
        yield job.cancel_requested_at, job.decision or "Told to stop"
    if job.run_after and job.status == Job.Status.QUEUED:
        yield job.run_after, "May be tried again from then on"
    if job.finished_at:
        yield job.finished_at, f"Ended: {job.get_status_display().lower()}"


def facts(job: Job) -> Iterator[tuple[str, str]]:
    """Label and value; nothing that anybody wrote."""
    yield "Team", str(job.team)
    yield "Person", str(job.user) if job.user else "somebody who left"
    yield "Engine", job.engine_label
    yield "Queue", job.queue
    yield "Mode", job.get_mode_display()
    yield "Asked for", f"{job.num_images} {job.noun}{'' if job.num_images == 1 else 's'}"
    if batch := job.batch:
        yield "Batch", f"{batch.get_kind_display()} of {batch.size}, number {(job.batch_place or 0) + 1}"
    if job.total_steps:
        yield "Step", f"{job.step} of {job.total_steps}"
    if job.attempt:
        yield "Tries", str(job.attempt)
    if job.worker:
        yield "Worker", job.worker
    if job.provider_id:
        yield "At the provider", job.provider_id
    yield "Credits", _credits(job)
    if not job.is_open:
        yield "Delivered", f"{job.delivered}{f', {job.filtered} filtered' if job.filtered else ''}"
    if job.provider_cost is not None:
        yield "Provider took", f"{credits(job.provider_cost)} {noun(job.provider_cost)}"
    if job.error_code:
        yield "Error", job.error_code


def _credits(job: Job) -> str:
    hold = job.hold
    if job.is_open:
        return f"{credits(hold.amount)} held"
    return f"{credits(hold.captured)} charged, {credits(hold.released)} released"
