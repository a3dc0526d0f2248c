"""Invitations: made and mailed by those who may, followed by whoever has the link, answered by those whose address they name."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, errors, invitations, inviting, mails
from accounts.access import SESSION_KEY
from accounts.invitation_forms import LinkInvitationForm, MailInvitationForm
from accounts.models import Invitation, Team
from accounts.numbers import number
from accounts.pages.inviting import show_once
from accounts.pages.team import team_page
from accounts.requests import SignedInRequest

IN_THE_LOG = "No mail server is set up, so the letter is in the studio’s log. Send the link yourself: it is shown once."


def team_to_invite_into(request: SignedInRequest) -> Team:
    """The team that the form names. Raises Http404, PermissionDenied, PersonalTeam."""
    team = access.team_for(request.user, number(request.POST.get("team")), "invite")
    if team.is_personal:
        raise errors.PersonalTeam
    return team


def to_the_open_ones() -> HttpResponse:
    return redirect(reverse("team") + "#invitations")


@login_required
@require_POST
def invite_by_mail(request: SignedInRequest) -> HttpResponse:
    """Invite one or several people, each with a letter of their own."""
    try:
        team = team_to_invite_into(request)
    except errors.PersonalTeam as error:
        messages.error(request, error.message)
        return redirect("team")
    form = MailInvitationForm(request.POST, team=team, user=request.user)
    if not form.is_valid():
        return team_page(request, team, mail_form=form)
    data = form.cleaned_data
    try:
        posted = inviting.invite_by_mail(
            team, data["emails"], invited_by=request.user, role=data["role"], days=data["days"], message=data["message"]
        )
    except errors.NoSeat as error:
        form.add_error("emails", error.message)
        return team_page(request, team, mail_form=form)
    tell(request, team, posted)
    return to_the_open_ones()


def tell(request: SignedInRequest, team: Team, posted: list[inviting.Posted]) -> None:
    """Say which letters are on their way, and show the links of those that are not."""
    failed = [one for one in posted if one.problem]
    sent = [one.invitation.email for one in posted if not one.problem]
    if failed:
        why = f"The invitation stands, but the mail could not be sent: {failed[0].problem}. Copy the link instead: it is shown once."
        show_once(request, team, why, [(one.invitation.email, one.url) for one in failed], is_problem=True)
    elif not mails.mail_is_sent():
        show_once(request, team, IN_THE_LOG, [(one.invitation.email, one.url) for one in posted])
        return
    if sent:
        messages.success(request, f"The letter to {sent[0]} is on its way." if len(sent) == 1 else f"{len(sent)} letters are on their way.")


@login_required
@require_POST
def new_invitation(request: SignedInRequest) -> HttpResponse:
    """Make a link into a team. The page that follows shows it, and no page does so again."""
    try:
        team = team_to_invite_into(request)
    except errors.PersonalTeam as error:
        messages.error(request, error.message)
        return redirect("team")
    form = LinkInvitationForm(request.POST)
    if not form.is_valid():
        return team_page(request, team, link_form=form)
    data = form.cleaned_data
    try:
        _, token = inviting.invite(team, invited_by=request.user, role=data["role"], max_uses=data["people"] or None, days=data["days"])
    except errors.NoSeat as error:
        form.add_error(None, error.message)
        return team_page(request, team, link_form=form)
    show_once(request, team, "Send this link. It is shown once.", [("", inviting.link(token))])
    return to_the_open_ones()


@login_required
@require_POST
def resend_invitation(request: SignedInRequest, invitation_id: int) -> HttpResponse:
    """Another letter with another link; the old link stops working."""
    found = get_object_or_404(Invitation.objects.select_related("team").exclude(email=""), pk=invitation_id)
    access.require(request.user, found.team, "invite")
    try:
        tell(request, found.team, [inviting.resend(found, by=request.user)])
    except errors.InvitationError as error:
        messages.error(request, error.message)
    return to_the_open_ones()


@login_required
@require_POST
def revoke_invitation(request: SignedInRequest, invitation_id: int) -> HttpResponse:
    """Take an invitation back."""
    found = get_object_or_404(Invitation.objects.select_related("team"), pk=invitation_id)
    access.require(request.user, found.team, "invite")
    if inviting.revoke(found, by=request.user):
        messages.success(request, "The link does not work any more.")
    else:
        messages.error(request, "It was too late: the link had been used or taken back already.")
    return to_the_open_ones()


# --- for those who are invited ----------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What a link leads to: join (signed in), or carry the invitation to sign-up or sign-in."""
    try:
        found = inviting.find(token)
        if request.method == "POST":
            return join_team(request, token, found)
        if request.user.is_authenticated and inviting.keeps_out(found, request.user):
            raise errors.WasRemoved
    except errors.InvitationError as error:
        return closed(request, token, error)
    if not request.user.is_authenticated:
        invitations.remember(request, token)
    return render(request, "accounts/invitation.html", {"invitation": found, "may_sign_up": settings.STUDIO_SIGNUP != "closed"})


def closed(request: HttpRequest, token: str, error: errors.InvitationError) -> HttpResponse:
    """Why a link does not open, and what to do. Who came in by it once is simply led in."""
    found = inviting.known(token)
    if found and access.membership_for(request.user, found.team):
        request.session[SESSION_KEY] = found.team_id
        messages.info(request, f"You are in {found.team} already.")
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "accounts/invitation_closed.html", {"error": error, "invitation": found}, status=410)


def join_team(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    """Raises InvitationError."""
    if not request.user.is_authenticated:
        return redirect("invitation", token)
    membership = invitations.join(request, token, request.user)
    messages.success(request, f"Welcome to {found.team}." if membership else f"You are in {found.team} already.")
    return redirect(settings.LOGIN_REDIRECT_URL)


@login_required
@require_POST
def accept_invitation(request: SignedInRequest, invitation_id: int) -> HttpResponse:
    """Join without the letter: the address is proven to be one's own."""
    found = get_object_or_404(inviting.waiting_for(request.user), pk=invitation_id)
    try:
        inviting.enter(found, request.user)
    except errors.InvitationError as error:
        messages.error(request, error.message)
        return redirect("account")
    request.session[SESSION_KEY] = found.team_id
    messages.success(request, f"Welcome to {found.team}.")
    return redirect(settings.LOGIN_REDIRECT_URL)


@login_required
@require_POST
def decline_invitation(request: SignedInRequest, invitation_id: int) -> HttpResponse:
    """Say no to an invitation for one's own address."""
    found = get_object_or_404(inviting.waiting_for(request.user), pk=invitation_id)
    if inviting.decline(found, request.user):
        messages.success(request, f"You are not going to be in {found.team}. Whoever invited you can do so again.")
    return redirect("account")
