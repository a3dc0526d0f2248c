"""The page of a team: who is in it, who may do what, how people come in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access
from accounts.forms import InvitationForm
from accounts.models import Invitation, Team
from accounts.requests import SignedInRequest

FRESH_KEY = "fresh_invitation"
"""Where the session keeps a new invitation's link until it has been shown, once."""


def team_page(request: SignedInRequest, team: Team, **forms: Any) -> HttpResponse:
    """The page of a team; `forms` are bound ones that did not validate, to be shown with what was typed."""
    may_invite = not team.is_personal and access.allows(request.user, team, "invite")
    context = {
        "shown": team,
        "may_invite": may_invite,
        **(invitations(request, team, fresh=not forms) if may_invite else {}),
        **forms,
    }
    return render(request, "accounts/team.html", context, status=422 if forms else 200)


def invitations(request: SignedInRequest, team: Team, *, fresh: bool) -> dict[str, Any]:
    """What `accounts/_invitations.html` shows."""
    return {
        "invitation_form": InvitationForm(teams=Team.objects.filter(pk=team.pk)),
        "invitations": Invitation.objects.open().filter(team=team).select_related("team", "invited_by").order_by("-id"),
        "fresh": request.session.pop(FRESH_KEY, None) if fresh else None,
        "invitation_days": settings.STUDIO_INVITATION_DAYS,
    }


@login_required
@require_safe
@never_cache
def team(request: SignedInRequest) -> HttpResponse:
    """The team that the person works in."""
    return team_page(request, access.current_team(request))
