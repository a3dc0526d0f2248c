"""What waits for approval in a team, and one job that does: looked at with GET, decided on with POST."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import allows, current_team, require
from accounts.requests import SignedInRequest
from billing.services.wallets import wallet_of
from studio.generation import cards, services, tallies
from studio.generation.access import batch_for, job_for
from studio.generation.approving import may_decide
from studio.generation.errors import GenerationError
from studio.generation.models import Batch, Job
from studio.generation.services.deciding import why_not
from studio.generation.views.batches import changed as batch_changed
from studio.generation.views.create import submitted

SHOWN = 100
"""Jobs in the list, oldest first."""
LATELY = 10
"""Decisions below it."""


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def approvals(request: SignedInRequest) -> HttpResponse:
    """Everybody who spends sees what waits; those who administer decide. The page asks for the list itself again and again."""
    team = current_team(request)
    require(request.user, team, "spend")
    jobs = Job.objects.of_team(team).with_pictures().select_related("decided_by", "batch")
    one_each = Q(batch=None) | Q(batch_place=0)  # the first of a batch stands for it: all are decided on together
    waiting, batches = jobs.waits_for_approval(), Batch.objects.shown().of_team(team)
    context = {
        "wallet": wallet_of(team),
        "batches": tallies.load(batches.filter(Exists(waiting.filter(batch=OuterRef("pk")))).order_by("id")[:SHOWN]),
        "waiting": cards.load(waiting.filter(batch=None).order_by("id")[:SHOWN]),
        "decided": jobs.exclude(verdict="").filter(one_each).order_by("-decided_at")[:LATELY],
        "may_decide": allows(request.user, team, "administer"),
    }
    return render(request, f"approvals/{'_list' if request.htmx else 'approvals'}.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def approval(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    """The page that a mail leads to. A press on a card comes here as well, and is answered with the card."""
    job = job_for(request.user, job_id, "spend")
    if job.batch_id:
        return redirect("batch", job.batch_id)
    if not job.approval:
        raise Http404
    if request.method == "POST":
        require(request.user, job.team, "administer")
        return _decide(request, job)
    return _page(request, job)


@login_required
@require_POST
def batch_approval(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    """All of a batch is decided on at once."""
    batch = batch_for(request.user, batch_id, "administer")
    jobs = Job.objects.filter(batch=batch).exclude(approval="").select_related("hold", "team", "user", "batch").order_by("batch_place")
    first = jobs.waits_for_approval().first() or jobs.first()
    if first is None:
        raise Http404
    says_no = request.POST.get("decision") == "decline"
    try:
        if says_no:
            services.decline(first, by=request.user, reason=request.POST.get("reason", ""))
        else:
            services.approve(first, by=request.user)
    except GenerationError as error:
        return batch_changed(request, batch, refusal=error.message)
    return batch_changed(request, batch)


def _decide(request: SignedInRequest, job: Job) -> HttpResponse:
    says_no = request.POST.get("decision") == "decline"
    try:
        if says_no:
            services.decline(job, by=request.user, reason=request.POST.get("reason", ""))
        else:
            services.approve(job, by=request.user)
    except GenerationError as error:
        return submitted(request, job, refused=error.message) if request.htmx else _page(request, job, refused=error.message)
    if request.htmx:
        return submitted(request, job)
    who = job.user or "whoever asked"
    messages.success(request, f"Declined. {who} is told why." if says_no else f"Approved. It is on its way, and {who} is told.")
    return redirect("wallet_approval", job.pk)


def _page(request: SignedInRequest, job: Job, *, refused: str = "") -> HttpResponse:
    fresh = Job.objects.with_pictures().select_related("decided_by").get(pk=job.pk)
    is_open = fresh.status == Job.Status.NEEDS_APPROVAL
    context = {
        "job": cards.load_one(fresh),
        "wallet": wallet_of(fresh.team),
        "is_waiting": is_open,
        "may_decide": is_open and may_decide(request.user, fresh),
        "outcome": "" if is_open else why_not(fresh, told_to=request.user),
        "refused": refused,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "approvals/approval.html", context, status=422 if refused else 200)
