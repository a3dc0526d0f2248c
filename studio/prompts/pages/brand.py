"""The page of a team's brand rules: everybody in the team reads it, its admins write."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import allows, current_team, require
from accounts.models import Team
from accounts.requests import SignedInRequest
from studio.prompts import brand
from studio.prompts.access import brand_rule_for
from studio.prompts.brand_forms import RuleForm, TrialForm, form_for
from studio.prompts.errors import Unfit
from studio.prompts.models import BrandRule
from studio.prompts.services.brand import MOST, add_rule, change_rule, delete_rule

FROM_NOW_ON = "It holds for what is asked for from now on."


@login_required
@require_safe
@never_cache
def brand_rules(request: SignedInRequest) -> HttpResponse:
    """All rules; `?sample=` and `?size=` try a prompt and a size on them."""
    team = current_team(request)
    require(request.user, team, "see")
    rules = brand.rules_of(team)
    trial = TrialForm(request.GET if request.GET.keys() & {"sample", "size"} else None, label_suffix="")
    context = {
        "rules": [(rule, brand.summary(rule)) for rule in rules],
        "trial": trial,
        "found": brand.broken(rules, trial.wish) if trial.is_valid() else [],
        "may_edit": allows(request.user, team, "administer"),
        "is_full": len(rules) >= MOST,
        "most": MOST,
    }
    return render(request, "prompts/brand_rules.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def brand_rule_new(request: SignedInRequest, kind: str) -> HttpResponse:
    team = current_team(request)
    require(request.user, team, "administer")
    if kind not in BrandRule.Kind.values:
        raise Http404
    return _written(request, team, form_for(kind, request.POST if request.method == "POST" else None), kind)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def brand_rule(request: SignedInRequest, rule_id: int) -> HttpResponse:
    rule = brand_rule_for(request.user, rule_id, "administer")
    return _written(request, rule.team, form_for(rule.kind, request.POST if request.method == "POST" else None, rule), rule.kind, rule)


@login_required
@require_POST
def brand_rule_delete(request: SignedInRequest, rule_id: int) -> HttpResponse:
    rule = brand_rule_for(request.user, rule_id, "administer")
    if delete_rule(rule, by=request.user):
        messages.success(request, f"“{rule.name}” is gone. Nothing that is asked for is refused because of it any more.")
    return redirect("brand_rules")


def _written(request: SignedInRequest, team: Team, form: RuleForm, kind: str, rule: BrandRule | None = None) -> HttpResponse:
    """The form of a rule, new or one that is there; a POST keeps it."""
    if form.is_bound and form.is_valid():
        try:
            by = request.user
            kept = change_rule(rule, form.draft, by=by) if rule else add_rule(team, form.draft, kind=kind, by=by)
        except Unfit as error:
            for field, problem in error.by_field:
                form.add_error(field, problem)
        else:
            messages.success(request, f"“{kept.name}” is saved. {FROM_NOW_ON}")
            return redirect("brand_rules")
    context = {"form": form, "kind": BrandRule.Kind(kind), "rule": rule, "shown": team}
    return render(request, "prompts/brand_rule.html", context, status=422 if form.errors else 200)
