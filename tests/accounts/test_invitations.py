"""A link lets people into one team: made, followed with and without an account, taken back, run out, used up."""

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

from accounts import errors, inviting
from accounts.models import AuditEntry, Invitation, Membership, Role, Team, User
from accounts.services import create_user_with_team

ClientOf = Callable[..., Client]
DAN = {"name": "Dan Newcomer", "email": "dan@harbour.example", "password1": "lighthouse keeper 7"}


@pytest.fixture(autouse=True)
def by_invitation(settings: Any) -> None:
    settings.STUDIO_SIGNUP = "invitation"


def invite(team: Team, by: User, **options: Any) -> str:
    """The path of a fresh invitation's link."""
    return f"/invitations/{inviting.invite(team, invited_by=by, **options)[1]}/"


LINK = "/team/invitations/link/"


def asked(team: Team, **change: str | int) -> dict[str, Any]:
    """What the form for a link sends."""
    given = {"people": 1, "role": "viewer", "days": 14} | change
    return {"team": team.pk} | {f"link-{name}": value for name, value in given.items()}


def log_of(team: Team) -> list[tuple[str, str]]:
    return [(str(entry), entry.action) for entry in AuditEntry.objects.filter(team=team).exclude(action="team.made").order_by("id")]


def roles(team: Team) -> dict[str, str]:
    return dict(team.memberships.values_list("user__email", "role"))


# --- making one ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_link_is_shown_once_and_only_its_hash_is_kept(client_of: ClientOf, team: Team, bob: User, role: Role) -> None:
    Membership.objects.filter(team=team, user=bob).update(role=role)
    client = client_of(bob)
    answer = client.post(LINK, asked(team, people=5, days=7))
    assert (answer.status_code, answer["Location"]) == (302, "/team/#invitations")
    invitation = Invitation.objects.get()
    assert (invitation.team, invitation.email, invitation.role, invitation.invited_by) == (team, "", "viewer", bob)
    assert (invitation.max_uses, (invitation.expires_at - timezone.now()).days) == (5, 6)
    page = client.get("/team/").content.decode()
    token = page.split("http://localhost:8000/invitations/")[1].split("/")[0]
    assert invitation.token_hash == inviting.hash_token(token)
    assert token not in str(Invitation.objects.values())
    assert token not in client.get("/team/").content.decode()
    assert "0 of 5 came in" in client.get("/team/").content.decode()
    assert log_of(team) == [("Bob Member made a link for 5 people as viewer", "invitation.made")]


@pytest.mark.parametrize(("role", "status"), [(Role.CREATOR, 403), (Role.VIEWER, 403), (None, 404)])
def test_others_cannot_make_one(client_of: ClientOf, team: Team, mallory: User, role: Role | None, status: int) -> None:
    if role:
        Membership.objects.create(team=team, user=mallory, role=role)
    client = client_of(mallory)
    assert client.post(LINK, asked(team, role="admin")).status_code == status
    assert not Invitation.objects.exists()
    assert "invitations-title" not in client.get("/team/").content.decode()


@pytest.mark.parametrize("change", [{"role": "owner"}, {"people": 7}, {"days": 3650}, {"days": "x"}, {"people": -1}])
def test_nobody_is_invited_to_be_an_owner_or_for_ever(client_of: ClientOf, team: Team, alice: User, change: dict[str, Any]) -> None:
    answer = client_of(alice).post(LINK, asked(team, **change))
    assert (answer.status_code, "errorlist" in answer.content.decode()) == (422, True)
    assert not Invitation.objects.exists()


def test_the_studio_s_usual_days_are_offered(client_of: ClientOf, team: Team, alice: User, settings: Any) -> None:
    settings.STUDIO_INVITATION_DAYS = 3
    client = client_of(alice)
    assert '<option value="3" selected>3 days</option>' in client.get("/team/").content.decode()
    assert client.post(LINK, asked(team, days=3)).status_code == 302
    assert (Invitation.objects.get().expires_at - timezone.now()).days == 2


def test_nobody_is_invited_into_a_personal_team(client_of: ClientOf, alice: User) -> None:
    own = Team.objects.get(is_personal=True)
    for path in (LINK, "/team/invitations/mail/"):
        answer = client_of(alice).post(path, asked(own), follow=True)
        assert errors.PersonalTeam.message in answer.content.decode()
    with pytest.raises(errors.PersonalTeam):
        inviting.invite(own, invited_by=alice)
    assert not Invitation.objects.exists()


def test_nonsense_is_404(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    for number in ("", "x", "²", "-1", "9" * 40, "0"):
        assert client.post(LINK, {"team": number}).status_code == 404
    for path in ("/team/invitations/99/revoke/", "/team/invitations/99/resend/"):
        assert client.post(path).status_code == 404
    for path in ("/account/invitations/99/accept/", "/account/invitations/99/decline/"):
        assert client.post(path).status_code == 404
    assert client.get(LINK).status_code == 405


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
        Invitation.objects.update(accepted_at=timezone.now(), accepted_by=bob, uses=1)
    elif state == "revoked":
        assert client_of(alice).post(f"/team/invitations/{Invitation.objects.get().pk}/revoke/").status_code == 302
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
    assert ("Alice Harbour can send you a new one." in newcomer.get(link).content.decode()) is (state != "unknown")
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


def test_who_came_in_by_a_link_may_follow_it_again(client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    link = invite(team, alice)
    client = client_of(mallory)
    client.post(link)
    for answer in (client.get(link, follow=True), client.post(link, follow=True)):
        assert (answer.status_code, answer.redirect_chain) == (200, [("/create/", 302)])
        assert "You are in Harbour Street already." in answer.content.decode()
    assert Invitation.objects.get().uses == 1


def test_a_link_into_a_team_that_is_being_deleted_is_dead(client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    link = invite(team, alice)
    Team.objects.filter(pk=team.pk).update(deleted_at=timezone.now())
    assert closed(client_of(mallory).post(link), errors.InvitationRevoked)
    assert not Membership.objects.filter(team=team, user=mallory).exists()


def test_every_step_is_in_the_log(client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    client_of(mallory).post(invite(team, alice, max_uses=None))
    client_of(alice).post(f"/team/invitations/{Invitation.objects.get().pk}/revoke/")
    assert log_of(team) == [
        ("Alice Harbour made a link for any number of people as creator", "invitation.made"),
        ("Mallory Stranger came in as creator by the invitation of Alice Harbour", "member.joined"),
        ("Alice Harbour took back the link for any number of people", "invitation.revoked"),
    ]


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
    answer = client_of(mallory).post(f"/team/invitations/{Invitation.objects.get().pk}/revoke/")
    assert answer.status_code == (403 if role else 404)
    assert Invitation.objects.open().count() == 1


def test_taking_back_a_used_link_says_it_was_too_late(client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    client_of(mallory).post(invite(team, alice))
    answer = client_of(alice).post(f"/team/invitations/{Invitation.objects.get().pk}/revoke/", follow=True)
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


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_who_follow_a_link_for_five_five_get_in(
    client_of: ClientOf, team: Team, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All have read that the link is open before the first of them uses it."""
    link = invite(team, alice, max_uses=5)
    people = [create_user_with_team(email=f"dan{number}@harbour.example", name=f"Dan {number}") for number in range(16)]
    answers: list[int] = []
    together, find = threading.Barrier(len(people), timeout=60), inviting.find

    def find_together(token: str) -> Invitation:
        found = find(token)
        connection.close()  # who waits keeps nothing that another needs
        together.wait()
        return found

    def follow(browser: Client) -> None:
        answers.append(browser.post(link).status_code)
        connection.close()

    monkeypatch.setattr(inviting, "find", find_together)
    threads = [threading.Thread(target=follow, args=(client_of(person),)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302] * 5 + [410] * 11
    assert len(roles(team)) == 6
    invitation = Invitation.objects.get()
    assert (invitation.uses, invitation.accepted_at is not None, Invitation.objects.open().exists()) == (5, True, False)
    assert AuditEntry.objects.filter(team=team, action="member.joined").count() == 5
