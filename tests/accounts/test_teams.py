"""Which team somebody works in, how they change it, and how they make another."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from accounts import ending, members, services
from accounts.models import Membership, Role, Team, User
from billing.models import Wallet
from studio.galleries.models import Gallery
from studio.generation.models import Job

ClientOf = Callable[..., Client]
NEXT = {"next": "/account/"}


def works_in(client: Client) -> Team:
    return client.get("/account/").wsgi_request.team


def test_new_session_works_in_the_personal_team(client: Client, team: Team, alice: User) -> None:
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert works_in(client) == Team.objects.get(is_personal=True, members=alice)


def test_what_is_asked_from_a_page_is_done_in_the_team_that_the_page_shows(client_of: ClientOf, team: Team, bob: User) -> None:
    """Another tab may have switched since."""
    own = Team.objects.get(is_personal=True, members=bob)
    client = client_of(bob)
    assert works_in(client) == team
    assert client.get("/library/", headers={"X-Team": str(own.pk)}).wsgi_request.team == own
    client.post("/galleries/new/", {"name": "By a script"}, headers={"X-Team": str(own.pk)})
    client.post("/galleries/new/", {"name": "By a form", "in_team": own.pk})
    client.post("/galleries/new/", {"name": "By hand"})
    assert dict(Gallery.objects.values_list("name", "team")) == {"By a script": own.pk, "By a form": own.pk, "By hand": team.pk}
    assert works_in(client) == team


@pytest.mark.parametrize("named", ["0", "-1", "x", "٣", "9" * 40])
def test_a_team_that_makes_no_sense_is_passed_over(named: str, client_of: ClientOf, team: Team, bob: User) -> None:
    answer = client_of(bob).post("/galleries/new/", {"name": "Kept", "in_team": named})
    assert answer.status_code == 302
    assert Gallery.objects.get().team == team


def test_nothing_is_done_elsewhere_for_a_page_of_a_team_that_one_has_left(
    client_of: ClientOf, team: Team, other_team: Team, bob: User
) -> None:
    client = client_of(bob)
    html = client.get("/library/").content.decode()
    assert f'data-team="{team.pk}"' in html
    assert f"/live/?team={team.pk}&amp;view=library" in html
    for lost in (other_team.pk, 10**9):
        told = client.post("/galleries/new/", {"name": "Nowhere", "in_team": lost}, follow=True)
        assert "You are not in that team any more. You work in Harbour Street now." in told.content.decode()
        asked = client.get("/library/", headers={"X-Team": str(lost), "HX-Request": "true"})
        assert (asked.status_code, asked.headers["HX-Redirect"]) == (204, "/create/")
        assert client.post("/library/upload/", headers={"X-Team": str(lost), "Accept": "application/json"}).status_code == 409
    assert not Gallery.objects.exists()
    assert works_in(client) == team


def test_switching(client_of: ClientOf, team: Team, bob: User) -> None:
    own = Team.objects.get(is_personal=True, members=bob)
    client = client_of(bob)
    assert works_in(client) == team
    answer = client.post("/account/team/", {"team": own.pk, "next": "/library/?q=boat"})
    assert (answer.status_code, answer["Location"]) == (302, "/library/?q=boat")
    assert works_in(client) == own
    assert client.post("/account/team/", {"team": team.pk, "next": "https://elsewhere.example/"})["Location"] == "/create/"
    assert works_in(client) == team


def test_stranger_cannot_switch_in(client_of: ClientOf, team: Team, mallory: User, other_team: Team) -> None:
    client = client_of(mallory)
    for number in (team.pk, "", "x", "9" * 40):
        assert client.post("/account/team/", {"team": number} | NEXT).status_code == 404
    assert works_in(client) == other_team
    assert client.get("/account/team/").status_code == 405


def test_switching_needs_a_token(team: Team, bob: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post("/account/team/", {"team": team.pk}).status_code == 403
    assert works_in(client).is_personal


def test_who_was_taken_out_of_a_team_works_in_their_own(client_of: ClientOf, team: Team, bob: User) -> None:
    client = client_of(bob)
    assert works_in(client) == team
    Membership.objects.filter(team=team, user=bob).delete()
    assert works_in(client) == Team.objects.get(is_personal=True, members=bob)


@pytest.mark.parametrize("how", ["removed", "deleted"])
def test_what_was_meant_for_a_lost_team_is_not_done_in_another(how: str, client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    own = Team.objects.get(is_personal=True, members=bob)
    pages = {name: client_of(bob) for name in ("reads", "sends", "htmx", "script")}
    if how == "removed":
        members.remove_member(team, bob, by=alice)
        told = f"You are not in that team any more. You work in {own} now."
    else:
        ending.delete_team(team, by=alice)
        told = f"Harbour Street was deleted. You work in {own} now."
    page = pages["reads"].get("/library/")
    assert (told in page.content.decode(), page.wsgi_request.team) == (True, own)
    assert told not in pages["reads"].get("/library/").content.decode(), "it is told once"
    form = {"prompt": "a lighthouse", "key": "one"}
    answer = pages["sends"].post("/create/", form)
    assert answer["Location"] == "/create/"
    assert told in pages["sends"].get("/create/").content.decode()
    answer = pages["htmx"].post("/create/", form, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/create/")
    answer = pages["script"].post("/inputs/", headers={"Accept": "application/json"})
    assert (answer.status_code, "Nothing was done." in answer.json()["error"]) == (409, True)
    assert not Job.objects.exists()
    assert Wallet.objects.get(team=own).held == 0


def test_making_a_team(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    answer = client.post("/account/teams/", {"team-name": "  Harbour Street "}, follow=True)
    assert "Harbour Street is made, and you are working in it now." in answer.content.decode()
    team = Team.objects.get(is_personal=False)
    membership = Membership.objects.get(team=team)
    assert (team.name, membership.user, membership.role) == ("Harbour Street", alice, Role.OWNER)
    assert Wallet.objects.get(team=team).balance == 0
    assert works_in(client) == team


def test_team_without_a_name_is_not_made(client_of: ClientOf, alice: User) -> None:
    answer = client_of(alice).post("/account/teams/", {"team-name": "  "})
    assert answer.status_code == 422
    assert "Give the team a name." in answer.content.decode()
    assert not Team.objects.filter(is_personal=False).exists()


UNSEEN = ("\u200b", "\u202e", "\u2066\u2069", "\u3164", "\u2800 \ufe0f", "\u00ad", "\u0301")


@pytest.mark.parametrize("name", UNSEEN)
def test_a_name_that_nobody_can_see_is_none(client_of: ClientOf, team: Team, alice: User, name: str) -> None:
    client = client_of(alice)
    for path, words, sentence in (
        ("/account/teams/", {"team-name": name}, "Give the team a name."),
        (f"/team/{team.pk}/name/", {"name": name}, "Give the team a name."),
        ("/account/", {"name": name}, "Tell us what to call you."),
    ):
        answer = client.post(path, words)
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True), path
    assert set(Team.objects.of(alice).values_list("name", flat=True)) == {"Alice Harbour", "Harbour Street"}
    assert User.objects.get(pk=alice.pk).name == "Alice Harbour"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Harbour \u202egnp.exe", "Harbour gnp.exe"),
        ("\u2066Quay\u2069 \u202aPress\u202c", "Quay Press"),
        ("Two\u2028lines \t here", "Two lines here"),
        ("سام\u200cسون", "سام\u200cسون"),
        ("👩\u200d🎨 ❤\ufe0f", "👩\u200d🎨 ❤\ufe0f"),
        ("Cafe\u0301", "Cafe\u0301"),
    ],
)
def test_a_name_turns_the_writing_of_nothing_else(client_of: ClientOf, alice: User, typed: str, kept: str) -> None:
    client_of(alice).post("/account/teams/", {"team-name": typed})
    assert Team.objects.filter(is_personal=False).get().name == kept
    client_of(alice).post("/account/", {"name": typed})
    assert User.objects.get(pk=alice.pk).name == kept


def test_account_page_shows_teams_and_members_to_members_only(
    client_of: ClientOf, team: Team, alice: User, bob: User, mallory: User
) -> None:
    page = client_of(bob).get("/account/").content.decode()
    assert "Harbour Street" in page
    assert "Alice Harbour (owner), Bob Member" in page
    page = client_of(mallory).get("/account/").content.decode()
    assert "Harbour Street" not in page
    assert "Alice" not in page


def test_renaming_oneself_renames_the_personal_team_only(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    assert client.post("/account/", {"name": " Alice Quay "})["Location"] == "/account/"
    alice.refresh_from_db()
    assert alice.name == "Alice Quay"
    assert set(Team.objects.of(alice).values_list("name", flat=True)) == {"Alice Quay", "Harbour Street"}
    answer = client.post("/account/", {"name": ""})
    assert answer.status_code == 422
    assert User.objects.get(pk=alice.pk).name == "Alice Quay"


def test_theme_is_the_persons_on_every_device_and_stays_after_signing_out(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    answer = client.post("/account/theme/", {"theme": "dark", "next": "/create/"})
    assert (answer.status_code, answer["Location"]) == (302, "/create/")
    assert User.objects.get(pk=alice.pk).theme == "dark"
    assert 'data-theme="dark"' in client_of(alice).get("/account/").content.decode()
    client.post("/accounts/logout/")
    assert 'data-theme="dark"' in client.get("/accounts/login/").content.decode()
    client = client_of(alice)
    client.post("/account/theme/", {"theme": ""})
    assert "data-theme=" not in client.get("/account/").content.decode().split("<head>")[0]
    assert client.post("/account/theme/", {"theme": "pink"}).status_code == 400
    assert User.objects.get(pk=alice.pk).theme == ""


@pytest.mark.django_db(transaction=True)
def test_person_without_a_team_gets_one_however_many_pages_they_open_at_once(client_of: ClientOf) -> None:
    user = User.objects.create_user("eve@harbour.example", "correct horse battery", name="Eve Terminal")
    client_of(user)
    start = threading.Barrier(3)

    def ask() -> None:
        start.wait()
        services.ensure_personal_team(user)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Team.objects.get().name == "Eve Terminal"
    assert Membership.objects.get().role == Role.OWNER
