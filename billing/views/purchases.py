"""What was bought: the list, and the page of each purchase, which waits for the payment, is its receipt, and gives money back."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import allows
from accounts.models import User
from billing import access
from billing.errors import BillingError
from billing.forms import RefundForm
from billing.gateways.errors import GatewayUnavailable
from billing.gateways.manual import ManualGateway
from billing.gateways.registry import gateways
from billing.models import Purchase
from billing.money import money
from billing.services import purchases as services
from billing.services import refunds
from billing.services.settling import in_words

SHOWN = 200
"""Purchases of a team in the list."""


@require_safe
@login_required
def purchases(request: HttpRequest) -> HttpResponse:
    """The newest purchases of the team."""
    wallet = access.wallet_to_buy_for(request.user, getattr(request, "team", None))
    context = {
        "wallet": wallet,
        "purchases": Purchase.objects.of(wallet).prefetch_related("refunds")[:SHOWN],
        "may_buy": allows(request.user, wallet.team, "administer"),
    }
    return render(request, "billing/purchases.html", context)


@require_safe
@login_required
@never_cache
@vary_on_headers("HX-Request")
def purchase(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """One purchase. The page of what is not paid asks for its fragment: until the webhook has come, or an operator has seen the money."""
    found = access.purchase_for(request.user, purchase_id)
    if request.headers.get("HX-Request") == "true":
        if found.number and found.status == Purchase.Status.OPEN:
            return HttpResponse(status=204)  # an invoice waits for days: whoever reads it is left alone
        return render(request, "billing/_purchase.html", page_of(request, found))
    return render(request, "billing/purchase.html", page_of(request, found))


@require_POST
@login_required
def cancel(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """Cancel an order that was not paid."""
    found = access.purchase_for(request.user, purchase_id, "administer")
    if isinstance(request.user, User):
        try:
            services.cancel(found, by=request.user)
        except GatewayUnavailable:
            messages.warning(request, "The payment provider does not answer, so the order stands as it is. Try again in a minute.")
        except BillingError as error:
            messages.warning(request, error.message)
    return redirect("purchase", purchase_id)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def refund(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """Ask, then give the money for the unused credits back."""
    found = access.purchase_for(request.user, purchase_id, "administer")
    can = refunds.refundable(found)
    form = RefundForm(request.POST.dict() or None, initial={"amount": can.amount})
    if found.number:
        form.fields.clear()
    elif request.method == "POST" and form.is_valid() and isinstance(request.user, User):
        try:
            done = refunds.refund(found, by=request.user, form_key=form.cleaned_data["key"], expected=form.cleaned_data["amount"])
            messages.success(request, f"{money(done.amount, found.currency)} are on their way back to you.")
            return redirect("purchase", purchase_id)
        except GatewayUnavailable as error:
            messages.warning(request, error.message)
            return redirect("purchase", purchase_id)
        except BillingError as error:
            form.add_error(None, error.message)
            form.data = {**form.data, "key": uuid.uuid4()}  # pressed again, it is another refund
            found.refresh_from_db()
    context = {"purchase": found, "form": form, "can": refunds.refundable(found)}
    return render(request, "billing/refund.html", context, status=422 if request.method == "POST" else 200)


def page_of(request: HttpRequest, found: Purchase) -> dict[str, Any]:
    """What the purchase's page and its fragment show."""
    manual = next((one for one in gateways() if isinstance(one, ManualGateway)), None)
    may_buy = allows(request.user, found.wallet.team, "administer")
    can = refunds.refundable(found) if may_buy else refunds.Refundable(0, 0)
    return {
        "purchase": found,
        "is_awaited": found.status == Purchase.Status.OPEN and not found.number and "paid" in request.GET,
        "came_back": "back" in request.GET,
        "instructions": manual.instructions if manual else "",
        "may_buy": may_buy,
        "can": can,
        "story": in_words(found),
        "refunds": list(found.refunds.select_related("author")),
        "disputes": list(found.disputes.all()),
    }
