"""Error pages: in the studio's look, with a sentence that says what to do, and with nothing behind them when nothing is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from html.parser import HTMLParser

import psycopg
import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import override_settings
from django.urls import include, path

from accounts.models import Team, User
from billing.services import wallets
from studio.generation.models import Job
from tests.factories import make_artifact


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


def is_suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("secret detail")


urlpatterns = [path("breaks/", breaks), path("suspicious/", is_suspicious), path("", include("studio.urls"))]


def words(response: HttpResponse) -> str:
    class Text(HTMLParser):
        text = ""

        def handle_data(self, data: str) -> None:
            self.text += data

    parser = Text()
    parser.feed(response.content.decode())
    return " ".join(parser.text.split())


def test_a_wrong_address(db: None, alice: User, client_of: Callable[..., Client]) -> None:
    for client in (Client(), client_of(alice)):
        response = client.get("/no/such/page/")
        assert response.status_code == 404
        assert "There is nothing here" in words(response)
        assert "ask them for an invitation" in words(response)
        assert b"css/studio.css" in response.content
    assert b'href="/library/"' in client_of(alice).get("/no/such/page/").content


def test_a_right_that_is_missing_is_named(team: Team, alice: User, carol: User, client_of: Callable[..., Client]) -> None:
    picture = make_artifact(team, alice, files=False)
    response = client_of(carol).post(f"/pictures/{picture.id}/delete/")
    assert response.status_code == 403
    assert "As viewer of Harbour Street you cannot do this. Nothing was changed." in words(response)


def test_a_page_that_is_out_of_date(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    picture = make_artifact(team, alice, files=False)
    response = client_of(alice, enforce_csrf_checks=True).post(f"/pictures/{picture.id}/delete/")
    assert response.status_code == 403
    assert "This page is out of date" in words(response)
    assert "Go back, reload the page and send it again." in words(response)


@override_settings(ROOT_URLCONF=__name__)
def test_a_failure_tells_no_details(db: None, alice: User, client_of: Callable[..., Client]) -> None:
    client = client_of(alice, raise_request_exception=False)
    for address, status, sentence in (("/breaks/", 500, "Something broke in the studio"), ("/suspicious/", 400, "did not understand that")):
        response = client.get(address)
        assert response.status_code == status
        assert sentence in words(response)
        assert "secret detail" not in response.content.decode()
        assert "Sign in" not in words(response)


def test_the_page_of_a_failure_needs_no_database(db: None, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object, **kwargs: object) -> None:
        raise OperationalError("the database is down")

    client = Client(raise_request_exception=False)
    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", gone)
        response = client.get("/library/")
    assert response.status_code == 500
    assert "Something broke in the studio" in words(response)
    assert "Wait a moment, then reload the page." in words(response)


def full_disk() -> OperationalError:
    """What Django makes of the answer of a database whose disk is full."""
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorname = "SQLITE_FULL"
    error = OperationalError(*cause.args)
    error.__cause__ = cause
    return error


def test_a_full_disk_is_told_in_words(team: Team, alice: User, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise full_disk()

    monkeypatch.setattr(wallets, "place_hold", fail)
    fields = {"engine": "null", "mode": "text-to-image", "prompt": "a boat", "idempotency_key": "k1"}
    response = client_of(alice, raise_request_exception=False).post("/create/", fields)
    assert response.status_code == 507
    assert "There is no room left" in words(response)
    assert "Nothing was charged." in words(response)
    assert not Job.objects.exists()


def test_a_database_that_is_away_is_told_in_the_same_words_to_who_reads_a_page_and_to_an_open_one(
    team: Team, alice: User, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("gone") from psycopg.errors.ConnectionFailure()

    monkeypatch.setattr(wallets, "place_hold", fail)
    fields = {"engine": "null", "mode": "text-to-image", "prompt": "a boat", "idempotency_key": "k1"}
    said = "The studio's database does not answer, or too many people ask at once. What was running goes on, and nothing is made twice."
    browser = client_of(alice, raise_request_exception=False)
    page, open_page, script = (
        browser.post("/create/", fields, headers=headers) for headers in ({}, {"HX-Request": "true"}, {"Accept": "application/json"})
    )
    assert [(answer.status_code, answer["Retry-After"]) for answer in (page, open_page, script)] == [(503, "10")] * 3
    assert said in words(page)
    assert "<!doctype" not in open_page.content.decode()
    assert 'data-toast data-level="error"' in open_page.content.decode()
    assert said in words(open_page)
    assert script.json()["error"].startswith(said)


@pytest.mark.parametrize(
    "template", ["400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html", "503.html", "503_database.html", "507.html"]
)
def test_every_page_renders_from_nothing(template: str) -> None:
    page = render_to_string(template)
    assert page.startswith("<!doctype html>")
    assert 'href="/">Back to the studio</a>' in page
    assert "<h1></h1>" not in page


def test_too_fast_says_when_to_try_again() -> None:
    assert "Try again in 40 s." in render_to_string("429.html", {"seconds": 40})
    assert "Try again in a few minutes." in render_to_string("429.html")
    said = render_to_string("429.html", {"message": "That was a lot at once. Try again in 7 s; what you typed is kept.", "seconds": 7})
    assert "Try again in 7 s; what you typed is kept." in said


def test_too_many_sign_ins_get_that_page(db: None, alice: User) -> None:
    client = Client()
    for _ in range(60):
        response = client.post("/accounts/login/", {"login": alice.email, "password": "wrong"})
        if response.status_code == 429:
            break
    assert response.status_code == 429
    assert "The studio slows down what could be an attack." in words(response)
