"""A promo code is redeemed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import require
from accounts.requests import SignedInRequest
from billing import access, tries
from billing.credits import credits, noun
from billing.errors import CodeRedeemed, CodeRefused
from billing.forms import RedeemForm
from billing.services import promotions


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def redeem(request: SignedInRequest) -> HttpResponse:
    """A page with the code that a link names (`?code=`), and the press on Redeem. Nothing is redeemed by following a link."""
    wallet = access.wallet_for(request.user, request.team)
    require(request.user, request.team, "administer")
    form = RedeemForm(request.POST if request.method == "POST" else None, initial={"code": request.GET.get("code", "")[:60]})
    if not form.is_valid():
        return render(request, "billing/redeem.html", {"form": form, "wallet": wallet}, status=422 if form.is_bound else 200)
    if wait := tries.seconds_to_wait(request.user.pk):
        form.add_error("code", f"That were many codes. Try again in {_words(wait)}; what you typed is kept.")
        response = render(request, "billing/redeem.html", {"form": form, "wallet": wallet}, status=429)
        response["Retry-After"] = str(wait)
        return response
    try:
        amount = promotions.redeem(wallet, form.cleaned_data["code"], actor=request.user).entry.amount
    except (CodeRefused, CodeRedeemed) as error:
        form.add_error("code", error.message)
        return render(request, "billing/redeem.html", {"form": form, "wallet": wallet}, status=422)
    messages.success(request, f"{credits(amount)} {noun(amount)} added to {request.team}.")
    return redirect("wallet")


def _words(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} minutes"
