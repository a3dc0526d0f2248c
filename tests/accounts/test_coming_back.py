"""Who was removed from a team and follows an older link stays out; whom somebody lets in anew is in."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import errors, inviting, members
from accounts.models import Invitation, Membership, Role, Team, User
from tests.accounts.test_members import ClientOf, at_once, places, state
from tests.conftest import make_user


def test_who_was_removed_does_not_come_back_by_a_link_that_was_there(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    _, old = inviting.invite(team, invited_by=alice, role=Role.ADMIN, max_uses=None)
    members.remove_member(team, bob, by=alice)
    before, his = state(team), client_of(bob)
    for answer in (his.get(f"/invitations/{old}/"), his.post(f"/invitations/{old}/")):
        assert answer.status_code == 410
        page = answer.content.decode()
        assert "You were removed from this team. Ask for an invitation to your address." in page
        assert "can send you a new one" not in page
    assert state(team) == before
    assert Invitation.objects.get().uses == 0
    assert inviting.accept(old, make_user("Dan Newcomer")).role == Role.ADMIN


@pytest.mark.parametrize("how", ["a letter", "an older letter", "a newer link"])
def test_who_was_removed_comes_back_when_they_are_let_in_anew(how: str, team: Team, alice: User, bob: User) -> None:
    _, old = inviting.invite(team, invited_by=alice, max_uses=None)
    if how == "an older letter":
        _, anew = inviting.invite(team, invited_by=alice, email=bob.email)
    members.remove_member(team, bob, by=alice)
    if how != "an older letter":
        _, anew = inviting.invite(team, invited_by=alice, email=bob.email if how == "a letter" else "", role=Role.VIEWER)
    with pytest.raises(errors.WasRemoved):
        inviting.accept(old, bob)  # it may be for more than what they are invited for now
    inviting.accept(anew, bob)
    members.leave(team, by=bob)
    inviting.accept(old, bob)  # who goes by themselves, comes back by themselves
    assert places(team) == {alice.email: "owner", bob.email: "creator"}


def test_other_teams_and_other_people_are_not_touched_by_a_removal(
    team: Team, alice: User, bob: User, carol: User, other_team: Team
) -> None:
    _, here = inviting.invite(team, invited_by=alice, max_uses=None)
    _, there = inviting.invite(other_team, invited_by=other_team.members.get(), max_uses=None)
    members.remove_member(team, bob, by=alice)
    members.leave(team, by=carol)
    assert inviting.accept(there, bob).team == other_team
    assert inviting.accept(here, carol).team == team


def test_whoever_comes_in_holds_the_team_before_anything_is_asked(team: Team, alice: User) -> None:
    invitation, _ = inviting.invite(team, invited_by=alice)
    dan = make_user("Dan Newcomer")
    with CaptureQueriesContext(connection) as asked:
        inviting.enter(invitation, dan)
    first = next(query["sql"] for query in asked if query["sql"].startswith("SELECT"))
    assert 'FROM "accounts_team"' in first
    assert connection.vendor == "sqlite" or first.endswith("FOR NO KEY UPDATE")


@pytest.mark.django_db(transaction=True)
def test_who_follows_a_link_while_they_are_removed_is_out_afterwards(team: Team, alice: User, bob: User) -> None:
    _, token = inviting.invite(team, invited_by=alice, max_uses=None)
    for _ in range(8):
        answers = at_once(lambda: members.remove_member(team, bob, by=alice), lambda: inviting.accept(token, bob))
        assert answers in (["AlreadyMember", "done"], ["WasRemoved", "done"])
        assert places(team) == {alice.email: "owner"}
        Membership.objects.create(team=team, user=bob, role=Role.CREATOR)
