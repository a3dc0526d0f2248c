"""The plan page, and what can be done there. Everyone in the team sees it; who administers the team changes the plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import allows, current_team, people_who_may, require
from accounts.models import User
from billing import access, plan_page
from billing.errors import BillingError, PlanRefused
from billing.gateways.base import Proration
from billing.gateways.registry import gateway as gateway_named
from billing.models import Plan, PlanPrice, Subscription, Wallet
from billing.plan_page import Standing
from billing.services import subscriptions
from billing.services.plans import share

SALT, GOOD_FOR = "plan-change", 3600
"""A preview that was shown is charged as it was shown, for an hour."""
BACK = " Your cancellation was taken back: the plan goes on until you cancel again."
"""A plan that is changed goes on: gateways do both in one."""


@login_required
@require_safe
@never_cache
@vary_on_headers("HX-Request")
def plan(request: HttpRequest) -> HttpResponse:
    """The page that a payment leads back to asks for itself until the gateway has told of it; until then nothing is exchanged."""
    wallet = access.wallet_for(request.user, getattr(request, "team", None))
    awaits = _awaits(request, wallet)
    standing = plan_page.standing(wallet)
    if awaits and standing.subscription is None and request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204)
    return _page(request, standing, awaits=awaits)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """What a change to that plan means and costs, before it is confirmed; the POST is the confirmation."""
    wallet, user = _to_change(request)
    standing = plan_page.standing(wallet)
    given = request.POST if request.method == "POST" else request.GET
    price = _price(standing, slug, given.get("currency", ""))
    try:
        if request.method == "POST":
            return _confirmed(request, user, standing, price)
        return _ask(request, standing, price)
    except BillingError as error:
        return _page(request, plan_page.standing(wallet), problem=error.message)


@login_required
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    return _turn(request, subscriptions.keep, "{plan} stays your plan.")


@login_required
@require_POST
def cancel(request: HttpRequest) -> HttpResponse:
    return _turn(request, subscriptions.cancel, "{plan} ends {end}. Until then nothing changes.")


@login_required
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    return _turn(request, subscriptions.resume, "{plan} goes on.")


@login_required
@require_safe
@never_cache
def pay(request: HttpRequest) -> HttpResponse:
    """To the provider's page, on which the card is changed and what is open is paid."""
    wallet, _ = _to_change(request)
    current = _subscription(wallet)
    try:
        address = gateway_named(current.gateway).payment_page(current.customer_id, return_url=_address(request))
    except BillingError as error:
        return _page(request, plan_page.standing(wallet), problem=error.message)
    return redirect(address)


# --- how they do it ------------------------------------------------------------------------------------------------------


def _page(request: HttpRequest, standing: Standing, *, awaits: bool = False, problem: str = "") -> HttpResponse:
    wallet = standing.wallet
    currency = plan_page.pick_currency(request.GET.get("currency", ""), standing.subscription)
    context = {
        "wallet": wallet,
        "standing": standing,
        "meters": plan_page.meters(wallet, standing.plan),
        "offers": plan_page.offers(standing, currency),
        "currency": currency,
        "currencies": plan_page.currencies(standing.subscription),
        "invoices": standing.subscription.invoices.exclude(amount_due=0, amount_paid=0).prefetch_related("reversals")[:12]
        if standing.subscription
        else [],
        "default_plan": Plan.objects.filter(slug=settings.DEFAULT_PLAN).first(),
        "may_administer": allows(request.user, wallet.team, "administer"),  # type: ignore[arg-type]
        "askable": people_who_may(wallet.team, "administer"),
        "is_hidden": plan_page.is_hidden(),
        "is_back": awaits and standing.subscription is None,
        "problem": problem,
    }
    return render(request, "billing/plan.html", context, status=422 if problem else 200)


def _awaits(request: HttpRequest, wallet: Wallet) -> bool:
    """Whether somebody comes back from the pay page of a plan that has not begun. To be asked before the team's standing is read: of a plan
    that begins between the two the page would show nothing, and not ask again."""
    return "paid" in request.GET and wallet.subscriptions.filter(status=Subscription.Status.INCOMPLETE).exists()


def _to_change(request: HttpRequest) -> tuple[Wallet, User]:
    """The team's wallet, for who may change its plan. Raises Http404, PermissionDenied."""
    team = current_team(request)
    require(request.user, team, "administer")
    assert isinstance(request.user, User)
    return access.wallet_for(request.user, team), request.user


def _subscription(wallet: Wallet) -> Subscription:
    """The one that is paid for. Raises Http404 where there is none."""
    found = wallet.subscriptions.live().exclude(gateway="").select_related("plan", "next_plan", "wallet__team").first()
    if found is None:
        raise Http404
    return found


def _price(standing: Standing, slug: str, currency: str) -> PlanPrice:
    """What an offered plan costs the team. Raises Http404 where it is not sold to them."""
    wanted = Plan.objects.offered().filter(slug=slug, by_arrangement=False).first()
    price = wanted.price(plan_page.pick_currency(currency, standing.subscription)) if wanted else None
    if price is None or not standing.may_change:
        raise Http404
    return price


def _ask(request: HttpRequest, standing: Standing, price: PlanPrice) -> HttpResponse:
    """The page that asks before anything is changed."""
    current, preview = standing.subscription, None
    more = 0
    if current and current.plan_id == price.plan_id:
        raise PlanRefused(f"{current.plan} is your plan already.")
    is_upgrade = bool(current and subscriptions.is_upgrade(current, price))
    if current and is_upgrade:
        preview = subscriptions.preview(current, price)
        more = share(max(0, price.plan.credits - current.plan.credits), current.period_start, preview.as_of, current.period_end)
    context = {
        "standing": standing,
        "current": current,
        "price": price,
        "is_upgrade": is_upgrade,
        "preview": preview,
        "lines": [(_words(one.amount, current, price), one.amount) for one in preview.lines] if preview and current else [],
        "total": abs(preview.amount) if preview else 0,
        "more": more,
        "token": _sign(current, price, preview),
        "facts": plan_page.facts(price.plan, plan_page.engines()),
    }
    return render(request, "billing/plan_change.html", context)


def _words(amount: int, current: Subscription, price: PlanPrice) -> str:
    """A line of a change's price in our own words; a provider's differ."""
    return f"What is left of {current.plan}" if amount < 0 else f"{price.plan} for the rest of the month"


def _sign(current: Subscription | None, price: PlanPrice, preview: Proration | None) -> str:
    """What was shown, so that no other time can be named to pay less. Empty for what costs nothing now."""
    if current is None or preview is None:
        return ""
    return signing.dumps([current.pk, price.pk, price.amount, preview.as_of.isoformat()], salt=SALT)


def _shown(request: HttpRequest, current: Subscription, price: PlanPrice) -> datetime:
    """When the preview that is confirmed was made. Raises PlanRefused for another one, and for an old one."""
    try:
        signed: list[Any] = signing.loads(request.POST.get("token", ""), salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        signed = []
    if signed[:3] != [current.pk, price.pk, price.amount]:
        raise PlanRefused("The price may have changed since this was shown. Nothing was changed: choose the plan again.")
    return datetime.fromisoformat(signed[3])


def _confirmed(request: HttpRequest, user: User, standing: Standing, price: PlanPrice) -> HttpResponse:
    current = standing.subscription
    if current is None:
        assert standing.gateway is not None
        back = {"success_url": f"{_address(request)}?paid=1", "cancel_url": _address(request)}
        return redirect(subscriptions.start(standing.wallet, price, standing.gateway, by=user, **back).url)
    if current.plan_id == price.plan_id:
        raise PlanRefused(f"{current.plan} is your plan already.")
    goes_on = BACK if current.cancel_at_period_end else ""
    if subscriptions.is_upgrade(current, price):
        subscriptions.upgrade(current, price, as_of=_shown(request, current, price))
        messages.success(request, f"You are on {price.plan} now.{goes_on}")
    else:
        subscriptions.downgrade(current, price)
        messages.success(request, f"You change to {price.plan} when this month ends. Until then nothing changes.{goes_on}")
    return redirect("plan")


def _turn(request: HttpRequest, do: Callable[[Subscription], None], said: str) -> HttpResponse:
    wallet, _ = _to_change(request)
    current = _subscription(wallet)
    was_ending = current.cancel_at_period_end
    try:
        do(current)
    except BillingError as error:
        return _page(request, plan_page.standing(wallet), problem=error.message)
    current.refresh_from_db()
    if do is subscriptions.keep and was_ending and not current.cancel_at_period_end:
        said += BACK
    end = current.period_end if current.is_live else None
    when = f"on {timezone.localtime(end):%-d %B}" if end else "now"
    messages.success(request, said.format(plan=current.plan, end=when))
    return redirect("plan")


def _address(request: HttpRequest) -> str:
    """The plan page's, for a provider to lead back to."""
    return request.build_absolute_uri(reverse("plan"))
