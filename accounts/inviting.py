"""How people come into a team: invitations that are made, mailed, mailed again, taken back, declined and accepted.

Each write is one transaction with its line in the team's log. Letters go out after it; one that does not leaves the invitation standing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Case, F, Q, When
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts import audit, errors, mails
from accounts.members import hold, let_in, lock
from accounts.models import AuditEntry, Invitation, Membership, Removal, Role, Team, User
from accounts.querysets import InvitationQuerySet

RESEND_AFTER = timedelta(minutes=1)
LETTERS_A_DAY = 200
"""Invitations by mail that one person may send in 24 hours: the studio is nobody's machine for unwanted mail."""
RESENT = "invitation.resent"
"""The log's action for a letter that went out once more."""
LONGEST = 30
"""Days that an invitation can be made for."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An invitation whose letter was handed to the mail server. `problem` says why it did not go out; then `token` is for showing."""

    invitation: Invitation
    token: str
    problem: str

    @property
    def url(self) -> str:
        return link(self.token)


def hash_token(token: str) -> str:
    """SHA-256 in hex. A token has 256 random bits, so it needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def link(token: str) -> str:
    """The address that lets people in."""
    return mails.absolute(reverse("invitation", args=[token]))


def whom(invitation: Invitation) -> str:
    """For whom an invitation is, as a sentence of the log says it."""
    if invitation.email:
        return invitation.email
    return (
        "any number of people"
        if invitation.max_uses is None
        else f"{invitation.max_uses} people"
        if invitation.max_uses > 1
        else "one person"
    )


# --- making ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def invite(
    team: Team, *, invited_by: User, role: str = Role.CREATOR, email: str = "", max_uses: int | None = 1, days: int = 0, message: str = ""
) -> tuple[Invitation, str]:
    """An invitation and its token, which is nowhere else: show or send it now. `days`: how long it is good for; 0 for the studio's usual.

    Raises PersonalTeam, NoSeat, and as `access.require` does: it is not made for somebody who lost the right in this moment.
    """
    if team.is_personal:
        raise errors.PersonalTeam
    require_seat(hold(team, invited_by, "invite"), invited=True)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        team=team,
        invited_by=invited_by,
        role=Role(role),
        email=email.strip().lower(),
        max_uses=1 if email else max_uses,
        message=message.strip(),
        token_hash=hash_token(token),
        expires_at=timezone.now() + timedelta(days=days or settings.STUDIO_INVITATION_DAYS),
    )
    how = "invited" if email else "made a link for"
    audit.record(team, invited_by, "invitation.made", f"{how} {whom(invitation)} as {invitation.get_role_display().lower()}")
    return invitation, token


def invite_by_mail(
    team: Team, addresses: Sequence[str], *, invited_by: User, role: str = Role.CREATOR, days: int = 0, message: str = ""
) -> list[Posted]:
    """An invitation and a letter for each address; all invitations or none. Raises as `invite`."""
    with transaction.atomic():
        made = [invite(team, invited_by=invited_by, role=role, email=email, days=days, message=message) for email in addresses]
    return post(made)


def letters_left(user: User) -> int:
    """How many invitations somebody may still send by mail today, those that are sent again among them."""
    since = timezone.now() - timedelta(days=1)
    sent = Invitation.objects.filter(invited_by=user, sent_at__gt=since).count()
    again = AuditEntry.objects.filter(actor=user, action=RESENT, created_at__gt=since).count()
    return max(0, LETTERS_A_DAY - sent - again)


def letter(invitation: Invitation, token: str) -> EmailMultiAlternatives:
    """What the invited person reads; an answer goes to whoever invited them."""
    by = invitation.invited_by
    context = {
        "by": mails.one_line(str(by)) if by else "",
        "team": mails.one_line(str(invitation.team)),
        "role": invitation.role,
        "role_label": invitation.get_role_display(),
        "message": invitation.message.splitlines(),
        "until": invitation.expires_at,
        "url": link(token),
    }
    return mails.compose("invitation", invitation.email, context, reply_to=by.email if by else "")


def post(made: Sequence[tuple[Invitation, str]]) -> list[Posted]:
    """Send the letters of invitations that are committed, and note which went out."""
    problems = mails.send([letter(invitation, token) for invitation, token in made])
    posted = [Posted(invitation, token, problem) for (invitation, token), problem in zip(made, problems, strict=True)]
    for went_out, sent_at in ((True, timezone.now()), (False, None)):
        ids = [one.invitation.pk for one in posted if (not one.problem) is went_out]
        Invitation.objects.filter(pk__in=ids).update(sent_at=sent_at)
    return posted


def resend(invitation: Invitation, *, by: User) -> Posted:
    """Another letter with another link, good for as many days as the first; the link in the old letter stops working.

    Raises SentJustNow within a minute of the last letter, InvitationUsed when it is not open any more, ManyLetters.
    """
    if not letters_left(by):
        raise errors.ManyLetters
    now, token = timezone.now(), secrets.token_urlsafe(32)
    days = round((invitation.expires_at - (invitation.sent_at or invitation.created_at)) / timedelta(days=1))
    with transaction.atomic():
        rested = Invitation.objects.open().filter(Q(sent_at=None) | Q(sent_at__lte=now - RESEND_AFTER), pk=invitation.pk)
        changed = rested.update(token_hash=hash_token(token), sent_at=now, expires_at=now + timedelta(days=min(max(days, 1), LONGEST)))
        if not changed:
            raise errors.SentJustNow if Invitation.objects.open().filter(pk=invitation.pk).exists() else errors.InvitationUsed
        audit.record(invitation.team, by, RESENT, f"sent the invitation for {whom(invitation)} again")
    invitation.refresh_from_db()
    [posted] = post([(invitation, token)])
    return posted


@transaction.atomic
def revoke(invitation: Invitation, *, by: User) -> bool:
    """Take an invitation back. False when it was used up, or taken back, before."""
    if not Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
        return False
    audit.record(
        invitation.team, by, "invitation.revoked", f"took back the {'invitation' if invitation.email else 'link'} for {whom(invitation)}"
    )
    return True


def require_seat(team: Team, *, invited: bool = False) -> None:
    """Raises NoSeat when there is no room for one more (`settings.SEAT_GUARD`). The team must be locked.

    Who was `invited` by name has a seat from then on; a link takes none before somebody comes in by it.
    """
    if not settings.SEAT_GUARD:
        return
    people = Membership.objects.filter(team=team).count() + 1
    if invited:
        people += Invitation.objects.open().filter(team=team).exclude(email="").count()
    if problem := import_string(settings.SEAT_GUARD)(team, people, joins=not invited):
        raise errors.NoSeat(problem)


# --- accepting -------------------------------------------------------------------------------------------------------
def known(token: str) -> Invitation | None:
    """The invitation of a link, whether it still works or not."""
    return Invitation.objects.select_related("team", "invited_by").filter(token_hash=hash_token(token)).first()


def find(token: str) -> Invitation:
    """The open invitation of a link. Raises the InvitationError that says why it cannot be accepted."""
    invitation = known(token)
    if invitation is None:
        raise errors.InvitationUnknown
    if invitation.accepted_at:
        raise errors.InvitationUsed
    if invitation.revoked_at or invitation.team.deleted_at:
        raise errors.InvitationRevoked
    if invitation.expires_at <= timezone.now():
        raise errors.InvitationExpired
    return invitation


def accept(token: str, user: User) -> Membership:
    """Let the person who has the link into the team. Raises InvitationError, and then nothing has changed."""
    invitation = find(token)
    if invitation.email and invitation.email != user.email.lower():
        raise errors.InvitationElsewhere
    return enter(invitation, user)


@transaction.atomic
def enter(invitation: Invitation, user: User) -> Membership:
    """Use an invitation, at most as often as it was made for, however many try at once.

    Raises AlreadyMember, WasRemoved, NoSeat, InvitationUsed.

    It holds the team's row: whoever is being removed in this moment is out, and stays so.
    """
    team = lock(invitation.team)
    if Membership.objects.filter(team=team, user=user).exists():
        raise errors.AlreadyMember
    if keeps_out(invitation, user):
        raise errors.WasRemoved
    require_seat(team)
    is_last = When(max_uses=F("uses") + 1, then=timezone.now())
    # One statement whose row count is the answer: the last use closes the invitation as it counts itself.
    used = Invitation.objects.open().filter(pk=invitation.pk)
    if not used.update(uses=F("uses") + 1, accepted_by=user, accepted_at=Case(is_last, default=None)):
        raise errors.InvitationUsed
    let_in(team, user)
    membership = Membership.objects.create(team=team, user=user, role=invitation.role)
    by = f" by the invitation of {invitation.invited_by}" if invitation.invited_by else ""
    audit.record(team, user, "member.joined", f"came in as {invitation.get_role_display().lower()}{by}")
    return membership


def keeps_out(invitation: Invitation, user: User) -> bool:
    """Whether it is a link for anybody, and older than the moment in which somebody took this person out of the team."""
    return (
        not invitation.email and Removal.objects.filter(team=invitation.team_id, user=user, removed_at__gte=invitation.created_at).exists()
    )


# --- without the letter ----------------------------------------------------------------------------------------------
def waiting_for(user: User) -> InvitationQuerySet:
    """The open invitations for addresses that are proven to be this person's. Who has the link needs no proof: it came to that address."""
    proven = [email.lower() for email in EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)]
    return _open_for(user, proven)


def hidden_from(user: User) -> bool:
    """Whether there is one for the address that the person gave and has not confirmed. What it is, is nobody's business until then."""
    given = [email.lower() for email in EmailAddress.objects.filter(user=user, verified=False).values_list("email", flat=True)]
    return bool(given) and _open_for(user, given).exists()


def _open_for(user: User, addresses: list[str]) -> InvitationQuerySet:
    found = Invitation.objects.open().filter(email__in=addresses, team__deleted_at=None).exclude(team__memberships__user=user)
    return found.select_related("team", "invited_by").order_by("-id")


@transaction.atomic
def decline(invitation: Invitation, user: User) -> bool:
    """The invited person says no. False when it was not open any more."""
    if not Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now()):
        return False
    audit.record(invitation.team, user, "invitation.declined", "declined the invitation")
    return True
