"""A team has room for as many people as its plan says: asked when somebody is invited, and again when they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts import errors, inviting
from accounts.models import Invitation, Membership, Team, User
from billing.models import Plan

ClientOf = Callable[..., Client]


@pytest.fixture
def three(settings: Any, db: None) -> Plan:
    """Everybody's plan has room for three."""
    settings.DEFAULT_PLAN = "small"
    return Plan.objects.create(slug="small", name="Small", seats=3, position=15)


def test_letters_beyond_the_seats_are_not_sent(team: Team, alice: User, bob: User, client_of: ClientOf, three: Plan) -> None:
    typed = "dan@harbour.example, eve@harbour.example"
    given = {"emails": typed, "role": "creator", "days": "14", "message": "Hello!"}
    answer = client_of(alice).post("/team/invitations/mail/", {"team": team.pk, **{f"mail-{name}": value for name, value in given.items()}})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "The Small plan of this team has room for 3 people, open invitations among them." in html
    assert "Take one back, take somebody out, or change to Pro, which has room for 10." in html
    assert "dan@harbour.example" in html
    assert "Hello!" in html
    assert (Invitation.objects.count(), mail.outbox) == (0, [])
    posted = inviting.invite_by_mail(team, ["dan@harbour.example"], invited_by=alice)
    assert len(posted) == 1
    with pytest.raises(errors.NoSeat):
        inviting.invite(team, invited_by=alice, email="eve@harbour.example")


def test_an_invitation_that_is_taken_back_makes_room(team: Team, alice: User, bob: User, three: Plan) -> None:
    first, _ = inviting.invite(team, invited_by=alice, email="dan@harbour.example")
    inviting.revoke(first, by=alice)
    inviting.invite(team, invited_by=alice, email="eve@harbour.example")
    assert Invitation.objects.open().get().email == "eve@harbour.example"


def test_a_link_lets_in_as_many_as_there_is_room_for(
    team: Team, alice: User, bob: User, carol: User, mallory: User, client_of: ClientOf, three: Plan
) -> None:
    Plan.objects.update(seats=4)
    _, token = inviting.invite(team, invited_by=alice, max_uses=None)
    Plan.objects.update(seats=3)
    stranger = client_of(mallory)
    answer = stranger.post(f"/invitations/{token}/")
    html = answer.content.decode()
    assert answer.status_code == 410
    assert "There is no room in the team." in html
    assert "has room for 3 people, and they are there. Ask whoever invited you to make room; the invitation stays good." in html
    assert "can send you a new one" not in html
    assert not Membership.objects.filter(team=team, user=mallory).exists()
    assert Invitation.objects.get().uses == 0
    Plan.objects.update(seats=4)
    assert stranger.post(f"/invitations/{token}/").status_code == 302
    assert Membership.objects.filter(team=team, user=mallory).exists()


def test_no_link_is_made_for_a_full_team(team: Team, alice: User, bob: User, carol: User, client_of: ClientOf, three: Plan) -> None:
    given = {"team": team.pk, "link-role": "creator", "link-people": "1", "link-days": "14"}
    answer = client_of(alice).post("/team/invitations/link/", given)
    assert answer.status_code == 422
    assert "has room for 3 people" in answer.content.decode()
    assert not Invitation.objects.exists()


def test_a_plan_with_fewer_seats_puts_nobody_out(team: Team, alice: User, bob: User, carol: User, client_of: ClientOf, three: Plan) -> None:
    Plan.objects.update(seats=1)
    for person in (alice, bob, carol):
        assert client_of(person).get("/create/").wsgi_request.team == team  # type: ignore[attr-defined]
    assert team.members.count() == 3


def test_without_a_guard_there_are_no_seats(team: Team, alice: User, three: Plan, settings: Any) -> None:
    settings.SEAT_GUARD = ""
    Plan.objects.update(seats=1)
    inviting.invite(team, invited_by=alice)
    assert Invitation.objects.count() == 1
