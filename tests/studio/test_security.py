"""The headers and cookies of real answers: policy, isolation, TLS; and that the admin signs people in where everybody does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests.factories import make_artifact

POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "manifest-src 'self'",
    "connect-src 'self' ws://localhost:8000",
}

PAGES = ("/create/", "/library/", "/wallet/", "/account/", "/no/such/page/")


def policy(response: HttpResponse) -> set[str]:
    return set(response["Content-Security-Policy"].split("; "))


@pytest.mark.parametrize("address", PAGES)
def test_a_page_sends_the_whole_policy_and_keeps_it(alice: User, client_of: Any, address: str) -> None:
    response = client_of(alice).get(address)
    html = response.content.decode()

    assert policy(response) == POLICY
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=", html)
    assert not re.search(r"""\b(src|href|action)=["'](https?:)?//""", html)


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/password/reset/"])
def test_a_page_for_everybody_sends_it_too(alice: User, address: str) -> None:
    response = Client().get(address)

    assert response.status_code == 200
    assert policy(response) == POLICY


def test_the_admin_works_under_the_same_policy(client_of: Any, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    response = client_of(alice).get("/admin/")

    assert response.status_code == 200
    assert policy(response) == POLICY
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\son[a-z]+=", response.content.decode())


def test_the_admin_signs_people_in_where_everybody_does(alice: User) -> None:
    """Its own form knows neither second factors nor limits on guessing."""
    response = Client().get("/admin/", follow=True)

    assert [address for address, _ in response.redirect_chain] == ["/admin/login/?next=/admin/", "/accounts/login/?next=%2Fadmin%2F"]


def test_nobody_but_staff_sees_the_admin(alice: User, client_of: Any) -> None:
    assert client_of(alice).get("/admin/", follow=True).status_code == 403


def test_a_picture_is_for_its_team_and_no_cache_in_between(alice: User, team: Any, client_of: Any, mallory: User) -> None:
    picture = make_artifact(team, alice)
    response = client_of(alice).get(f"/pictures/{picture.pk}/original")

    assert response.status_code == 200
    assert "private" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert client_of(mallory).get(f"/pictures/{picture.pk}/original").status_code == 404
    assert Client().get(f"/pictures/{picture.pk}/original").status_code == 302


@pytest.fixture
def behind_tls(settings: Any) -> None:
    """What `STUDIO_URL=https://studio.example` and one proxy make of the settings."""
    settings.ALLOWED_HOSTS = ["studio.example"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


def test_behind_tls_plain_http_is_sent_away(alice: User, behind_tls: None) -> None:
    response = Client().get("/create/", headers={"Host": "studio.example"})

    assert (response.status_code, response["Location"]) == (301, "https://studio.example/create/")


def test_behind_tls_browsers_are_told_to_stay_there(alice: User, behind_tls: None, client_of: Any) -> None:
    client: Client = client_of(alice)
    headers = {"Host": "studio.example", "X-Forwarded-Proto": "https"}
    response = client.get("/create/", headers=headers)

    assert response.status_code == 200
    assert response["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert {name for name, cookie in response.cookies.items() if not cookie["secure"]} == set()


def test_a_session_cookie_is_out_of_reach_for_scripts(alice: User) -> None:
    client = Client()
    response = client.post("/accounts/login/", {"login": alice.email, "password": "correct horse battery"})

    assert response.status_code == 302
    cookie = response.cookies["sessionid"]
    assert (bool(cookie["httponly"]), cookie["samesite"]) == (True, "Lax")


def test_a_form_of_another_site_is_refused_and_changes_nothing(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    before = alice.jobs.count()  # type: ignore[attr-defined]

    response = client.post("/create/", {"prompt": "a red sailboat"})

    assert response.status_code == 403
    assert policy(response) == POLICY
    assert alice.jobs.count() == before  # type: ignore[attr-defined]


def test_an_unknown_host_is_refused(alice: User) -> None:
    assert Client().get("/accounts/login/", headers={"Host": "evil.example"}).status_code == 400
