"""The rights of each role, exactly, and what a stranger learns: nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.access import RIGHTS, allows, membership_for, require, team_of
from accounts.models import Membership, Role, Team, User

ALL = {"generate", "see", "edit", "curate", "publish", "spend", "invite", "administer", "delete"}
EXPECTED = {
    Role.OWNER: ALL,
    Role.ADMIN: ALL - {"delete"},
    Role.CREATOR: {"generate", "see", "edit", "curate", "spend"},
    Role.VIEWER: {"see"},
}


def test_table_is_exact() -> None:
    assert {role: set(rights) for role, rights in RIGHTS.items()} == EXPECTED


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("right", sorted(ALL))
def test_each_right_of_each_role(role: Role, right: str, team: Team, bob: User) -> None:
    Membership.objects.filter(team=team, user=bob).update(role=role)
    assert allows(bob, team, right) is (right in EXPECTED[role])
    if right in EXPECTED[role]:
        require(bob, team, right)
    else:
        with pytest.raises(PermissionDenied):
            require(bob, team, right)


@pytest.mark.parametrize("right", sorted(ALL))
def test_stranger_operator_nobody_and_switched_off_are_all_strangers(right: str, team: Team, bob: User, mallory: User) -> None:
    mallory.is_superuser = mallory.is_staff = True
    mallory.save()
    bob.is_active = False
    bob.save()
    for person in (mallory, AnonymousUser(), bob):
        assert membership_for(person, team) is None
        assert allows(person, team, right) is False
        with pytest.raises(Http404):
            require(person, team, right)


def test_team_of_prefers_the_chosen_then_the_personal_one(team: Team, bob: User, other_team: Team) -> None:
    own = Team.objects.get(is_personal=True, members=bob)
    assert team_of(bob) == own
    assert team_of(bob, team.pk) == team
    assert team_of(bob, other_team.pk) == own
    assert team_of(bob, 10**9) == own
    Membership.objects.filter(team=own, user=bob).delete()
    assert team_of(bob) == team
