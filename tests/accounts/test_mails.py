"""Letters: two parts that say the same, headers that are right, links to where people open the studio; and what when none goes out."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import mails
from accounts.models import User
from tests.accounts.mail_servers import html_of, smtp_server
from tests.accounts.pages import Page

DAN = {"name": "Dan Newcomer", "email": "dan@harbour.example", "password1": "lighthouse keeper 7"}
TAGS = {"html", "head", "meta", "title", "style", "body", "div", "span", "h1", "p", "a", "strong", "br", "ul", "li"}
SERVERS = "tests.accounts.mail_servers."
SECRET = "lighthouse keeper 9"


# --- what a letter is -------------------------------------------------------------------------------------------------
def test_headers_and_parts() -> None:
    letter = mails.letter("dan@harbour.example", "Two\r\nBcc: eve@example.org", "Words.", "<p>Words.</p>", reply_to="alice@harbour.example")
    sent = email.message_from_bytes(letter.message().as_bytes(), policy=email.policy.default)
    assert sent["Subject"] == "Two Bcc: eve@example.org"
    assert (sent["From"], sent["To"], sent["Reply-To"]) == ("Atelier <studio@localhost>", "dan@harbour.example", "alice@harbour.example")
    assert (sent["Auto-Submitted"], sent["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert sent["Message-ID"].endswith("@localhost>")
    assert [name for name in sent if name.lower().startswith(("list-", "bcc", "precedence"))] == []
    assert [part.get_content_type() for part in sent.iter_parts()] == ["text/plain", "text/html"]
    assert sent.get_body(("plain",)).get_content() == "Words.\n\n-- \nAtelier, http://localhost:8000\n"


def test_plain_text_is_wrapped_and_addresses_are_whole() -> None:
    address = "http://localhost:8000/" + "a" * 100
    text = mails.wrapped(f"{'word ' * 40}\nand on\n\n{address}\n\n- {'item ' * 20}\n- two\n\n> {'quote ' * 20}\n> \n> end")
    paragraphs = text.split("\n\n")
    assert address in text.splitlines()
    assert all(len(line) <= mails.WIDTH for line in text.splitlines() if line != address)
    assert " ".join(paragraphs[0].split()) == "word " * 40 + "and on"
    assert [line[:2] for line in paragraphs[2].splitlines()] == ["- ", "  ", "- "]
    assert {line[:1] for line in paragraphs[3].splitlines()} == {">"}


@pytest.mark.parametrize("name", ["invitation", "test"])
def test_letters_keep_to_what_programs_for_mail_read(name: str) -> None:
    """One style in the head, plain values in it; no picture, script or file from anywhere; what people wrote is text."""
    evil = "<img src=x onerror=alert(1)>"
    context = {"by": evil, "team": evil, "role": "creator", "role_label": "Creator", "message": [evil], "url": "http://localhost:8000/x"}
    html = html_of(mails.compose(name, "dan@harbour.example", context))
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= TAGS
    assert (len(page.all("style")), html.index("<style>") < html.index("<body>")) == (1, True)
    assert all(set(values) <= {"class", "href", "lang", "charset", "name", "content"} for _, values in page.tags)
    assert not re.search(r"var\(|light-dark|url\(|@import|grid", html)
    assert {link["href"].startswith("http://localhost:8000") for link in page.all("a")} == {True}
    assert page.title


# --- allauth's letters ------------------------------------------------------------------------------------------------
def test_a_letter_of_allauth_s_looks_like_the_studio_s(client: Client, alice: User, settings: Any) -> None:
    """Its link begins with STUDIO_URL, by whatever name the request came."""
    settings.STUDIO_URL = "https://studio.example"
    client.post("/accounts/password/reset/", {"email": alice.email}, headers={"host": "127.0.0.1"})
    (letter,) = mail.outbox
    [link] = re.findall(r"https://studio\.example/accounts/password/reset/key/\S+", letter.body)
    page = Page(html_of(letter))
    assert [a["href"] for a in page.all("a")] == [link, link, "https://studio.example"]
    assert "Set a new password" in page.text
    assert "Somebody, probably you, asked for a new password for alice@harbour.example." in page.text
    assert "127.0.0.1" not in letter.body + html_of(letter)
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    assert client.get(link.removeprefix("https://studio.example"), follow=True).status_code == 200


def test_a_letter_about_a_change_tells_from_where(client_of: Callable[..., Client], alice: User) -> None:
    client_of(alice).post(
        "/accounts/password/change/",
        {"oldpassword": "correct horse battery", "password1": SECRET, "password2": SECRET},
        headers={"user-agent": "<b>Browser</b>"},
    )
    (letter,) = mail.outbox
    html = html_of(letter)
    assert "- IP address: 127.0.0.1" in letter.body
    assert "<li>IP address: 127.0.0.1</li>" in html
    assert "&lt;b&gt;Browser&lt;/b&gt;" in html


@pytest.mark.django_db(transaction=True)
def test_letters_go_out_when_the_rows_are_written(client: Client, alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.STUDIO_SIGNUP = SERVERS + "NotInTransactions", "open"
    assert client.post("/accounts/signup/", DAN)["Location"] == "/create/"
    assert [letter.to for letter in mail.outbox] == [["dan@harbour.example"]]


def test_a_letter_that_cannot_be_sent_breaks_no_page(client: Client, alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.STUDIO_SIGNUP = SERVERS + "Unreachable", "open"
    answer = client.post("/accounts/signup/", DAN, follow=True)
    assert answer.status_code == 200
    assert "The letter to dan@harbour.example could not be sent: the mail server cannot be reached." in answer.content.decode()
    assert User.objects.filter(email="dan@harbour.example").exists()
    answer = Client().post("/accounts/password/reset/", {"email": alice.email}, follow=True)
    assert "could not be sent" in answer.content.decode()


# --- sending ----------------------------------------------------------------------------------------------------------
def test_a_real_mail_server_gets_the_letter(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with smtp_server() as (port, letters):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        assert mails.send([mails.compose("test", f"{name}@harbour.example", {}) for name in ("dan", "eve")]) == ["", ""]
    assert [email.message_from_string(letter)["To"] for letter in letters] == ["dan@harbour.example", "eve@harbour.example"]
    assert mails.send([mails.compose("test", "dan@harbour.example", {})]) == ["the mail server cannot be reached"]


def test_one_address_that_is_refused_does_not_stop_the_others(settings: Any) -> None:
    settings.EMAIL_BACKEND = SERVERS + "Choosy"
    problems = mails.send([mails.compose("test", f"{name}@harbour.example", {}) for name in ("dan", "nobody", "eve")])
    assert problems == ["", "the mail server does not take mail for this address", ""]
    assert [letter.to[0] for letter in mail.outbox] == ["dan@harbour.example", "eve@harbour.example"]


def test_the_operator_sends_a_test_mail(settings: Any) -> None:
    said = StringIO()
    call_command("send_test_mail", "alice@harbour.example", stdout=said)
    assert "on its way to alice@harbour.example" in said.getvalue()
    assert [letter.subject for letter in mail.outbox] == ["A test mail from Atelier"]
    with pytest.raises(CommandError, match="does not look like"):
        call_command("send_test_mail", "alice")
    settings.EMAIL_BACKEND = SERVERS + "Unreachable"
    with pytest.raises(CommandError, match="could not be sent: the mail server cannot be reached"):
        call_command("send_test_mail", "alice@harbour.example")
    assert len(mail.outbox) == 1
