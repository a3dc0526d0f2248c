"""Who is asked, and who hears what became of it: by the bell, by mail, and on the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role, Team, User
from billing.services import wallets
from billing.services.approvals import add_rule
from studio.backends.base import GenerationRequest, Mode
from studio.galleries import notices
from studio.galleries.models import Notice
from studio.generation import services
from studio.generation.models import Job
from tests.accounts.mail_servers import html_of
from tests.conftest import make_user

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def dora(team: Team) -> User:
    user = make_user("Dora Admin")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def ask(team: Team, alice: User, django_capture_on_commit_callbacks: Any) -> Callable[..., Job]:
    wallet = wallets.wallet_of(team)
    wallets.grant(wallet, 100_000, reference="test", description="For the test")
    add_rule(wallet, kind="pictures", threshold=1, by=alice)

    def make(user: User, prompt: str = "a red boat") -> Job:
        values = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "seed": 1, "prompt": prompt, "width": 512, "height": 512, "num_images": 2}
        with django_capture_on_commit_callbacks(execute=True):
            return services.submit(user=user, team=team, request=GenerationRequest(**values), idempotency_key=prompt)

    return make


def told(user: User) -> list[tuple[str, str, bool]]:
    rows = notices.of(user.pk).values_list("kind", "text", "read_at")
    return [(kind, text, read_at is not None) for kind, text, read_at in rows]


# --- asked -----------------------------------------------------------------------------------------------------------


def test_those_who_administer_are_asked_by_bell_and_mail(ask: Any, alice: User, bob: User, carol: User, dora: User) -> None:
    job = ask(bob)
    price = f"{job.hold.amount // 1000} credits"
    words = f"Bob Member asks for your approval: {job.hold.description}, {price} (more than 1 picture)."
    assert told(alice) == told(dora) == [("approval", words, False)]
    assert told(bob) == told(carol) == []
    assert sorted(letter.to for letter in mail.outbox) == [["alice@harbour.example"], ["dora@harbour.example"]]
    letter = mail.outbox[0]
    url = f"http://localhost:8000/wallet/approvals/{job.pk}/"
    assert (letter.subject, letter.reply_to) == (f"Bob Member asks for approval: {price}", ["bob@harbour.example"])
    for part in (letter.body, html_of(letter)):
        assert all(word in part for word in (url, "a red boat", "more than 1 picture", price))


def test_a_mail_server_that_is_down_keeps_nobody_from_asking(ask: Any, bob: User, alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.accounts.mail_servers.Unreachable"
    job = ask(bob)
    assert job.status == Job.Status.NEEDS_APPROVAL
    assert len(told(alice)) == 1


def test_words_of_others_stay_in_their_line(ask: Any, bob: User, alice: User) -> None:
    ask(bob, "a boat\n\nhttps://bad.example/\n\n<b>")
    [letter] = mail.outbox
    assert "> a boat https://bad.example/ <b>" in letter.body
    assert "&lt;b&gt;" in html_of(letter)


def test_whoever_asked_hears_of_the_verdict_and_nobody_is_asked_any_more(ask: Any, alice: User, bob: User, dora: User) -> None:
    first, second = ask(bob), ask(bob, "a blue boat")
    services.approve(first, by=alice)
    services.decline(second, by=dora, reason="Too blue")
    assert told(bob) == [
        ("verdict", f"Dora Admin declined {second.hold.description}: Too blue", False),
        ("verdict", f"Alice Harbour approved {first.hold.description}. It is on its way.", False),
    ]
    assert [read for _, _, read in told(alice) + told(dora)] == [True] * 4
    assert [notices.place(notice) for notice in Notice.objects.filter(user=bob).order_by("pk")] == [
        f"/jobs/{first.pk}/",
        f"/jobs/{second.pk}/",
    ]


def test_a_notice_leads_to_the_page_of_the_decision(ask: Any, client_of: ClientOf, alice: User, bob: User) -> None:
    job = ask(bob)
    answer = client_of(alice).get(reverse("notice_open", args=[Notice.objects.get().pk]))
    assert answer["Location"] == f"/wallet/approvals/{job.pk}/"


# --- the pages -------------------------------------------------------------------------------------------------------


def page_of(client: Client, job: Job) -> str:
    return client.get(f"/wallet/approvals/{job.pk}/").content.decode()


def test_get_shows_and_post_decides(ask: Any, client_of: ClientOf, alice: User, bob: User) -> None:
    job = ask(bob)
    client = client_of(alice)
    page = page_of(client, job)
    assert "Bob Member asks for approval" in page
    assert f"Approve for {job.hold.amount // 1000} credits" in page
    job.refresh_from_db()
    assert job.status == Job.Status.NEEDS_APPROVAL
    answer = client.post(f"/wallet/approvals/{job.pk}/", {"decision": "approve"}, follow=True)
    assert "Approved. It is on its way, and Bob Member is told." in answer.content.decode()
    assert "You approved this." in answer.content.decode()
    assert "already" not in answer.content.decode()
    assert "This was approved by Alice Harbour already." in page_of(client_of(bob), job)
    job.refresh_from_db()
    assert (job.status, job.decided_by) == (Job.Status.QUEUED, alice)


def test_who_comes_too_late_is_told_so(ask: Any, client_of: ClientOf, alice: User, bob: User, dora: User) -> None:
    job = ask(bob)
    services.decline(job, by=dora, reason="Too many")
    answer = client_of(alice).post(f"/wallet/approvals/{job.pk}/", {"decision": "approve"})
    assert (answer.status_code, "This was declined by Dora Admin already: Too many" in answer.content.decode()) == (422, True)
    job.refresh_from_db()
    assert job.status == Job.Status.CANCELED


def test_declining_without_a_word_changes_nothing(ask: Any, client_of: ClientOf, alice: User, bob: User) -> None:
    job = ask(bob)
    client = client_of(alice)
    for options in ({}, HTMX):
        answer = client.post(f"/wallet/approvals/{job.pk}/", {"decision": "decline", "reason": "  "}, **options)
        assert answer.status_code == 422
        assert "Say why, so that whoever asked knows what to change." in answer.content.decode()
    job.refresh_from_db()
    assert job.status == Job.Status.NEEDS_APPROVAL


def test_a_press_on_the_card_is_answered_with_the_card(ask: Any, client_of: ClientOf, alice: User, bob: User) -> None:
    job = ask(bob)
    answer = client_of(alice).post(f"/wallet/approvals/{job.pk}/", {"decision": "decline", "reason": "Too red"}, **HTMX)
    page = answer.content.decode()
    assert (answer.status_code, f'hx-target="#job-{job.pk}"' in page, "Alice Harbour: Too red" in page) == (200, True, True)


def test_a_creator_sees_but_does_not_decide(ask: Any, client_of: ClientOf, bob: User) -> None:
    job = ask(bob)
    client = client_of(bob)
    assert "Waits for approval of Alice Harbour." in page_of(client, job)
    assert client.post(f"/wallet/approvals/{job.pk}/", {"decision": "approve"}).status_code == 403
    job.refresh_from_db()
    assert job.status == Job.Status.NEEDS_APPROVAL


def test_the_list_has_what_waits_and_what_was_decided(ask: Any, client_of: ClientOf, alice: User, bob: User, mallory: User) -> None:
    first, second = ask(bob), ask(bob, "a blue boat")
    client = client_of(alice)
    page = client.get("/wallet/approvals/").content.decode()
    assert [f'id="waits-{job.pk}"' in page for job in (first, second)] == [True, True]
    wallet_page = client.get("/wallet/").content.decode()
    assert '<span class="count num" id="to-approve">2<span class="visually-hidden"> waiting</span></span>' in wallet_page
    assert "Held by 2 open jobs" in wallet_page
    assert "2 wait for approval" in wallet_page
    services.approve(first, by=alice)
    services.cancel(second)
    fragment = client.get("/wallet/approvals/", **HTMX).content.decode()
    assert "Nothing waits" in fragment
    assert "<html" not in fragment
    assert fragment.count('<span class="tag ok">Approved</span>') == 1
    assert "a blue boat" not in fragment
    assert "a red boat" not in client_of(mallory).get("/wallet/approvals/").content.decode()
