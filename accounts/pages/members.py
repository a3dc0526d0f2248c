"""What is done to somebody's place in a team: another role, out, away, handed over. What cannot be taken back asks first, on a page."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, departing, errors, members
from accounts.forms import HandOverForm, RoleForm
from accounts.models import Invitation, Membership, Team
from accounts.requests import SignedInRequest


def attempt(request: SignedInRequest, do: Callable[[], object], done: str, *, then: str = "team", refused: str = "team") -> HttpResponse:
    """Do it, say what was done or why not, and go on to one of two pages."""
    try:
        do()
    except errors.AccountError as error:
        messages.error(request, error.message)
        return redirect(refused)
    messages.success(request, done)
    return redirect(then)


def member(team: Team, user_id: int) -> Membership:
    """Raises Http404 for somebody who is not in the team."""
    found = team.memberships.select_related("user").filter(user_id=user_id).first()
    if found is None:
        raise Http404
    return found


@login_required
@require_POST
def change_role(request: SignedInRequest, team_id: int, user_id: int) -> HttpResponse:
    team = access.team_for(request.user, team_id, "administer")
    person = member(team, user_id).user
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, errors.OnlyHandedOver.message if request.POST.get("role") == "owner" else "There is no such role.")
        return redirect("team")
    role = form.cleaned_data["role"]
    done = f"{person} is {'an' if role == 'admin' else 'a'} {role} now."
    return attempt(request, lambda: members.change_role(team, person, role, by=request.user), done)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def remove(request: SignedInRequest, team_id: int, user_id: int) -> HttpResponse:
    team = access.team_for(request.user, team_id, "administer")
    place = member(team, user_id)
    alone = departing.becomes_the_teams(team, place.user)
    if request.method == "POST":
        done = f"{place.user} is not in the team any more. Their work is.{_now_the_teams(alone)}"
        return attempt(request, lambda: members.remove_member(team, place.user, by=request.user), done)
    links = Invitation.objects.open().filter(team=team, email="").exclude(invited_by=place.user).count()
    return render(request, "accounts/team_remove.html", {"shown": team, "place": place, "links": links, "alone": alone})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def leave(request: SignedInRequest, team_id: int) -> HttpResponse:
    team = access.team_for(request.user, team_id)
    alone = departing.becomes_the_teams(team, request.user)
    if request.method == "POST":
        done = f"You left {team}.{_now_the_teams(alone)}"
        return attempt(request, lambda: members.leave(team, by=request.user), done, then="account")
    owners = team.memberships.filter(role="owner")
    must_stay = owners.filter(user=request.user).exists() and owners.count() == 1
    return render(request, "accounts/team_leave.html", {"shown": team, "must_stay": must_stay, "alone": alone})


def _now_the_teams(alone: str) -> str:
    return f" The team’s now: {alone}." if alone else ""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def hand_over(request: SignedInRequest, team_id: int) -> HttpResponse:
    """Choose who owns the team from now on."""
    team = access.team_for(request.user, team_id, "delete")
    form = HandOverForm(request.POST or None, team=team, by=request.user)
    if request.method == "POST" and form.is_valid():
        person = form.cleaned_data["person"]
        done = f"{team} belongs to {person} now. You are an admin."
        return attempt(request, lambda: members.hand_over(team, person, by=request.user), done)
    return render(request, "accounts/team_hand_over.html", {"shown": team, "form": form}, status=422 if form.errors else 200)
