"""Who may make an account: anybody, who was invited, or nobody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import Membership, Role, Team, User
from billing.models import Wallet

DAN = {"name": "Dan Newcomer", "email": "Dan@harbour.example", "password1": "lighthouse keeper 7"}
SIGNUP = "/accounts/signup/"


def test_open(client: Client, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    assert "Make an account</a>" in client.get("/accounts/login/").content.decode()
    answer = client.post(SIGNUP, DAN)
    assert (answer.status_code, answer["Location"]) == (302, "/create/")
    dan = User.objects.get(email="dan@harbour.example")
    assert (dan.name, dan.is_staff, dan.is_superuser, dan.is_owner) == ("Dan Newcomer", False, False, False)
    membership = Membership.objects.get(user=dan)
    assert (membership.team.name, membership.team.is_personal, membership.role) == ("Dan Newcomer", True, Role.OWNER)
    assert Wallet.objects.get(team=membership.team).balance == settings.WELCOME_CREDITS * 1000
    assert client.session["_auth_user_id"] == str(dan.pk)


@pytest.mark.parametrize(
    ("mode", "says"),
    [("invitation", "An account in this studio needs an invitation."), ("closed", "New accounts are made by the people")],
)
def test_shut(client: Client, alice: User, settings: Any, mode: str, says: str) -> None:
    settings.STUDIO_SIGNUP = mode
    assert "Make an account</a>" not in client.get("/accounts/login/").content.decode()
    for answer in (client.get(SIGNUP), client.post(SIGNUP, DAN)):
        assert answer.status_code == 200
        assert says in answer.content.decode()
    assert list(User.objects.all()) == [alice]
    assert Team.objects.count() == 1
    assert not mail.outbox


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "Tell us what to call you."),
        ({"email": "dan"}, "Enter a valid email address."),
        ({"email": "alice@harbour.example"}, "A user is already registered with this email address."),
        ({"password1": "short"}, "at least 10 characters"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    client: Client, alice: User, settings: Any, change: dict[str, str], message: str
) -> None:
    settings.STUDIO_SIGNUP = "open"
    page = client.post(SIGNUP, DAN | change).content.decode()
    assert message in page
    for name in ("name", "email"):
        if name not in change:
            assert f'value="{DAN[name]}"' in page
    assert list(User.objects.all()) == [alice]


@pytest.mark.parametrize(("backend", "said"), [("locmem", True), ("console", False)])
def test_a_letter_is_announced_only_where_letters_are_sent(client: Client, alice: User, settings: Any, backend: str, said: bool) -> None:
    settings.STUDIO_SIGNUP = "open"
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    page = client.post(SIGNUP, DAN, follow=True).content.decode()
    assert ("A letter is on its way to dan@harbour.example." in page) is said


def test_mandatory_confirmation(client: Client, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    answer = client.post(SIGNUP, DAN, follow=True)
    assert "One more step." in answer.content.decode()
    assert "_auth_user_id" not in client.session
    link = re.search(r"http://localhost:8000(/\S+)", mail.outbox[0].body)[1]
    client.post(link)
    assert EmailAddress.objects.get(email="dan@harbour.example").verified is True
    answer = client.post("/accounts/login/", {"login": "dan@harbour.example", "password": DAN["password1"]})
    assert answer["Location"] == "/create/"


def test_mandatory_confirmation_does_not_tell_who_has_an_account(client: Client, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    taken = client.post(SIGNUP, DAN | {"email": alice.email}, follow=True).content
    assert b"One more step." in taken
    assert list(User.objects.all()) == [alice]
    assert [letter.to for letter in mail.outbox] == [[alice.email]]


@pytest.mark.parametrize(("mode", "verified", "letters"), [("optional", False, 1), ("none", True, 0)])
def test_optional_and_no_confirmation(client: Client, alice: User, settings: Any, mode: str, verified: bool, letters: int) -> None:
    settings.STUDIO_SIGNUP = "open"
    settings.ACCOUNT_EMAIL_VERIFICATION = mode
    assert client.post(SIGNUP, DAN)["Location"] == "/create/"
    assert EmailAddress.objects.get(email="dan@harbour.example").verified is verified
    assert len(mail.outbox) == letters


def test_failing_wallet_leaves_no_half_made_account(client: Client, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    settings.TEAM_LISTENER = "tests.accounts.test_signing_up.refuse"
    with pytest.raises(RuntimeError):
        client.post(SIGNUP, DAN)
    assert list(User.objects.all()) == [alice]
    assert Team.objects.count() == 1


def refuse(team: Team) -> None:
    raise RuntimeError("no wallet today")
