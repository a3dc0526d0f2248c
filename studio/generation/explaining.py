"""What a hold was for, as "Explain this charge" tells it (`settings.HOLD_EXPLANATIONS`): billing has never heard of pictures."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse

from billing.explaining import Made, PricedLine, Work
from billing.models import Hold
from studio.generation.models import Artifact, Job
from studio.generation.quotes import outcomes


def explain(hold: Hold) -> Work | None:
    """None for a hold that no job has."""
    job = Job.objects.filter(hold=hold).select_related("api_key").first()
    if job is None:
        return None
    price = job.price
    return Work(
        title=job.prompt or job.get_mode_display(),
        address=f"{reverse('create')}?job={job.id}",
        lines=[PricedLine(line.label, line.quantity, line.unit, line.amount) for line in price.lines],
        version=price.price_version,
        outcome=dict(outcomes([hold.pk])).get(hold.pk, ""),
        details=list(_details(job)),
        made=list(_made(job)),
        ended_by=_ended_by(job),
    )


def _ended_by(job: Job) -> str | None:
    """Who said no to it; nobody where nobody decided in time."""
    if job.verdict == Job.Verdict.DECLINED:
        return str(job.decided_by or "Somebody who left")
    return "" if job.verdict == Job.Verdict.LAPSED else None


def _details(job: Job) -> Iterator[tuple[str, str]]:
    request = job.request
    yield "Engine", job.engine_label
    yield "Mode", job.get_mode_display()
    if request.get("width") and request.get("height"):
        yield "Size", f"{request['width']} × {request['height']}"
    if request.get("num_inference_steps"):
        yield "Steps", str(request["num_inference_steps"])
    if job.api_key:
        yield "With the API key", job.api_key.name
    yield "Asked for", f"{job.num_images} {job.noun}{'' if job.num_images == 1 else 's'}"
    if job.approval:
        by = f" by {job.decided_by}" if job.decided_by else ""
        because = f": {job.decision}" if job.decision and job.verdict != Job.Verdict.APPROVED else ""
        yield "Needed approval", job.approval
        yield "Approval", f"{job.get_verdict_display() or 'Waits'}{by}{because}"
    if not job.is_open:
        filtered = f", {job.filtered} filtered" if job.filtered else ""
        yield "Delivered", f"{job.delivered}{filtered}"
    if job.filtered_charged:
        yield "Charged though filtered", str(job.filtered_charged)
    refused = job.verdict in (Job.Verdict.DECLINED, Job.Verdict.LAPSED)
    yield "How it ended" if not job.is_open else "Now", job.get_verdict_display() if refused else job.get_status_display()
    why = job.error_message or ("" if refused else job.decision)
    if why and not job.is_open:
        yield "Reason", why


def _made(job: Job) -> Iterator[Made]:
    """What of its results is still there."""
    there = Artifact.objects.filter(job=job, deleted_at=None).order_by("index")
    for number, artifact in enumerate(there, 1):
        address, small = reverse("picture", args=[artifact.id]), reverse("picture_file", args=[artifact.id, "thumb"])
        yield Made(f"{artifact.noun.capitalize()} {number}", address, small)
