"""Every write about people, teams and invitations. Each function is one transaction."""

from __future__ import annotations

import hashlib
import secrets

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts import audit, errors
from accounts.models import Invitation, Membership, Role, Team, Theme, User


@transaction.atomic
def create_team(name: str, owner: User, *, is_personal: bool = False) -> Team:
    """A team with its owner in it. `settings.TEAM_LISTENER` is called with it before the commit, so that both or neither stay."""
    team = Team.objects.create(name=name.strip() or str(owner), is_personal=is_personal)
    Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    if not is_personal:
        audit.record(team, owner, "team.made", "made the team")
    if settings.TEAM_LISTENER:
        import_string(settings.TEAM_LISTENER)(team)
    return team


@transaction.atomic
def ensure_personal_team(user: User) -> Team:
    """The person's own team, made if it is missing: exactly one, also when two requests ask at once."""
    # Locks out the other request; SQLite's transactions are exclusive from their first statement.
    User.objects.select_for_update().get(pk=user.pk)
    own = Team.objects.filter(is_personal=True, memberships__user=user, memberships__role=Role.OWNER).first()
    return own or create_team(user.name or user.email, user, is_personal=True)


@transaction.atomic
def create_user_with_team(*, email: str, name: str, password: str | None = None, email_verified: bool = False, **fields: bool) -> User:
    """A person, their address as allauth keeps it, and their personal team. `fields` are flags such as is_staff.

    Raises IntegrityError when the address has an account.
    """
    user = User.objects.create_user(email, password, name=name.strip(), **fields)
    settle_account(user, email_verified=email_verified)
    return user


@transaction.atomic
def settle_account(user: User, *, email_verified: bool = False) -> None:
    """Give an account that was made by hand what every account has: its address as allauth keeps it, and a personal team."""
    if not EmailAddress.objects.filter(user=user, primary=True, email=user.email).exists():
        EmailAddress.objects.filter(user=user, primary=True).delete()
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=email_verified)
    ensure_personal_team(user)


def create_owner(*, email: str, name: str, password: str) -> User:
    """The first person of an empty studio: its owner and operator. Raises AlreadyOwned for everybody after, however close behind.

    Their address counts as confirmed: who starts the studio on their machine cannot be expected to have a mail server first.
    """
    try:
        with transaction.atomic():
            if User.objects.exists():
                raise errors.AlreadyOwned
            return create_user_with_team(
                email=email, name=name, password=password, email_verified=True, is_owner=True, is_staff=True, is_superuser=True
            )
    except IntegrityError as error:
        # The database let only one row with is_owner through (constraint user_one_owner).
        raise errors.AlreadyOwned from error


@transaction.atomic
def rename_person(user: User, name: str) -> None:
    """A personal team that is named after its person follows."""
    Team.objects.filter(is_personal=True, memberships__user=user, memberships__role=Role.OWNER, name=user.name).update(name=name)
    user.name = name
    user.save(update_fields=["name"])


def change_theme(user: User, theme: Theme) -> None:
    user.theme = theme
    user.save(update_fields=["theme"])


# --- invitations -----------------------------------------------------------------------------------------------------
def hash_token(token: str) -> str:
    """SHA-256 in hex. A token has 256 random bits, so it needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def invite(team: Team, *, invited_by: User, role: str = Role.CREATOR, email: str = "") -> tuple[Invitation, str]:
    """An invitation and its token, which is nowhere else: show it now. Raises PersonalTeam."""
    if team.is_personal:
        raise errors.PersonalTeam
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        team=team, invited_by=invited_by, role=Role(role), email=email.strip().lower(), token_hash=hash_token(token)
    )
    return invitation, token


def revoke_invitation(invitation: Invitation) -> bool:
    """Take an invitation back. False when it was used, or taken back, before."""
    return Invitation.objects.filter(pk=invitation.pk).open().update(revoked_at=timezone.now()) == 1


def find_invitation(token: str) -> Invitation:
    """The open invitation of a link. Raises the InvitationError that says why it cannot be accepted."""
    invitation = Invitation.objects.select_related("team", "invited_by").filter(token_hash=hash_token(token)).first()
    if invitation is None:
        raise errors.InvitationUnknown
    if invitation.accepted_at:
        raise errors.InvitationUsed
    if invitation.revoked_at:
        raise errors.InvitationRevoked
    if invitation.expires_at <= timezone.now():
        raise errors.InvitationExpired
    return invitation


@transaction.atomic
def accept_invitation(token: str, user: User) -> Membership:
    """Let the person into the team, once per link. Raises InvitationError, and then nothing has changed."""
    invitation = find_invitation(token)
    if not Invitation.objects.meant_for(user).filter(pk=invitation.pk).exists():
        raise errors.InvitationElsewhere
    if Membership.objects.filter(team=invitation.team, user=user).exists():
        raise errors.AlreadyMember
    taken = Invitation.objects.filter(pk=invitation.pk).open().update(accepted_at=timezone.now(), accepted_by=user)
    if not taken:
        raise errors.InvitationUsed
    return Membership.objects.create(team=invitation.team, user=user, role=invitation.role)
