"""The page of a team's approval rules."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import people_who_may
from accounts.models import User
from billing import access
from billing.errors import BillingError
from billing.rule_forms import forms_for
from billing.services import approvals


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def rules(request: HttpRequest) -> HttpResponse:
    """A form for each kind of rule; a POST adds one."""
    wallet = access.wallet_to_buy_for(request.user, getattr(request, "team", None), "administer")
    made = forms_for(request.POST if request.method == "POST" else None)
    sent = next((form for form in made if form.is_bound), None)
    if sent and sent.is_valid() and isinstance(request.user, User):
        try:
            rule = approvals.add_rule(wallet, by=request.user, **sent.rule)
            messages.success(request, f"From now on, {rule.words} needs approval.")
            return redirect("wallet_rules")
        except BillingError as error:
            sent.add_error(None, error.message)
    context = {
        "wallet": wallet,
        "rules": approvals.rules_of(wallet),
        "forms": made,
        "refused": "No rule says anything like that. Use one of the forms below." if request.method == "POST" and not sent else "",
        "deciders": people_who_may(wallet.team, "administer"),
    }
    return render(request, "billing/rules.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def rule_switch(request: HttpRequest, rule_id: int) -> HttpResponse:
    rule = access.rule_for(request.user, rule_id)
    on = request.POST.get("on") == "1"
    if isinstance(request.user, User) and approvals.switch_rule(rule, on=on, by=request.user):
        messages.success(request, f"The rule for {rule.words} is {'on' if on else 'off'}.")
    return redirect("wallet_rules")


@login_required
@require_POST
def rule_delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    rule = access.rule_for(request.user, rule_id)
    words = rule.words
    if isinstance(request.user, User) and approvals.delete_rule(rule, by=request.user):
        messages.success(request, f"The rule for {words} is gone.")
    return redirect("wallet_rules")
