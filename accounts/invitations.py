"""The invitation that somebody carries from its link through sign-up: its token lies in their session until they are in the team."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest

from accounts import inviting
from accounts.access import SESSION_KEY
from accounts.errors import AlreadyMember, InvitationError
from accounts.mails import mail_is_sent
from accounts.models import Invitation, Membership, User
from accounts.services import ensure_personal_team

TOKEN_KEY = "invitation"  # noqa: S105 - a name in the session, not a secret


def remember(request: HttpRequest, token: str) -> None:
    request.session[TOKEN_KEY] = token


def carried(request: HttpRequest) -> Invitation | None:
    """The open invitation that this browser came with, if any."""
    token = request.session.get(TOKEN_KEY)
    try:
        return inviting.find(token) if token else None
    except InvitationError:
        return None


def proves(request: HttpRequest, email: str) -> bool:
    """Whether this browser came by a letter to that address: its link is in no other place."""
    invitation = carried(request)
    return bool(invitation and invitation.sent_at and mail_is_sent() and invitation.email == email.lower())


def join(request: HttpRequest, token: str, user: User) -> Membership | None:
    """Accept, and work in that team from now on; None for somebody who is in it already. Raises InvitationError."""
    membership = None
    try:
        membership = inviting.accept(token, user)
        request.session[SESSION_KEY] = membership.team_id
    except AlreadyMember:
        request.session[SESSION_KEY] = inviting.find(token).team_id
    request.session.pop(TOKEN_KEY, None)
    return membership


def settle_newcomer(request: HttpRequest, user: User) -> None:
    """What every new account gets, in the transaction that makes it: a personal team, and the team of the invitation it came with.

    Raises InvitationError when an account needs an invitation and somebody else used the link in the meantime: then there must be no
    account either. Whoever might sign up anyway is only without that team.
    """
    ensure_personal_team(user)
    if proves(request, user.email):
        get_adapter().stash_verified_email(request, user.email)
    try:
        join(request, request.session.get(TOKEN_KEY, ""), user)
    except InvitationError:
        if settings.STUDIO_SIGNUP != "open":
            raise
        request.session.pop(TOKEN_KEY, None)
