"""Budgets: the page, its forms, asking for more, and the answer."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SESSION_KEY, allows, people_who_may, team_for
from accounts.models import User
from accounts.requests import SignedInRequest
from billing import access, budget_page
from billing.budget_forms import AnswerForm, AskForm, LimitsForm, whole_credits
from billing.errors import BudgetRefused
from billing.models import Scope, Wallet
from billing.services import budget_requests, budgets


@require_safe
@login_required
@never_cache
def budgets_page(request: SignedInRequest) -> HttpResponse:
    return _page(request, access.wallet_for(request.user, request.team))


@require_safe
@login_required
def budgets_of_team(request: SignedInRequest, team_id: int) -> HttpResponse:
    """Where notices and letters lead: the page, at work in that team."""
    request.session[SESSION_KEY] = team_for(request.user, team_id).pk
    return redirect("budgets")


@require_POST
@login_required
def budget_set(request: SignedInRequest) -> HttpResponse:
    """Set the limits of the team, of everyone, or of the member that `whose` names."""
    wallet = access.wallet_to_buy_for(request.user, request.team, "administer")
    whose = request.POST.get("whose", "")
    member = _member(wallet, whose)
    if member and "follow" in request.POST:
        budgets.follow_everyone(wallet, member, by=request.user)
        messages.success(request, f"{member} has the limits of everyone.")
        return redirect("budgets")
    form = LimitsForm(request.POST, whose=whose)
    if not form.is_valid():
        return _page(request, wallet, {whose: form})
    scope = Scope.MEMBER if member else Scope(whose)
    try:
        if budgets.set_limits(wallet, by=request.user, scope=scope, member=member, **form.limits):
            messages.success(request, "Saved.")
    except BudgetRefused as error:
        messages.warning(request, error.message)
    return redirect("budgets")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def budget_ask(request: SignedInRequest) -> HttpResponse:
    """Ask for more; `?limit=` and `?needed=` say beyond which limit, and for what price, where work was refused."""
    wallet = access.wallet_to_buy_for(request.user, request.team, "spend")
    meters = budgets.meters_of(wallet, request.user)
    form = AskForm(request.POST if request.method == "POST" else None, meters=meters, initial=_wish(request, meters))
    if request.method == "POST" and form.is_valid():
        wish = {"limit": form.cleaned_data["limit"], "amount": form.millicredits, "why": form.cleaned_data["why"]}
        try:
            budget_requests.ask(wallet, request.user, **wish)
        except BudgetRefused as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "You asked for more. You are told here and by mail when somebody has answered.")
            return redirect("budgets")
    context = {"wallet": wallet, "form": form, "meters": meters, "askable": people_who_may(wallet.team, "administer")}
    context["asked"] = budget_requests.latest(wallet, request.user)
    return render(request, "billing/budget_ask.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def budget_request(request: SignedInRequest, request_id: int) -> HttpResponse:
    """One request, in whichever team: GET shows it, POST answers."""
    found = access.budget_request_for(request.user, request_id)
    form = AnswerForm(request.POST if request.method == "POST" else None, asked=found)
    if request.method == "POST" and form.is_valid():
        try:
            answered = budget_requests.decide(found, by=request.user, **form.answer)
        except BudgetRefused as error:
            form.add_error(None, error.message)
            found.refresh_from_db()
        else:
            messages.success(request, f"{answered.get_status_display()}. {answered.person} is told.")
            return redirect("budgets_of_team", found.wallet.team_id)
    context = {"asked": found, "form": form, "meters": budgets.meters_of(found.wallet, found.person)}
    return render(request, "billing/budget_request.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@login_required
def budget_withdraw(request: SignedInRequest, request_id: int) -> HttpResponse:
    """Whoever asked needs it no more."""
    found = access.own_budget_request_for(request.user, request_id)
    try:
        budget_requests.withdraw(found, by=request.user)
    except BudgetRefused as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "You do not ask for it any more.")
    return redirect("budgets_of_team", found.wallet.team_id)


def _page(request: SignedInRequest, wallet: Wallet, bound: dict[str, LimitsForm] | None = None) -> HttpResponse:
    may_set = allows(request.user, wallet.team, "administer")
    context: dict[str, Any] = {
        "wallet": wallet,
        "may_set": may_set,
        "may_ask": allows(request.user, wallet.team, "spend"),
        "mine": budgets.meters_of(wallet, request.user),
        "asked": budget_requests.latest(wallet, request.user),
    }
    if may_set:
        context |= {
            "page": budget_page.build(wallet, bound),
            "waiting": budget_requests.waiting(wallet),
            "typed": next(iter(bound or {}), ""),
        }
    return render(request, "billing/budgets.html", context, status=422 if bound else 200)


def _member(wallet: Wallet, whose: str) -> User | None:
    """The member that `whose` names, None for the team and everyone. Raises Http404 for nobody of the team."""
    if whose in (budget_page.TEAM, budget_page.EVERYONE):
        return None
    place = wallet.team.memberships.filter(user=int(whose)).first() if whose.isascii() and whose.isdigit() and len(whose) < 19 else None
    if place is None:
        raise Http404
    return place.user


def _wish(request: SignedInRequest, meters: list[budgets.Meter]) -> dict[str, Any]:
    needed = request.GET.get("needed", "")
    price = int(needed) if needed.isascii() and needed.isdigit() and len(needed) < 12 else 0
    over = next((one for one in meters if one.key == request.GET.get("limit")), None) or budgets.stopping(meters, max(price, 1))
    if over is None:
        return {}
    return {"limit": over.key, "amount": whole_credits(over.spent + price - over.cap) if price + over.spent > over.cap else None}
