"""The operator's admin as a whole."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from accounts.models import User


@pytest.fixture
def operator(alice: User, client_of: type[Client]) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    return client_of(alice)


def test_an_operator_takes_a_second_step_away_but_reads_no_secret(operator: Client, bob: User) -> None:
    made = Authenticator.objects.create(user=bob, type="totp", data={"secret": "THE-SEED"})
    address = f"/admin/mfa/authenticator/{made.pk}/"
    page = operator.get(f"{address}change/").content.decode()
    assert "Bob Member" in page
    assert "THE-SEED" not in page
    assert operator.post(f"{address}change/", {"data": "{}"}).status_code == 403
    assert operator.get("/admin/mfa/authenticator/add/").status_code == 403
    assert Authenticator.objects.get().data == {"secret": "THE-SEED"}
    assert operator.post(f"{address}delete/", {"post": "yes"}).status_code == 302
    assert not Authenticator.objects.exists()


def test_an_operator_reads_no_session_key_and_no_token(operator: Client, bob: User) -> None:
    key = "k" * 32
    made = UserSession.objects.create(user=bob, ip="127.0.0.1", session_key=key, user_agent="Browser", last_seen_at=timezone.now())
    page = operator.get(f"/admin/usersessions/usersession/{made.pk}/change/").content.decode()
    assert "Bob Member" in page
    assert key not in page
    assert operator.get("/admin/socialaccount/socialtoken/").status_code == 404


def test_deleting_a_session_signs_that_browser_out(operator: Client, bob: User, client_of: type[Client]) -> None:
    bobs = client_of(bob)
    assert bobs.get("/account/").status_code == 200
    made = UserSession.objects.get(user=bob)
    assert operator.post(f"/admin/usersessions/usersession/{made.pk}/delete/", {"post": "yes"}).status_code == 302
    assert bobs.get("/account/")["Location"].startswith("/accounts/login/")
    assert not UserSession.objects.filter(user=bob).exists()


def test_every_group_of_the_index_has_a_name_of_its_own(operator: Client) -> None:
    index = operator.get("/admin/").content.decode()
    names = re.findall(r'class="section"[^>]*>([^<]+)</a>', index)
    assert names == [
        "Costs at providers",
        "Credits",
        "Generation",
        "People and teams",
        "Prices",
        "Signing in: addresses",
        "Signing in: other accounts",
        "Signing in: second step",
        "Signing in: sessions",
        "The API",
        "Webhooks",
    ]
