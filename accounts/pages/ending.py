"""Deleting a team, and bringing it back."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, ending
from accounts.forms import DeleteTeamForm
from accounts.pages.members import attempt
from accounts.requests import SignedInRequest


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def delete(request: SignedInRequest, team_id: int) -> HttpResponse:
    """Asks for the team's name, so that nobody deletes the wrong one."""
    team = access.team_for(request.user, team_id, "delete")
    form = DeleteTeamForm(request.POST or None, team=team)
    last_day = timezone.localtime() + timedelta(days=settings.TEAM_GRACE_DAYS)
    if request.method == "POST" and form.is_valid():
        done = f"{team} is deleted. Until {date_format(last_day, 'j F')} you can bring it back here."
        return attempt(request, lambda: ending.delete_team(team, by=request.user), done, then="account")
    context = {"shown": team, "form": form, "days": settings.TEAM_GRACE_DAYS, "last_day": last_day}
    return render(request, "accounts/team_delete.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def restore(request: SignedInRequest, team_id: int) -> HttpResponse:
    team = access.ended_team_for(request.user, team_id)

    def bring_back() -> None:
        ending.restore_team(team, by=request.user)
        request.session[access.SESSION_KEY] = team.pk

    return attempt(request, bring_back, f"{team} is back, and you are working in it now.", refused="account")
