"""The page of a team: what it is called, who is in it, who may do what, how people come in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import access, members
from accounts.forms import TeamForm
from accounts.models import Role, Team
from accounts.pages import inviting
from accounts.requests import SignedInRequest


def team_page(request: SignedInRequest, team: Team, **forms: Any) -> HttpResponse:
    """The page of a team; `forms` are bound ones that did not validate, to be shown with what was typed."""
    place = access.membership_for(request.user, team)
    rights = access.RIGHTS[place.role] if place else frozenset()
    may_invite = "invite" in rights and not team.is_personal
    people = list(team.memberships.in_order())
    context = {
        "shown": team,
        "place": place,
        "rights": rights,
        "people": people,
        "roles": [(role.value, role.label) for role in Role if role != Role.OWNER],
        "table": [(words, [(role, right in access.RIGHTS[role]) for role in Role]) for right, words in access.RIGHT_WORDS],
        "must_stay": bool(place and place.role == Role.OWNER and sum(one.role == Role.OWNER for one in people) == 1),
        "name_form": TeamForm(initial={"name": team.name}),
        "may_invite": may_invite,
        **(inviting.section(request, team, **forms) if may_invite else forms),
    }
    return render(request, "accounts/team.html", context, status=422 if forms else 200)


@login_required
@require_safe
@never_cache
def team(request: SignedInRequest) -> HttpResponse:
    """The team that the person works in."""
    return team_page(request, access.current_team(request))


@login_required
@require_POST
def rename(request: SignedInRequest, team_id: int) -> HttpResponse:
    team = access.team_for(request.user, team_id, "administer")
    form = TeamForm(request.POST)
    if not form.is_valid():
        return team_page(request, team, name_form=form)
    if members.rename_team(team, form.cleaned_data["name"], by=request.user):
        messages.success(request, "Saved.")
    return redirect("team")
