"""Signing in with an account elsewhere: offered only where the operator set it up, and bound to the same rules as sign-up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts import inviting
from accounts.models import Membership, Team, User
from tests.accounts.provider import Provider, running_provider

LOGIN = "/accounts/login/"
BUTTON = "/accounts/oidc/oidc/login/?process=login"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    """Single sign-on as the operator's environment would set it up."""
    with running_provider() as provider:
        app = {"provider_id": "oidc", "name": "Harbour login", "client_id": "id", "secret": "s", "settings": {"server_url": provider.url}}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
        provider.person = {"sub": "77", "email": "dan@harbour.example", "email_verified": True, "name": "Dan Newcomer"}
        yield provider


def come_in(client: Client) -> Any:
    """Press the button, go there, say yes, come back."""
    page = client.post(BUTTON)
    away = re.search(r'content="0;url=([^"]+)"', page.content.decode())[1].replace("&amp;", "&")
    back = urlsplit(requests.get(away, allow_redirects=False, timeout=10).headers["Location"])
    return client.get(f"{back.path}?{back.query}", follow=True)


def test_no_button_without_configuration(client: Client, alice: User) -> None:
    assert "Continue with" not in client.get(LOGIN).content.decode()
    assert client.get(BUTTON).status_code == 404


@pytest.mark.parametrize(
    ("providers", "names"),
    [
        ({"google": {"APPS": [{"client_id": "id", "secret": "s", "key": ""}]}}, ["Google"]),
        ({"github": {"APPS": [{"client_id": "id", "secret": "s", "key": ""}]}}, ["GitHub"]),
    ],
)
def test_button_for_what_is_configured(client: Client, alice: User, settings: Any, providers: dict[str, Any], names: list[str]) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = providers
    assert re.findall(r"Continue with ([\w ]+)<", client.get(LOGIN).content.decode()) == names


def test_way_there_leads_over_our_own_page(client: Client, alice: User, provider: Provider) -> None:
    """A redirect after a form would be stopped by `form-action 'self'`."""
    answer = client.post(BUTTON)
    assert answer.status_code == 200
    assert "form-action 'self'" in answer["Content-Security-Policy"]
    assert f'content="0;url={provider.url}/authorize?' in answer.content.decode()


def test_newcomer_in_an_open_studio(client: Client, alice: User, provider: Provider, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    assert come_in(client).redirect_chain[-1][0] == "/create/"
    dan = User.objects.get(email="dan@harbour.example")
    assert (dan.name, dan.has_usable_password()) == ("Dan Newcomer", False)
    assert Membership.objects.get(user=dan).team.is_personal
    assert EmailAddress.objects.get(user=dan).verified
    assert come_in(Client()).redirect_chain[-1][0] == "/create/"
    assert User.objects.count() == 2


@pytest.mark.parametrize("mode", ["invitation", "closed"])
def test_newcomer_in_a_shut_studio(client: Client, alice: User, provider: Provider, settings: Any, mode: str) -> None:
    settings.STUDIO_SIGNUP = mode
    page = come_in(client).content.decode()
    assert ("By invitation" if mode == "invitation" else "This studio is closed") in page
    assert list(User.objects.all()) == [alice]
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    ("email", "verified", "gets_in"),
    [("", True, True), ("dan@harbour.example", True, True), ("dan@harbour.example", False, False), ("eve@harbour.example", True, False)],
)
def test_newcomer_with_an_invitation(
    client: Client, team: Team, alice: User, provider: Provider, settings: Any, email: str, verified: bool, gets_in: bool
) -> None:
    settings.STUDIO_SIGNUP = "invitation"
    provider.person["email_verified"] = verified
    client.get(f"/invitations/{inviting.invite(team, invited_by=alice, email=email)[1]}/")
    come_in(client)
    assert User.objects.filter(email="dan@harbour.example").exists() is gets_in
    assert Membership.objects.filter(team=team, user__email="dan@harbour.example").exists() is gets_in
    assert Team.objects.filter(is_personal=True).count() == (2 if gets_in else 1)


def test_same_address_elsewhere_does_not_open_an_account(client: Client, alice: User, provider: Provider, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    provider.person["email"] = alice.email
    page = come_in(client)
    assert "_auth_user_id" not in client.session
    assert not SocialAccount.objects.exists()
    form = client.post("/accounts/3rdparty/signup/", {"name": "Mallory", "email": alice.email}).content.decode()
    assert "An account already exists with this email address." in form.replace("&#x27;", "'")
    assert page.status_code == 200
    assert list(User.objects.all()) == [alice]


def test_connecting_and_disconnecting(client_of: Callable[..., Client], alice: User, provider: Provider) -> None:
    client = client_of(alice)
    client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    assert "Other accounts" in client.get("/account/").content.decode()
    page = client.post("/accounts/oidc/oidc/login/?process=connect").content.decode()
    away = re.search(r'content="0;url=([^"]+)"', page)[1].replace("&amp;", "&")
    back = urlsplit(requests.get(away, allow_redirects=False, timeout=10).headers["Location"])
    client.get(f"{back.path}?{back.query}", follow=True)
    account = SocialAccount.objects.get()
    assert (account.user, account.uid) == (alice, "77")
    assert "Disconnect" in client.get("/accounts/3rdparty/").content.decode()
    client.post("/accounts/3rdparty/", {"account": account.pk})
    assert not SocialAccount.objects.exists()
