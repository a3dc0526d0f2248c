"""The part of the team's page through which people come in, and what it shows once: the link of a new invitation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from accounts.access import SESSION_KEY
from accounts.invitation_forms import LinkInvitationForm, MailInvitationForm
from accounts.models import Invitation, Team
from accounts.requests import SignedInRequest

FRESH_KEY = "fresh_invitation"
"""Where the session keeps the links of new invitations until they have been shown, once."""


def section(request: SignedInRequest, team: Team, **forms: Any) -> dict[str, Any]:
    """What `accounts/_invitations.html` shows; `forms` are bound ones that did not validate."""
    fresh = None
    if not forms and request.session.get(FRESH_KEY, {}).get("team") == team.pk:
        fresh = request.session.pop(FRESH_KEY)
    return {
        "mail_form": MailInvitationForm(team=team, user=request.user),
        "link_form": LinkInvitationForm(),
        "invitations": Invitation.objects.open().filter(team=team).select_related("team", "invited_by").order_by("-id"),
        "fresh": fresh,
        **forms,
    }


def show_once(request: HttpRequest, team: Team, why: str, links: Sequence[tuple[str, str]], *, is_problem: bool = False) -> None:
    """Have the team's page show links on its next visit: for whom each is, and the address. Only hashes of them are kept elsewhere."""
    request.session[FRESH_KEY] = {"team": team.pk, "why": why, "links": [list(link) for link in links], "is_problem": is_problem}
    request.session[SESSION_KEY] = team.pk  # the page that follows shows the team that one works in
