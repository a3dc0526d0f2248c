"""Every write about people and teams; invitations are in `inviting.py`. Each function is one transaction."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from accounts import audit, errors
from accounts.models import Membership, Role, Team, Theme, User


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
