"""A link lets one person into one team, once: made, followed with and without an account, taken back, run out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import errors, services
from accounts.models import Invitation, Membership, Role, Team, User

ClientOf = Callable[..., Client]
DAN = {"name": "Dan Newcomer", "email": "dan@harbour.example", "password1": "lighthouse keeper 7"}


@pytest.fixture(autouse=True)
def by_invitation(settings: Any) -> None:
    settings.STUDIO_SIGNUP = "invitation"


def invite(team: Team, by: User, **options: str) -> str:
    """The path of a fresh invitation's link."""
    return f"/invitations/{services.invite(team, invited_by=by, **options)[1]}/"


def roles(team: Team) -> dict[str, str]:
    return dict(team.memberships.values_list("user__email", "role"))


# --- making one ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_link_is_shown_once_and_only_its_hash_is_kept(client_of: ClientOf, team: Team, bob: User, role: Role) -> None:
    Membership.objects.filter(team=team, user=bob).update(role=role)
    client = client_of(bob)
    answer = client.post("/account/invitations/", {"team": team.pk, "email": "Dan@Harbour.example", "role": "viewer"})
    assert (answer.status_code, answer["Location"]) == (302, "/team/#invitations")
    invitation = Invitation.objects.get()
    assert (invitation.team, invitation.email, invitation.role, invitation.invited_by) == (team, "dan@harbour.example", "viewer", bob)
    page = client.get("/team/").content.decode()
    token = page.split("http://testserver/invitations/")[1].split("/")[0]
    assert invitation.token_hash == services.hash_token(token)
    assert token not in str(Invitation.objects.values())
    assert token not in client.get("/team/").content.decode()
    assert "Take back" in client.get("/team/").content.decode()


@pytest.mark.parametrize(("role", "status"), [(Role.CREATOR, 403), (Role.VIEWER, 403), (None, 404)])
def test_others_cannot_make_one(client_of: ClientOf, team: Team, mallory: User, role: Role | None, status: int) -> None:
    if role:
        Membership.objects.create(team=team, user=mallory, role=role)
    client = client_of(mallory)
    assert client.post("/account/invitations/", {"team": team.pk, "role": "admin"}).status_code == status
    assert not Invitation.objects.exists()
    assert "invitations-title" not in client.get("/team/").content.decode()


def test_nobody_is_invited_to_be_an_owner(client_of: ClientOf, team: Team, alice: User) -> None:
    answer = client_of(alice).post("/account/invitations/", {"team": team.pk, "role": "owner"})
    assert answer.status_code == 422
    assert not Invitation.objects.exists()


def test_nobody_is_invited_into_a_personal_team(client_of: ClientOf, alice: User) -> None:
    own = Team.objects.get(is_personal=True)
    answer = client_of(alice).post("/account/invitations/", {"team": own.pk, "role": "viewer"}, follow=True)
    assert errors.PersonalTeam.message in answer.content.decode()
    with pytest.raises(errors.PersonalTeam):
        services.invite(own, invited_by=alice)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(("email", "message"), [("dan", "does not look like"), ("bob@harbour.example", "example is in Harbour Street")])
def test_wrong_address_is_kept_and_explained(client_of: ClientOf, team: Team, alice: User, bob: User, email: str, message: str) -> None:
    answer = client_of(alice).post("/account/invitations/", {"team": team.pk, "email": email, "role": "viewer"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert message in page
    assert f'value="{email}"' in page
    assert not Invitation.objects.exists()


def test_nonsense_is_404(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    for number in ("", "x", "²", "-1", "9" * 40, "0"):
        assert client.post("/account/invitations/", {"team": number}).status_code == 404
    assert client.post("/account/invitations/99/revoke/").status_code == 404
    assert client.get("/account/invitations/").status_code == 405


# --- following one ---------------------------------------------------------------------------------------------------
def test_newcomer_makes_an_account_and_is_in_the_team(client: Client, team: Team, alice: User) -> None:
    link = invite(team, alice, role="viewer")
    assert client.get("/accounts/signup/").content.decode().count("needs an invitation") == 1
    page = client.get(link).content.decode()
    assert "Join Harbour Street" in page
    assert "Alice Harbour invites you" in page
    assert "Join Harbour Street" in client.get("/accounts/signup/").content.decode()
    assert client.post("/accounts/signup/", DAN)["Location"] == "/create/"
    dan = User.objects.get(email=DAN["email"])
    assert roles(team) == {alice.email: "owner", dan.email: "viewer"}
    assert Team.objects.get(is_personal=True, members=dan).name == "Dan Newcomer"
    assert client.session["team"] == team.pk
    invitation = Invitation.objects.get()
    assert (invitation.accepted_by, invitation.accepted_at is not None) == (dan, True)


def test_somebody_with_an_account_signs_in_and_joins(client: Client, team: Team, alice: User, mallory: User) -> None:
    link = invite(team, alice)
    page = client.get(link).content.decode()
    assert f'href="/accounts/login/?next={link}"' in page
    client.post("/accounts/login/", {"login": mallory.email, "password": "correct horse battery", "next": link})
    assert "Join as Mallory Stranger" in client.get(link).content.decode()
    assert roles(team) == {alice.email: "owner"}
    assert client.post(link)["Location"] == "/create/"
    assert roles(team) == {alice.email: "owner", mallory.email: "creator"}
    assert client.session["team"] == team.pk


def test_looking_is_not_accepting(client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    link = invite(team, alice)
    client_of(mallory).get(link)
    answer = Client().post(link)
    assert answer["Location"] == link
    assert roles(team) == {alice.email: "owner"}
    assert Invitation.objects.open().count() == 1


def closed(answer: Any, error: type[errors.InvitationError]) -> bool:
    return answer.status_code == 410 and error.message in answer.content.decode()


@pytest.mark.parametrize("state", ["used", "revoked", "expired", "unknown"])
def test_link_that_stopped_working(client_of: ClientOf, team: Team, alice: User, bob: User, mallory: User, state: str) -> None:
    link = invite(team, alice)
    if state == "used":
        Invitation.objects.update(accepted_at=timezone.now(), accepted_by=bob)
    elif state == "revoked":
        assert client_of(alice).post(f"/account/invitations/{Invitation.objects.get().pk}/revoke/").status_code == 302
    elif state == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    else:
        link = "/invitations/nonsense/"
    before = roles(team)
    error = {kind.code: kind for kind in errors.InvitationError.__subclasses__()}[f"invitation_{state}"]
    stranger = client_of(mallory)
    assert closed(stranger.get(link), error)
    assert closed(stranger.post(link), error)
    newcomer = Client()
    assert closed(newcomer.get(link), error)
    assert "needs an invitation" in newcomer.post("/accounts/signup/", DAN).content.decode()
    assert roles(team) == before
    assert not User.objects.filter(email=DAN["email"]).exists()


def test_link_runs_out_by_itself(client_of: ClientOf, team: Team, alice: User, mallory: User, settings: Any) -> None:
    link = invite(team, alice)
    with time_machine.travel(timezone.now() + timedelta(days=settings.STUDIO_INVITATION_DAYS, seconds=1)):
        assert closed(client_of(mallory).post(link), errors.InvitationExpired)
    assert roles(team) == {alice.email: "owner"}
    with time_machine.travel(timezone.now() + timedelta(days=settings.STUDIO_INVITATION_DAYS, seconds=-60)):
        assert client_of(mallory).post(link).status_code == 302
    assert roles(team) == {alice.email: "owner", mallory.email: "creator"}


def test_invitation_for_an_address_lets_nobody_else_in(client_of: ClientOf, client: Client, team: Team, alice: User, mallory: User) -> None:
    link = invite(team, alice, email="dan@harbour.example")
    stranger = client_of(mallory)
    assert closed(stranger.post(link), errors.InvitationElsewhere)
    client.get(link)
    page = client.post("/accounts/signup/", DAN | {"email": "eve@harbour.example"}).content.decode()
    assert "The invitation is for dan@harbour.example." in page
    assert roles(team) == {alice.email: "owner"}
    assert not User.objects.filter(email="eve@harbour.example").exists()
    assert 'value="dan@harbour.example"' in client.get("/accounts/signup/?email=dan@harbour.example").content.decode()
    client.post("/accounts/signup/", DAN | {"email": "DAN@harbour.example"})
    assert roles(team) == {alice.email: "owner", "dan@harbour.example": "creator"}


def test_member_does_not_use_the_link_up(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    link = invite(team, alice, role="admin")
    answer = client_of(bob, Team.objects.get(is_personal=True, members=bob)).post(link, follow=True)
    assert "You are in Harbour Street already." in answer.content.decode()
    assert roles(team) == {alice.email: "owner", bob.email: "creator"}
    assert Invitation.objects.open().count() == 1


@pytest.mark.parametrize("role", [Role.CREATOR, Role.VIEWER, None])
def test_others_cannot_take_one_back(client_of: ClientOf, team: Team, alice: User, mallory: User, role: Role | None) -> None:
    invite(team, alice)
    if role:
        Membership.objects.create(team=team, user=mallory, role=role)
    answer = client_of(mallory).post(f"/account/invitations/{Invitation.objects.get().pk}/revoke/")
    assert answer.status_code == (403 if role else 404)
    assert Invitation.objects.open().count() == 1


def test_taking_back_a_used_link_says_it_was_too_late(client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    client_of(mallory).post(invite(team, alice))
    answer = client_of(alice).post(f"/account/invitations/{Invitation.objects.get().pk}/revoke/", follow=True)
    assert "It was too late" in answer.content.decode()
    assert roles(team) == {alice.email: "owner", mallory.email: "creator"}


def test_closed_studio_still_lets_members_move(
    client_of: ClientOf, client: Client, team: Team, alice: User, mallory: User, settings: Any
) -> None:
    settings.STUDIO_SIGNUP = "closed"
    client = Client()
    link = invite(team, alice)
    assert "Make an account" not in client.get(link).content.decode()
    assert "New accounts are made by" in client.post("/accounts/signup/", DAN).content.decode()
    assert not User.objects.filter(email=DAN["email"]).exists()
    client_of(mallory).post(link)
    assert roles(team) == {alice.email: "owner", mallory.email: "creator"}


def test_open_studio_forgets_a_link_that_stopped_working(client: Client, team: Team, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    client.get(invite(team, alice))
    Invitation.objects.update(revoked_at=timezone.now())
    assert client.post("/accounts/signup/", DAN)["Location"] == "/create/"
    assert roles(team) == {alice.email: "owner"}
    assert "invitation" not in client.session


# --- one link, many hands ---------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_of_many_who_follow_one_link_at_once_one_gets_in(team: Team, alice: User) -> None:
    link, count = invite(team, alice), 4
    start, answers = threading.Barrier(count), []

    def follow(number: int) -> None:
        browser = Client()
        browser.get(link)
        start.wait()
        answers.append(browser.post("/accounts/signup/", DAN | {"email": f"dan{number}@harbour.example"}).get("Location"))
        connection.close()

    threads = [threading.Thread(target=follow, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("/create/") == 1
    assert set(answers) <= {"/create/", link, None}
    assert len(roles(team)) == 2
    assert User.objects.count() == Team.objects.filter(is_personal=True).count() == 2
