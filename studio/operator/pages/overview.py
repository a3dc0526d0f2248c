"""The overview, and the two presses on a queue. A page that is open asks for its parts again."""

from __future__ import annotations

from urllib.parse import quote

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from studio.generation import services
from studio.generation.models import Job, PausedQueue
from studio.operator import rates, reading
from studio.operator.access import known_queue, operators_only
from studio.operator.forms import PauseForm


@require_safe
@operators_only
def operator(request: SignedInRequest) -> HttpResponse:
    if request.htmx:
        return render(request, "operator/_now.html", {"now": reading.now()})
    return render(request, "operator/overview.html", {"now": reading.now(), **_rates()})


@require_safe
@operators_only
def operator_rates(request: SignedInRequest) -> HttpResponse:
    """What is worth asking for less often: a day is read for it."""
    if not request.htmx:
        return redirect("operator")
    return render(request, "operator/_rates.html", _rates())


def _rates() -> dict[str, object]:
    return {"failures": rates.failures(), "latencies": rates.latencies(), "sample": rates.SAMPLE}


@require_http_methods(["GET", "HEAD", "POST"])
@operators_only
def operator_pause(request: SignedInRequest, queue: str) -> HttpResponse:
    """GET asks for the reason, or shows that of a pause; POST pauses."""
    known_queue(queue)
    paused = PausedQueue.objects.filter(pk=queue).first()
    form = PauseForm(request.POST if request.method == "POST" else None, initial={"reason": paused.reason if paused else ""})
    if request.method == "POST" and form.is_valid():
        services.pause_queue(queue, by=request.user, reason=form.cleaned_data["reason"])
        messages.success(request, f"The queue {queue} is paused. What runs goes on; nothing else of it is begun.")
        return _to_row(queue)
    open_jobs = Job.objects.filter(queue=queue)
    waiting, running = (open_jobs.filter(status=status).count() for status in (Job.Status.QUEUED, Job.Status.RUNNING))
    context = {"queue": queue, "form": form, "paused": paused, "waiting": waiting, "running": running}
    return render(request, "operator/pause.html", context, status=422 if form.errors else 200)


@require_POST
@operators_only
def operator_resume(request: SignedInRequest, queue: str) -> HttpResponse:
    known_queue(queue)
    if services.resume_queue(queue, by=request.user):
        messages.success(request, f"The queue {queue} goes on.")
    return _to_row(queue)


def _to_row(queue: str) -> HttpResponse:
    """To the row of the queue, so that the keyboard comes to its button next."""
    return redirect(f"{reverse('operator')}#queue-{quote(queue)}")
