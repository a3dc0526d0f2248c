"""A batch: its page, what changed on it, and what is done to all of its jobs."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import allows, require
from accounts.requests import SignedInRequest
from billing.errors import InsufficientCredits, OverBudget
from billing.services.wallets import wallet_of
from studio.backends.registry import UnknownEngine
from studio.generation import services, tallies, usage
from studio.generation.access import batch_for
from studio.generation.errors import GenerationError
from studio.generation.models import Batch
from studio.generation.views.create import OLD_PRICE, held_up, shows_old_price
from studio.generation.views.jobs import refused


@login_required
@require_GET
@never_cache
@vary_on_headers("HX-Request")
def batch(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The page; its card alone, asked for again and again by a page without a socket."""
    found = tallies.load_one(batch_for(request.user, batch_id))
    if request.htmx:
        return render(request, "generation/_batch_card.html", {"batch": found})
    version = found.template_version
    context = {
        "batch": found,
        "version": None if version and version.template.is_kept_from(request.user) else version,
        "seen": tallies.seen(found),  # before the rows: what ends in between is then asked for once more, and not missed
        "rows": tallies.rows_of(found),
        "can_generate": allows(request.user, found.team, "generate"),
        "decides": allows(request.user, found.team, "administer"),
    }
    return render(request, "generation/batch.html", context)


@login_required
@require_GET
@never_cache
def batch_changes(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The rows that are not in the state in which the page has `seen` them: a letter for each, in their order."""
    found = batch_for(request.user, batch_id)
    if not request.htmx:
        return redirect("batch", batch_id)
    now, then = tallies.seen(found), request.GET.get("seen", "")
    places = [place for place, letter in enumerate(now) if letter != then[place : place + 1]]
    rows = tallies.rows_of(found, places) if places else []
    return render(request, "generation/_batch_changes.html", {"batch": found, "rows": rows, "seen": now})


@login_required
@require_POST
def batch_do(request: SignedInRequest, batch_id: uuid.UUID, action: str) -> HttpResponse:
    """`pause`, `go-on` or `cancel` (with `running`, what runs is stopped as well): by whoever asked for it, or who curates."""
    found = batch_for(request.user, batch_id, "generate")
    if found.user_id != request.user.pk:
        require(request.user, found.team, "curate")
    try:
        if action == "pause":
            services.pause(found, by=request.user)
        elif action == "go-on":
            services.go_on(found, by=request.user)
        else:
            services.cancel_rest(found, by=request.user, running="running" in request.POST)
    except GenerationError as error:
        return changed(request, found, refusal=error.message)
    return changed(request, found)


@login_required
@require_POST
def batch_retry(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    """What failed, once more, as a batch of its own; the page's key makes a double click one batch."""
    found = batch_for(request.user, batch_id, "generate")
    quote = services.quote_failed([found]).get(found.pk)
    if quote and shows_old_price(request, quote.price_version):
        return refused(request, f"{OLD_PRICE} Look at the new one, then press again.")
    if too_often := held_up(request, found.team):
        return too_often
    key = f"retry:{request.POST.get('idempotency_key') or secrets.token_urlsafe(24)}"[:64]
    try:
        again = services.retry_failed(found, by=request.user, key=key)
    except UnknownEngine:
        return refused(request, "An engine that this was made with is not available any more.")
    except (InsufficientCredits, OverBudget, GenerationError) as error:
        return refused(request, error.message)
    if not request.htmx:
        return redirect("batch", again.pk)
    answer = HttpResponse()
    answer["HX-Redirect"] = reverse("batch", args=[again.pk])
    return answer


def changed(request: SignedInRequest, found: Batch, *, refusal: str = "") -> HttpResponse:
    """What a page hears after something was done to a batch: its card, and the balance. `refusal` says why nothing was done."""
    if not request.htmx:
        return refused(request, refusal) if refusal else redirect("batch", found.pk)
    fresh = tallies.load_one(Batch.objects.shown().get(pk=found.pk))
    context: dict[str, Any] = {
        "batch": fresh,
        "wallet": wallet_of(fresh.team),
        "open_jobs": usage.open_jobs(fresh.team),
        "refused": refusal,
    }
    return render(request, "generation/_batch_changed.html", context, status=422 if refusal else 200)
