"""A preview is made final."""

from __future__ import annotations

import secrets
import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from accounts.requests import SignedInRequest
from billing.errors import InsufficientCredits, OverBudget
from studio.backends.registry import UnknownEngine
from studio.generation import finals, services
from studio.generation.access import artifact_for
from studio.generation.engines import available
from studio.generation.errors import GenerationError, HaveItAlready
from studio.generation.views.create import OLD_PRICE, held_up, shows_old_price, submitted
from studio.generation.views.jobs import refused


@login_required
@require_POST
def make_final(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """What the preview was meant to become, at the price that stood beside the button; pressed again, the final that there is."""
    preview = artifact_for(request.user, artifact_id, "generate")
    offer = finals.offer(preview, available())
    if offer is None:
        raise Http404
    if offer.made:
        return submitted(request, offer.made, shows=True)
    if offer.request is None or offer.quote is None:
        return refused(request, offer.problem)
    if shows_old_price(request, offer.quote.price_version):
        return refused(request, f"{OLD_PRICE} Look at the new one, then press again.")
    if too_often := held_up(request, preview.team):
        return too_often
    key = f"final:{secrets.token_urlsafe(24)}"
    try:
        job = services.finish(preview, user=request.user, request=offer.request, idempotency_key=key)
    except HaveItAlready as error:
        return submitted(request, error.job, shows=True)
    except UnknownEngine:
        return refused(request, "The engine that this was meant for is not available any more.")
    except (InsufficientCredits, OverBudget, GenerationError) as error:
        return refused(request, error.message)
    return submitted(request, job, is_new=job.idempotency_key == key, shows=True)
