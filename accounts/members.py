"""Every write about who is in a team, and as what; those that end a team are in `ending.py`.

Each is one transaction. It holds the team's row from its first statement to the commit, and asks only then what the people in it may do: so
those that meet come one after another, each sees what the one before left, and a team keeps exactly the owner it had or handed itself to.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts import access, audit, departing, errors
from accounts.models import Invitation, Membership, Removal, Role, Team, User


def lock(team: Team) -> Team:
    """The team, read anew, with its row locked until the transaction ends.

    SQLite has no such lock and needs none: the studio's transactions exclude each other there from their first statement.
    """
    return Team.objects.select_for_update(no_key=True).get(pk=team.pk)


def hold(team: Team, by: User, right: access.Right) -> Team:
    """The team, locked for whoever has the right. Within a transaction; raises as `access.require` does."""
    held = lock(team)
    access.require(by, held, right)
    return held


def tell(user_ids: Iterable[int]) -> None:
    """People's rights were changed: their open pages ask anew (`settings.ACCESS_LISTENER`)."""
    if settings.ACCESS_LISTENER:
        import_string(settings.ACCESS_LISTENER)(list(user_ids))


@transaction.atomic
def rename_team(team: Team, name: str, *, by: User) -> bool:
    """False when that was its name already."""
    held = hold(team, by, "administer")
    if held.name == name:
        return False
    audit.record(held, by, "team.renamed", f"renamed the team from {held.name} to {name}")
    held.name = name
    held.save(update_fields=["name"])
    return True


@transaction.atomic
def change_role(team: Team, person: User, role: str, *, by: User) -> bool:
    """False when they had that role already. Raises OnlyHandedOver, OwnerStays, NotAMember."""
    held = hold(team, by, "administer")
    if Role(role) == Role.OWNER:
        raise errors.OnlyHandedOver
    place = _place(held, person)
    if place.role == Role.OWNER:
        raise errors.OwnerStays
    if place.role == role:
        return False
    before, place.role = place.get_role_display(), role
    place.save(update_fields=["role"])
    audit.record(held, by, "member.role", f"changed the role of {person} from {before.lower()} to {place.get_role_display().lower()}")
    if "invite" not in access.RIGHTS[place.role]:
        _take_back_invitations(held, person, by=by)
    tell([person.pk])
    return True


@transaction.atomic
def remove_member(team: Team, person: User, *, by: User) -> None:
    """Take somebody out of the team; what they made stays with it, also what only they saw. Raises OwnerStays, NotAMember."""
    held = hold(team, by, "administer")
    place = _place(held, person)
    if place.role == Role.OWNER:
        raise errors.OwnerStays
    place.delete()
    keep_out(held, person)
    audit.record(held, by, "member.removed", f"removed {person} from the team")
    departing.hand_to_team(held, person)
    _take_back_invitations(held, person, by=by)
    tell([person.pk])


def keep_out(team: Team, person: User) -> None:
    """Note that somebody was removed now: the links that there are let them in no more. Within the transaction that removes them."""
    Removal.objects.update_or_create(team=team, user=person, defaults={"removed_at": timezone.now()})


def let_in(team: Team, person: User) -> None:
    """Forget that somebody was removed once. Within the transaction that lets them in."""
    Removal.objects.filter(team=team, user=person).delete()


@transaction.atomic
def leave(team: Team, *, by: User) -> None:
    """Go; what one made stays with the team, also what only oneself saw. Raises StaysPersonal, LastOwner."""
    held = hold(team, by, "see")
    if held.is_personal:
        raise errors.StaysPersonal
    place = _place(held, by)
    if place.role == Role.OWNER and not held.memberships.filter(role=Role.OWNER).exclude(pk=place.pk).exists():
        raise errors.LastOwner
    place.delete()
    audit.record(held, by, "member.left", "left the team")
    departing.hand_to_team(held, by)
    _take_back_invitations(held, by, by=by)
    tell([by.pk])


@transaction.atomic
def hand_over(team: Team, person: User, *, by: User) -> None:
    """Make another member the owner; the one who was stays as an admin. Raises StaysPersonal, NotAMember."""
    held = hold(team, by, "delete")
    if held.is_personal:
        raise errors.StaysPersonal
    place = _place(held, person)
    if not person.is_active or person == by:
        raise errors.NotAMember
    held.memberships.filter(user=by).update(role=Role.ADMIN)
    place.role = Role.OWNER
    place.save(update_fields=["role"])
    audit.record(held, by, "team.handed_over", f"handed the team over to {person}")
    tell([by.pk, person.pk])


def _take_back_invitations(team: Team, person: User, *, by: User) -> None:
    """Whoever may not invite any more has no way in to give, to themselves neither: an admin's link makes whoever follows it an admin."""
    number = Invitation.objects.open().filter(team=team, invited_by=person).update(revoked_at=timezone.now())
    if number:
        made = "one invitation" if number == 1 else f"{number} invitations"
        audit.record(team, by, "invitation.revoked", f"took back {made} that {person} had made")


def _place(team: Team, person: User) -> Membership:
    place = Membership.objects.filter(team=team, user=person).first()
    if place is None:
        raise errors.NotAMember
    return place
