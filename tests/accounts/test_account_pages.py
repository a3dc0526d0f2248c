"""Every page about people: the studio's look, nothing that the policy blocks, a name for every control, a landmark, one heading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import inviting, services
from accounts.models import Team, User
from tests.accounts.pages import Page
from tests.conftest import PASSWORD

OUTSIDE = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-nonsense/",
    "/accounts/password/reset/key/done/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/nonsense/",
    "/accounts/inactive/",
    "/accounts/3rdparty/login/cancelled/",
    "/accounts/3rdparty/login/error/",
    "/invitations/nonsense/",
]
INSIDE = [
    "/account/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/logout/",
    "/accounts/sessions/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/3rdparty/",
]


def check(page: Page) -> None:
    assert page.lang == "en"
    assert page.title.endswith("Atelier")
    assert page.inline == []
    assert page.unlabelled() == []
    assert len(page.all("h1")) == 1
    assert [main.get("id") for main in page.all("main")] == ["main"]
    identifiers = [values["id"] for _, values in page.tags if values.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert any(link.get("href", "").endswith("css/studio.css") for link in page.all("link"))
    assert all(image.get("alt") is not None for image in page.all("img"))


def filled_in_by_browsers(page: Page) -> dict[str, str | None]:
    controls = [control for control in page.all("input") if control.get("type") != "hidden" and "name" in control]
    return {control["name"]: control.get("autocomplete") for control in controls}


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("mode", ["open", "invitation"])
def test_page_at_the_door(client: Client, alice: User, settings: Any, path: str, mode: str) -> None:
    settings.STUDIO_SIGNUP = mode
    answer = client.get(path, follow=True)
    assert answer.status_code in (200, 401, 410)
    page = Page(answer.content.decode())
    check(page)
    assert page.all("nav") == []


@pytest.mark.parametrize("path", INSIDE)
def test_page_of_the_account(client: Client, team: Team, alice: User, path: str) -> None:
    client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    inviting.invite(team, invited_by=alice, email="dan@harbour.example")
    services.create_team("Second Street", alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = client.get(path)
    assert answer.status_code == 200
    check(Page(answer.content.decode()))


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/account/delete/", "You are about to delete your account. Confirm that it is you, Alice Harbour."),
        ("/accounts/email/", "You are about to change your email address. Confirm that it is you, Alice Harbour."),
        ("/accounts/2fa/totp/activate/", "You are about to change how you sign in. Confirm that it is you, Alice Harbour."),
        ("/library/", "Confirm that it is you, Alice Harbour."),
        ("/no/such/page", "Confirm that it is you, Alice Harbour."),
        ("//[", "Confirm that it is you, Alice Harbour."),
        ("", "Confirm that it is you, Alice Harbour."),
    ],
)
def test_it_says_for_what_one_shows_who_one_is(client_of: Callable[..., Client], alice: User, path: str, sentence: str) -> None:
    client = client_of(alice)
    asked = client.get("/accounts/reauthenticate/", {"next": path})
    wrong = client.post("/accounts/reauthenticate/", {"next": path, "password": "a wrong one"})
    for answer in (asked, wrong):
        assert f"<p>{sentence}</p>" in answer.content.decode()


def test_first_page_of_all(client: Client, db: None) -> None:
    page = Page(client.get("/welcome/").content.decode())
    check(page)
    assert filled_in_by_browsers(page) == {"name": "name", "email": "username", "password": "new-password"}


def test_invitation(client_of: Callable[..., Client], team: Team, alice: User, mallory: User) -> None:
    link = f"/invitations/{inviting.invite(team, invited_by=alice)[1]}/"
    for browser in (Client(), client_of(mallory)):
        check(Page(browser.get(link).content.decode()))


def test_browsers_are_told_what_to_fill_in(client: Client, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"

    login, signup = (filled_in_by_browsers(Page(client.get(f"/accounts/{path}/").content.decode())) for path in ("login", "signup"))
    assert login == {"login": "email", "password": "current-password"}
    assert signup == {"name": "name", "email": "email", "password1": "new-password"}


def test_sessions_are_listed_and_ended(client_of: Callable[..., Client], alice: User) -> None:
    here, there = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}), Client()
    for browser in (here, there):
        browser.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
        browser.get("/account/")
    page = Page(here.get("/accounts/sessions/").content.decode()).text
    assert "Firefox on Linux This one" in page
    here.post("/accounts/sessions/")
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302


def test_operator_makes_an_account_in_the_admin(client_of: Callable[..., Client], alice: User, bob: User) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    answer = client_of(alice).post(
        "/admin/accounts/user/add/",
        {"email": "Eve@Harbour.example", "name": "Eve Terminal", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD},
    )
    assert answer.status_code == 302
    eve = User.objects.get(email="eve@harbour.example")
    assert Team.objects.get(members=eve).is_personal
    assert eve.emailaddress_set.get().email == eve.email
    before = User.objects.count()
    assert client_of(bob).get("/admin/accounts/user/").status_code in (302, 403)
    assert client_of(bob).post("/admin/accounts/user/add/", {"email": "x@harbour.example", "name": "X"}).status_code in (302, 403)
    assert User.objects.count() == before


@pytest.mark.parametrize("path", ["user", "team", "invitation", "team/add", "user/add"])
def test_admin_pages_open(client_of: Callable[..., Client], team: Team, alice: User, path: str) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    inviting.invite(team, invited_by=alice)
    assert client_of(alice).get(f"/admin/accounts/{path}/").status_code == (403 if path == "team/add" else 200)
