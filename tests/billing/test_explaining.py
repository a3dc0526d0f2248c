""" "Explain this charge": every entry has a page that says what happened, why, and which credits paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from billing.models import Account, Hold, LedgerEntry, Wallet
from billing.services.wallets import correct, expire, freeze, grant, place_hold, revoke
from tests.billing.pages import CREDIT, at, body, part

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


@pytest.fixture
def books(books: Wallet, settings: Any) -> Wallet:
    settings.HOLD_EXPLANATIONS = ""
    return books


def page(client: Client, entry: LedgerEntry) -> Any:
    response = client.get(f"/wallet/entries/{entry.pk}/")
    assert response.status_code == 200
    return response


def steps(response: Any) -> str:
    return part(response, r'<ol class="steps">(.*?)</ol>')


def paid(response: Any) -> str:
    return part(response, r'aria-labelledby="paid-title">.*?<tbody>(.*?)</tbody>')


def test_a_charge_with_its_release_and_the_credits_that_paid(alice: User, books: Wallet, client_of: ClientOf) -> None:
    response = page(client_of(alice), books.entries.get(kind="capture", reference="job:3"))
    assert part(response, r'<dl class="figures outcome">(.*?)</dl>') == "Held 12 Charged 9 Released 3"
    assert steps(response) == (
        "Held 12 18 Nov, 09:00:00 Set aside before the work began, so that it is there when it is done. Alice Harbour "
        "Charged 9 18 Nov, 09:00:00 For what was delivered. Alice Harbour "
        "Released 3 18 Nov, 09:00:00 Less was delivered than was asked for. Alice Harbour"
    )
    assert paid(response) == "Codes and gifts 2 Nov 2026 30 Nov 2026 9"


def test_a_charge_out_of_two_lots_and_its_refund(alice: User, books: Wallet, client_of: ClientOf) -> None:
    for kind in ("capture", "refund"):
        hold = Hold.objects.get(reference="job:5")
        response = page(client_of(alice), hold.entries.get(kind=kind))
        assert part(response, r'<dl class="figures outcome">(.*?)</dl>') == "Held 16 Charged 16 Released 0 Refunded 8"
        assert steps(response).endswith("Refunded 8 20 Nov, 08:00:00 One was blurred. Alice Harbour")
        assert paid(response) == "Codes and gifts 2 Nov 2026 30 Nov 2026 11 (3 came back) Bought 1 Oct 2026 none 5 (5 came back)"


def test_what_was_released_whole_and_what_is_still_held(alice: User, books: Wallet, client_of: ClientOf) -> None:
    client = client_of(alice)
    response = page(client, books.entries.get(kind="void"))
    assert "Released 8 18 Nov, 09:00:00 Nothing was delivered, so nothing is charged. Bob Member" in steps(response)
    assert "Which credits paid" not in body(response)
    hold = place_hold(books, 4 * CREDIT, reference="now", description="4 pictures", actor=alice)
    response = client.get(f"/wallet/holds/{hold.pk}/")
    assert part(response, r'<dl class="figures outcome">(.*?)</dl>') == "Held 4 Charged 0 Released 0"
    assert "It is not done yet." in body(response)


def test_other_entries_say_why_and_what_is_left(alice: User, books: Wallet, client_of: ClientOf) -> None:
    client, gift = client_of(alice), books.entries.get(reference="gift")
    response = page(client, gift)
    assert part(response, r'aria-labelledby="lot-title">(.*?)</section>') == (
        "These credits Where from Codes and gifts Left of them 3 of 20 Last day Monday 30 November 2026, 12:00"
    )
    bought = books.lots.get(source=Account.SALES)
    for entry, expected in (
        (freeze(bought, 2 * CREDIT, reference="dispute", description="Payment disputed"), "Frozen 2"),
        (revoke(bought, 1 * CREDIT, reference="back", description="Refunded: pack"), "Taken back −1"),
        (correct(books, -2 * CREDIT, reference="fix", description="Corrected: twice", actor=alice), "Corrected −2"),
    ):
        assert entry
        response = page(client, entry)
        assert part(response, r'<dl class="figures outcome">(.*?)</dl>').startswith(expected)
        assert entry.description in body(response)
    with at(1, month=12):
        assert expire(books) == 1 * CREDIT
        response = page(client, books.entries.latest("id"))
    assert "These credits had a last day, and it was over." in steps(response)
    assert paid(response) == "Codes and gifts 2 Nov 2026 30 Nov 2026 1"


def test_every_line_and_every_running_hold_leads_there(alice: User, books: Wallet, client_of: ClientOf) -> None:
    hold = place_hold(books, CREDIT, reference="now", description="A picture", actor=alice)
    html = client_of(alice).get("/wallet/").content.decode()
    for entry in books.entries.statement():
        assert f'href="/wallet/entries/{entry.pk}/"' in html
    assert f'href="/wallet/holds/{hold.pk}/"' in html


def test_strangers_find_nothing(mallory: User, books: Wallet, client_of: ClientOf) -> None:
    client = client_of(mallory)
    entry, hold = books.entries.latest("id"), books.holds.latest("id")
    for address in (f"/wallet/entries/{entry.pk}/", f"/wallet/holds/{hold.pk}/", "/wallet/entries/999999/", "/wallet/holds/999999/"):
        assert client.get(address).status_code == 404


def test_words_of_people_are_no_markup(alice: User, books: Wallet, client_of: ClientOf) -> None:
    entry = grant(books, CREDIT, reference="x", description="<b>Bold</b>", expires_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert "<b>Bold" not in page(client_of(alice), entry).content.decode()
