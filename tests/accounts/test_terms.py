"""The terms: written and published by the operator, read by anybody, agreed to by everybody before anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import terms
from accounts.models import Agreement, Terms, User
from tests.accounts.pages import Page

ClientOf = Callable[..., Client]
TEXT = "# Our house\n\nBe kind.\nAlways.\n\n- No <b>violence</b>\n- <script>alert(1)</script>\n\n## The end\nAt last."
DAN = {"name": "Dan Newcomer", "email": "dan@harbour.example", "password1": "lighthouse keeper 7"}
ADMIN = "/admin/accounts/terms/"


def publish(version: int = 1, text: str = TEXT, summary: str = "") -> Terms:
    made = Terms.objects.create(version=version, text=text, summary=summary, published_at=timezone.now())
    cache.clear()
    return made


# --- the operator writes ----------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_draft_is_written_changed_and_published(desk: Client, operator: User) -> None:
    desk.post(f"{ADMIN}add/", {"text": "First words.", "summary": ""})
    draft = Terms.objects.get()
    assert (draft.version, draft.published_at) == (1, None)
    assert desk.get(f"{ADMIN}add/").status_code == 403
    assert desk.get("/account/").status_code == 200
    assert desk.get("/terms/").status_code == 404
    desk.post(f"{ADMIN}{draft.pk}/change/", {"text": "Better words.", "summary": "", "_publish": "1"})
    draft.refresh_from_db()
    assert (draft.text, draft.published_at is not None) == ("Better words.", True)
    assert desk.get("/account/")["Location"] == "/terms/?next=/account/"


@pytest.mark.django_db(transaction=True)
def test_what_is_published_is_only_read(desk: Client, operator: User) -> None:
    published = publish(text="As agreed.")
    desk.post("/terms/", {"version": 1})
    page = desk.get(f"{ADMIN}{published.pk}/change/").content.decode()
    assert "People agreed to this text, so it stays as it is" in page
    assert "_publish" not in page
    assert desk.post(f"{ADMIN}{published.pk}/change/", {"text": "Other.", "summary": ""}).status_code == 403
    assert desk.post(f"{ADMIN}{published.pk}/delete/", {"post": "yes"}).status_code == 403
    assert not terms.rewrite(Terms(pk=published.pk, text="Other."))
    assert not terms.publish(published)
    assert Terms.objects.get().text == "As agreed."
    assert "As agreed." in desk.get(f"{ADMIN}add/").content.decode()
    desk.post(f"{ADMIN}add/", {"text": "Newer.", "summary": "More.", "_publish": "1"})
    assert list(Terms.objects.order_by("version").values_list("version", "text")) == [(1, "As agreed."), (2, "Newer.")]
    assert terms.version_in_force() == 2


def test_the_operator_sees_who_agreed(desk: Client, operator: User, bob: User, client_of: ClientOf) -> None:
    publish()
    client_of(bob).post("/terms/", {"version": 1})
    desk.post("/terms/", {"version": 1})
    agreement = Agreement.objects.get(user=bob)
    page = desk.get("/admin/accounts/agreement/").content.decode()
    assert "Bob Member" in page
    assert "2 of 2" in desk.get(ADMIN).content.decode()
    for path in ("add/", f"{agreement.pk}/delete/"):
        assert desk.post(f"/admin/accounts/agreement/{path}", {"post": "yes"}).status_code == 403
    assert Agreement.objects.count() == 2


# --- everybody reads --------------------------------------------------------------------------------------------------
def test_anybody_reads_the_terms_and_nothing_in_them_is_html(client: Client, alice: User) -> None:
    assert client.get("/terms/").status_code == 404
    publish()
    answer = client.get("/terms/")
    page = Page(answer.content.decode())
    assert answer.status_code == 200
    assert [tag for tag, _ in page.tags if tag in ("h2", "b", "li")][:4] == ["h2", "li", "li", "h2"]
    assert page.inline == []
    assert "Our house Be kind. Always. No <b>violence</b> <script>alert(1)</script> The end At last." in page.text
    assert "I agree" not in page.text
    assert client.post("/terms/", {"version": 1}).status_code == 200
    assert not Agreement.objects.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("#\n\n \n", []),
        ("One\r\ntwo\r\n\r\nthree", [("paragraph", ("One", "two")), ("paragraph", ("three",))]),
        (
            "Text\n# Head\n- a\n- b\nText",
            [("paragraph", ("Text",)), ("heading", ("Head",)), ("list", ("a", "b")), ("paragraph", ("Text",))],
        ),
        ("### A # b\n-not a list", [("heading", ("A # b",)), ("paragraph", ("-not a list",))]),
    ],
)
def test_text_is_taken_apart(text: str, expected: list[Any]) -> None:
    assert [(one.kind, one.lines) for one in terms.passages(text)] == expected


# --- everybody is asked -----------------------------------------------------------------------------------------------
def test_nobody_is_asked_where_there_are_none(client_of: ClientOf, alice: User) -> None:
    Terms.objects.create(version=1, text="A draft.")
    client = client_of(alice)
    assert client.get("/account/").status_code == 200
    assert '"/terms/"' not in client.get("/account/").content.decode()


def test_who_is_signed_in_agrees_and_goes_on_where_they_were(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    assert client.get("/account/").status_code == 200
    publish(summary="All of it.")
    answer = client.get("/library/?q=boat")
    assert answer["Location"] == "/terms/?next=/library/%3Fq%3Dboat"
    page = client.get(answer["Location"]).content.decode()
    assert "Before you start" in page
    assert "hx-" not in page  # it listens to nothing and polls nothing: each answer would lead here again
    assert "All of it." not in page
    assert 'name="next" value="/library/?q=boat"' in page
    answer = client.post("/terms/", {"version": 1, "next": "/library/?q=boat"})
    assert answer["Location"] == "/library/?q=boat"
    assert client.get("/library/?q=boat").status_code == 200
    assert Agreement.objects.get().user == alice
    assert "You agreed on" in client.get("/terms/").content.decode()
    client.post("/terms/", {"version": 1})
    assert Agreement.objects.count() == 1


def test_a_new_version_is_asked_anew_and_says_what_is_new(client_of: ClientOf, alice: User) -> None:
    publish()
    client = client_of(alice)
    client.post("/terms/", {"version": 1})
    publish(2, summary="A part on <b>sounds</b>.")
    assert client.get("/account/").status_code == 302
    page = client.get("/terms/").content.decode()
    assert "The terms have changed" in page
    assert "A part on &lt;b&gt;sounds&lt;/b&gt;." in page
    client.post("/terms/", {"version": 1})  # the page of yesterday, in another tab
    assert client.get("/account/").status_code == 302
    assert "The terms changed while you read them." in client.get("/terms/").content.decode()
    client.post("/terms/", {"version": 2})
    assert client.get("/account/").status_code == 200
    assert list(Agreement.objects.order_by("id").values_list("terms__version", flat=True)) == [1, 2]


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_way_on_stays_in_the_studio(client_of: ClientOf, alice: User, path: str) -> None:
    publish()
    assert client_of(alice).post("/terms/", {"version": 1, "next": path})["Location"] == "/create/"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "way"),
    [
        ("get", "/wallet/", {"HX-Request": "true", "HX-Current-URL": "http://testserver/create/?engine=x"}, 204, "/create/%3Fengine%3Dx"),
        ("post", "/create/", {"HX-Request": "true", "HX-Current-URL": "http://testserver/create/"}, 204, "/create/"),
        ("post", "/account/", {"Accept": "text/html", "Referer": "http://testserver/account/"}, 302, "/account/"),
        ("post", "/account/", {"Accept": "text/html", "Referer": "http://evil.example/"}, 302, None),
        ("post", "/inputs/", {"Accept": "application/json"}, 403, ""),
        ("get", "/pictures/0199f0a0-0000-7000-8000-000000000001/thumb", {"Accept": "image/avif,image/*,*/*;q=0.8"}, 403, ""),
        ("get", "/pictures/0199f0a0-0000-7000-8000-000000000001/download/", {"Accept": "*/*"}, 403, ""),
        ("get", "/admin/", {"Accept": "text/html"}, 302, "/admin/"),
    ],
)
def test_nothing_else_opens_before(
    client_of: ClientOf, alice: User, method: str, path: str, headers: dict[str, str], status: int, way: str | None
) -> None:
    publish()
    answer = getattr(client_of(alice), method)(path, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert terms_are_named(answer)
    else:
        assert answer.get("HX-Redirect" if status == 204 else "Location") == ("/terms/" if way is None else f"/terms/?next={way}")
    alice.refresh_from_db()
    assert alice.name == "Alice Harbour"


def terms_are_named(answer: Any) -> bool:
    return "The terms of this studio are new." in answer.content.decode()


def test_signing_out_needs_no_agreement(client_of: ClientOf, alice: User) -> None:
    publish()
    client = client_of(alice)
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session
    assert not Agreement.objects.exists()


def test_who_does_not_agree_can_take_what_is_theirs_and_go(client_of: ClientOf, bob: User) -> None:
    publish()
    client = client_of(bob)
    assert 'href="/account/data/"' in client.get("/terms/").content.decode()
    page = client.get("/account/data/").content.decode()
    assert "Download everything" in page
    assert "hx-ws" not in page
    assert "data-poll" not in page
    answer = client.post("/account/data/export/")
    assert answer["Content-Type"] == "application/zip"
    client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    answer = client.post("/account/delete/", {"work": "leave", "email": bob.email})
    assert answer["Location"] == "/account/deleted/"
    assert not User.objects.filter(pk=bob.pk).exists()


def test_asking_costs_no_query_once_it_is_answered(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    client.get("/account/")
    with CaptureQueriesContext(connection) as before:
        client.get("/account/")
    publish()
    client.post("/terms/", {"version": 1})
    client.get("/account/")
    with CaptureQueriesContext(connection) as after:
        client.get("/account/")
    assert len(after) == len(before)


# --- signing up -------------------------------------------------------------------------------------------------------
def test_signing_up_shows_the_terms_and_notes_the_agreement(client: Client, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    publish()
    page = Page(client.get("/accounts/signup/").content.decode())
    assert "Our house" in page.text
    assert page.unlabelled() == []
    answer = client.post("/accounts/signup/", DAN)
    assert "Read the terms, and agree to them to make an account." in answer.content.decode()
    assert not User.objects.filter(email=DAN["email"]).exists()
    assert client.post("/accounts/signup/", DAN | {"terms_1": "on"})["Location"] == "/create/"
    agreement = Agreement.objects.get()
    assert (agreement.user.email, agreement.terms.version) == (DAN["email"], 1)
    assert client.get("/create/").status_code == 200


def test_terms_that_changed_during_sign_up_are_shown_again(client: Client, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    publish()
    client.get("/accounts/signup/")
    publish(2, text="Newer words.")
    page = client.post("/accounts/signup/", DAN | {"terms_1": "on"}).content.decode()
    assert "Newer words." in page
    assert 'value="Dan Newcomer"' in page
    assert not User.objects.filter(email=DAN["email"]).exists()


def test_signing_up_asks_nothing_where_there_are_none(client: Client, alice: User, settings: Any) -> None:
    settings.STUDIO_SIGNUP = "open"
    assert "terms" not in client.get("/accounts/signup/").content.decode().lower()
    assert client.post("/accounts/signup/", DAN)["Location"] == "/create/"
