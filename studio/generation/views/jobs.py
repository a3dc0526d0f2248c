"""One job: its card, its place on the stage, its preview, Stop and Try again."""

from __future__ import annotations

import secrets
import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from accounts.access import require
from accounts.requests import SignedInRequest
from billing.errors import InsufficientCredits, OverBudget
from studio.backends.registry import UnknownEngine
from studio.generation import cards, previews, services
from studio.generation.access import job_for
from studio.generation.errors import AskedForTwice, GenerationError, HaveItAlready
from studio.generation.views.create import OLD_PRICE, held_up, shows_old_price, submitted


@login_required
@require_GET
def job(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    """The card, asked for again and again by a page without a socket; a full page for whoever follows the link: that
    of its batch, where it is of one."""
    found = job_for(request.user, job_id)
    if not request.htmx and found.batch_id:
        return redirect(f"{reverse('batch', args=[found.batch_id])}#row-{found.batch_place}")
    if not request.htmx:
        return redirect(f"{reverse('create')}?job={found.pk}")
    return render(request, "generation/_job_card.html", {"job": cards.load_one(found)})


@login_required
@require_GET
def job_stage(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    found = cards.load_one(job_for(request.user, job_id))
    wanted = request.GET.get("selected", "")
    pictures = found.card.pictures  # type: ignore[attr-defined]
    selected = next((p for p in pictures if str(p.pk) == wanted), pictures[0] if pictures else None)
    if not request.htmx:
        return redirect(f"{reverse('create')}?job={found.pk}&selected={wanted}")
    return render(request, "generation/_stage.html", {"job": found, "selected": selected})


@login_required
@require_GET
@cache_control(private=True, max_age=60)
def job_preview(request: SignedInRequest, job_id: uuid.UUID, step: int) -> HttpResponse:
    found = job_for(request.user, job_id)
    jpeg = previews.get(found.pk, step)
    if jpeg is None:
        raise Http404
    return HttpResponse(jpeg, content_type="image/jpeg")


@login_required
@require_POST
def job_cancel(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    found = job_for(request.user, job_id, "generate")
    if found.user_id != request.user.pk:
        require(request.user, found.team, "curate")
    try:
        stopped = services.cancel(found, for_all="for_all" in request.POST)
    except AskedForTwice as error:
        return submitted(request, found, refused=error.message)
    return submitted(request, stopped)


@login_required
@require_POST
def job_retry(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    """The same once more; the page's key makes a double click one job."""
    found = job_for(request.user, job_id, "generate")
    card: cards.Card = cards.load_one(found).card  # type: ignore[attr-defined]
    if card.input_gone:
        return refused(request, "The file that this starts from is gone. Choose another and press Generate.")
    if card.again and shows_old_price(request, card.again.price_version):
        return submitted(request, found, refused=f"{OLD_PRICE} Look at the new one, then press again.")
    if too_often := held_up(request, found.team):
        return too_often
    key = f"retry:{request.POST.get('idempotency_key') or secrets.token_urlsafe(24)}"[:64]
    try:
        again = services.retry(found, user=request.user, idempotency_key=key)
    except UnknownEngine:
        message = f"{found.engine_label} is not available any more. Pick another engine and press Generate."
    except HaveItAlready as error:
        return submitted(request, error.job, shows=True)
    except (InsufficientCredits, OverBudget, GenerationError) as error:
        message = error.message
    else:
        return submitted(request, again, is_new=again.idempotency_key == key, shows=True)
    return refused(request, message)


def refused(request: SignedInRequest, message: str) -> HttpResponse:
    template = "_toast.html" if request.htmx else "400.html"
    return render(request, template, {"message": message, "level": "bad"}, status=422)
