"""The second step: codes of an authenticator app, recovery codes, and passkeys as far as they go without a browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import struct
import time
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.accounts.pages import Page
from tests.conftest import PASSWORD

LOGIN = "/accounts/login/"


def code(secret: str) -> str:
    """The six digits that an app shows now (RFC 6238: SHA-1, 30 s)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def sign_in(user: User) -> tuple[Client, str]:
    """A new browser after the password, and where that led."""
    client = Client()
    return client, client.post(LOGIN, {"login": user.email, "password": PASSWORD})["Location"]


def sign_in_with(user: User, password: str) -> str:
    return Client().post(LOGIN, {"login": user.email, "password": password})["Location"]


def trusted(user: User) -> Client:
    """A browser in which the person has just shown again that it is them."""
    client, _ = sign_in(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


@pytest.fixture
def secret(alice: User) -> str:
    """Alice's app is set up, the way she would do it."""
    client = trusted(alice)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r'id="authenticator_secret" value="(\w+)"', page)[1]
    assert "Incorrect code." in client.post("/accounts/2fa/totp/activate/", {"code": "000000"}).content.decode()
    assert not Authenticator.objects.exists()
    assert client.post("/accounts/2fa/totp/activate/", {"code": code(secret)}).status_code == 302
    assert set(Authenticator.objects.filter(user=alice).values_list("type", flat=True)) == {"totp", "recovery_codes"}
    return secret


def test_app_is_asked_for_after_the_password(alice: User, secret: str) -> None:
    client, leads_to = sign_in(alice)
    assert leads_to == "/accounts/2fa/authenticate/"
    assert client.get("/account/")["Location"] == f"{LOGIN}?next=/account/"
    page = client.post(leads_to, {"code": "000000"}).content.decode()
    assert "Incorrect code." in page
    assert "_auth_user_id" not in client.session
    Authenticator.objects.filter(type="totp").update(last_used_at=None)
    from django.core.cache import cache

    cache.clear()  # a code works once; the one that set the app up is still in its half minute
    assert client.post(leads_to, {"code": code(secret)})["Location"] == "/create/"
    assert client.get("/account/").status_code == 200


def test_recovery_code_works_once(alice: User, secret: str) -> None:
    spare = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().get_unused_codes()
    client, leads_to = sign_in(alice)
    assert client.post(leads_to, {"code": spare[0]})["Location"] == "/create/"
    client, leads_to = sign_in(alice)
    assert "Incorrect code." in client.post(leads_to, {"code": spare[0]}).content.decode()
    assert "_auth_user_id" not in client.session
    assert client.post(leads_to, {"code": spare[1]})["Location"] == "/create/"


def test_recovery_codes_are_shown_to_their_owner(alice: User, secret: str) -> None:
    client, leads_to = sign_in(alice)
    spare = Authenticator.objects.get(user=alice, type="recovery_codes").wrap().get_unused_codes()
    client.post(leads_to, {"code": spare[0]})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    text = client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert "9 of 10 are left." in " ".join(text.split())
    assert all(spare_code in text for spare_code in spare[1:])
    assert spare[0] not in text


@pytest.mark.django_db(transaction=True)  # the letter goes out on commit
def test_every_change_is_told_by_letter(alice: User, secret: str) -> None:
    assert [(letter.to, letter.subject) for letter in mail.outbox] == [([alice.email], "Authenticator App Activated")]
    client, leads_to = sign_in(alice)
    client.post(leads_to, {"code": Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]})
    new = "lighthouse keeper 8"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert [letter.subject for letter in mail.outbox[1:]] == ["Password Changed"]
    client.post("/accounts/reauthenticate/", {"password": new})
    client.post("/accounts/2fa/totp/deactivate/")
    assert [letter.subject for letter in mail.outbox[2:]] == ["Authenticator App Deactivated"]
    assert not Authenticator.objects.exists()
    assert sign_in_with(alice, new) == "/create/"


def test_changing_how_one_signs_in_asks_for_the_password_again(client_of: Callable[..., Client], alice: User) -> None:
    client = client_of(alice)
    for path in ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"):
        assert client.get(path)["Location"].startswith("/accounts/reauthenticate/?next=")
    assert "Is it you?" in client.get("/accounts/reauthenticate/").content.decode()
    assert "Incorrect password." in client.post("/accounts/reauthenticate/", {"password": "guess guess"}).content.decode()


def test_unconfirmed_address_is_told_what_to_do(alice: User) -> None:
    EmailAddress.objects.update(verified=False)
    client, _ = sign_in(alice)
    page = client.get("/accounts/2fa/").content.decode()
    assert "These need a confirmed email address" in page
    assert client.get("/accounts/2fa/totp/activate/")["Location"] == "/accounts/2fa/"
    assert not Authenticator.objects.exists()


def test_passkey_pages_work_under_the_policy(alice: User) -> None:
    client = trusted(alice)
    for path in ("/accounts/2fa/webauthn/add/", "/accounts/2fa/webauthn/", "/accounts/2fa/"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert Page(answer.content.decode()).inline == []
    add = Page(client.get("/accounts/2fa/webauthn/add/").content.decode())
    sources = {script["src"].removeprefix("/static/") for script in add.all("script") if "src" in script}
    assert {"mfa/js/webauthn.js", "mfa/js/webauthn-json.js", "account/js/onload.js", "js/passkeys.js"} <= sources
    passwordless = next(control for control in add.all("input") if control.get("name") == "passwordless")
    assert "checked" in passwordless


def test_login_page_offers_a_passkey_and_gets_a_challenge(client: Client, alice: User) -> None:
    page = Page(client.get(LOGIN).content.decode())
    assert page.inline == []
    assert any(button.get("id") == "passkey_login" and button.get("form") == "mfa_login" for button in page.all("button"))
    answer = client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    options = json.loads(answer.content)["request_options"]["publicKey"]
    assert (options["rpId"], options["userVerification"]) == ("testserver", "required")
    nonsense = client.post("/accounts/2fa/webauthn/login/", {"credential": "{}"}, follow=True)
    assert nonsense.status_code == 200
    assert "_auth_user_id" not in client.session
