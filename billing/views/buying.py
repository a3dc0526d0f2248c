"""Buying credits: who may spend looks at the packs, who may administer the team buys them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access import allows, people_who_may
from accounts.models import User
from billing import access, shop
from billing.errors import BillingError
from billing.forms import BuyForm
from billing.gateways.registry import gateways
from billing.models import Purchase, Wallet
from billing.services import purchases
from billing.services.purchases import Addresses


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def buy(request: HttpRequest) -> HttpResponse:
    """The packs in one currency (`?currency=`); a POST begins to buy one, and leads to where it is paid."""
    is_sent = request.method == "POST"
    wallet = access.wallet_to_buy_for(request.user, getattr(request, "team", None), "administer" if is_sent else "spend")
    form = BuyForm(request.POST if is_sent else None, currencies=shop.currencies(), gateways=gateways())
    if form.is_valid() and isinstance(request.user, User):
        try:
            purchase = _start(request, request.user, wallet, form)
        except BillingError as error:
            form.add_error(None, error.message)
        else:
            # Only a Checkout that can still be paid; the purchase's page says how else it stands.
            to_pay = purchase.checkout_url if purchase.status == Purchase.Status.OPEN else ""
            return redirect(to_pay or reverse("purchase", args=[purchase.pk]))
    return render(request, "billing/buy.html", _page(request, wallet, form), status=422 if form.errors else 200)


def _start(request: HttpRequest, user: User, wallet: Wallet, form: BuyForm) -> Purchase:
    page = request.build_absolute_uri(reverse("purchases"))
    addresses = Addresses(success=f"{page}{{id}}/?paid=1", cancel=f"{page}{{id}}/?back=1")
    given = form.cleaned_data
    return purchases.start(wallet, given["price"], buyer=user, gateway=given["gateway"], form_key=given["key"], addresses=addresses)


def _page(request: HttpRequest, wallet: Wallet, form: BuyForm) -> dict[str, object]:
    sold, chosen = shop.currencies(), form.cleaned_data.get("price") if form.is_bound and hasattr(form, "cleaned_data") else None
    asked = chosen.currency if chosen else request.GET.get("currency", "")
    currency = asked if asked in sold else next(iter(sold), "")
    return {
        "wallet": wallet,
        "form": form,
        "currency": currency,
        "currencies": sold,
        "offers": shop.offers(currency),
        "gateways": gateways(),
        "may_buy": allows(request.user, wallet.team, "administer"),
        "buyers": people_who_may(wallet.team, "administer"),
    }
