"""What runs, what waits and why, and one job from its first moment to its last. Nothing of what people wrote is on these pages."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from studio.generation import services, waiting_why
from studio.generation.models import Job
from studio.operator.access import any_job, operators_only
from studio.operator.story import facts, moments

PAGE = 50
"""Jobs shown at a time."""
WORDS = ("request", "prompt", "intended", "template_values", "written")
"""What people wrote, which is not even read here."""


@require_safe
@operators_only
def operator_running(request: SignedInRequest) -> HttpResponse:
    """Those that run, the longest first."""
    running = Job.objects.filter(status=Job.Status.RUNNING)
    jobs = running.select_related("team", "user").defer(*WORDS).order_by("started_at", "pk")[:PAGE]
    context = {"jobs": list(jobs), "total": running.count(), "here": "running", "back": request.get_full_path()}
    return render(request, "operator/_running.html" if request.htmx else "operator/running.html", context)


@require_safe
@operators_only
def operator_waiting(request: SignedInRequest) -> HttpResponse:
    """One queue in the order in which it will be worked off: `?queue=`, else the longest; `?page=` from 1."""
    rows: Any = Job.objects.filter(status=Job.Status.QUEUED).order_by().values_list("queue").annotate(n=Count("pk"))
    counts = dict(sorted(rows, key=lambda row: (-row[1], row[0])))
    queue = request.GET.get("queue") or next(iter(counts), "")
    pages = max(1, -(-counts.get(queue, 0) // PAGE))
    asked = request.GET.get("page", "")
    page = min(max(1, int(asked)), pages) if asked.isdecimal() and len(asked) < 9 else 1
    context: dict[str, Any] = {
        "counts": counts,
        "queue": queue,
        "page": page,
        "pages": pages,
        "here": "waiting",
        "total": sum(counts.values()),
    }
    standing = waiting_why.for_operator()
    lines = _lines(queue, (page - 1) * PAGE, standing) if queue in counts else []
    context |= {"lines": lines, "turns": standing.takes_turns(queue), "back": request.get_full_path()}
    return render(request, "operator/_waiting.html" if request.htmx else "operator/waiting.html", context)


def _lines(queue: str, start: int, standing: waiting_why.Standing) -> list[dict[str, Any]]:
    """The jobs from one place in line on, each with its place and why it waits. A fixed number of queries."""
    ids = list(Job.objects.in_line(queue, timezone.now()).values_list("pk", flat=True)[start : start + PAGE])
    rows = Job.objects.select_related("team", "user", "batch").defer(*WORDS).in_bulk(ids)
    found = [(place, rows[pk]) for place, pk in enumerate(ids, start) if pk in rows]
    return [{"job": job, "place": place + 1, "why": waiting_why.reasons(job, standing, ahead=place)[0]} for place, job in found]


@require_safe
@operators_only
def operator_job(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    job = any_job(job_id)
    why: list[waiting_why.Reason] = []
    place = 0
    if job.status in Job.WAITING:
        line = list(Job.objects.in_line(job.queue, timezone.now()).values_list("pk", flat=True)) if job.status == Job.Status.QUEUED else []
        place = line.index(job.pk) + 1 if job.pk in line else 0
        why = waiting_why.reasons(job, waiting_why.for_operator(), ahead=max(0, place - 1))
    context = {"job": job, "why": why, "place": place, "moments": moments(job), "facts": facts(job), "back": request.path}
    return render(request, "operator/_job.html" if request.htmx else "operator/job.html", context)


@require_POST
@operators_only
def operator_front(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    job = any_job(job_id)
    if services.move_up(job, by=request.user):
        messages.success(request, "It was moved to the front of its queue.")
    else:
        messages.info(request, "It is at the front already, or waits no more.")
    return _back(request, job)


@require_POST
@operators_only
def operator_stop(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    job = any_job(job_id)
    if services.stop_as_operator(job, by=request.user):
        messages.success(request, "It is stopped. Its card and its team’s log say that the operator did it; nothing is charged.")
    else:
        messages.info(request, "It had ended, or was told to stop before.")
    return _back(request, job)


def _back(request: SignedInRequest, job: Job) -> HttpResponse:
    """To the list on which the button was, where it says so."""
    back = request.POST.get("back", "")
    is_ours = back.startswith(reverse("operator")) and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(back if is_ours else reverse("operator_job", args=[job.pk]))
