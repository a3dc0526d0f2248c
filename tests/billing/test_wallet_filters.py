"""Filters of the statement: they live in the address, survive paging, and have totals of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, User
from billing.asking import Asked
from billing.models import Hold, Wallet
from billing.statement import PAGE
from tests.billing.pages import CREDIT, body, entries, part, work

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


def totals(response: Any) -> str:
    return part(response, r'<p id="totals"[^>]*>(.*?)</p>')


def test_each_filter_and_its_totals(alice: User, bob: User, books: Wallet, client_of: ClientOf) -> None:
    client = client_of(alice)
    ultra = [
        ("One was blurred", "+8", "965"),
        ("Work 5, Ultra", "−16", "957"),
        ("Work 4, Ultra", "0", "973"),
        ("Work 2, Ultra", "−8", "962"),
    ]
    for query, expected, sums in (
        ("", None, ""),
        ("?engine=Ultra", ultra, "4 entries · +8 came in · 24 credits went out · together −16"),
        (f"?by={bob.pk}", ultra[1:], "3 entries · 24 credits went out"),
        ("?kind=capture&engine=Core", [("Work 3, Core", "−9", "973"), ("Work 1, Core", "−30", "970")], "2 entries · 39 credits went out"),
        ("?from=2026-10-31&to=2026-11-02", [("Gift: hello", "+20", "982"), ("Work 2, Ultra", "−8", "962")], None),
        ("?to=2026-10-04", [("Bought: 1,000", "+1,000", "1,000")], "1 entry · +1,000 came in"),
        ("?kind=expiry", [], "0 entries"),
    ):
        response = client.get(f"/wallet/{query}")
        assert response.status_code == 200
        if expected is None:
            assert [row[0] for row in entries(response)][-1] == "Bought: 1,000"
        else:
            assert entries(response) == expected, query
        if sums is not None:
            assert totals(response) == sums, query
    assert "Nothing like that" in body(client.get("/wallet/?kind=expiry"))


def test_filters_stay_in_every_address_of_the_page(alice: User, books: Wallet, client_of: ClientOf) -> None:
    for number in range(100, 100 + PAGE + 5):
        work(books, number, 1, actor=alice, product="Core")
    client = client_of(alice)
    response = client.get(f"/wallet/?by={alice.pk}&engine=Core&split=person")
    more = re.search(r'<a class="act" href="([^"]+)" hx-get="([^"]+)"', response.content.decode())
    assert more
    assert more[1] == more[2]
    address = unescape(more[1])
    assert f"by={alice.pk}" in address
    assert "engine=Core" in address
    older = client.get(address)
    assert [row[0] for row in entries(older)] == [*(f"Work {n}, Core" for n in range(104, 99, -1)), "Work 3, Core", "Work 1, Core"]
    links = [unescape(one) for one in re.findall(r'href="(/wallet/\?[^"]+)"', response.content.decode())]
    assert f"/wallet/?by={alice.pk}&engine=Core&kind=capture&split=person#statement-title" in links
    assert "/wallet/?split=person#statement-title" in links, "what clears the filters keeps the chart"
    assert f"/wallet/?by={alice.pk}&engine=Core&span=90&split=person#spending" in links, "a chart keeps the filters"
    assert f'href="/wallet/statement.csv?by={alice.pk}&amp;engine=Core"' in response.content.decode()


def test_what_makes_no_sense_filters_nothing(alice: User, books: Wallet, client_of: ClientOf) -> None:
    response = client_of(alice).get("/wallet/?by=x&kind=hold&from=yesterday&to=2026-13-01&span=7&split=mood&engine=%00")
    assert len(entries(response)) == 8
    assert totals(response) == ""


def test_words_of_an_address_come_back_as_they_were() -> None:
    query = {"by": "7", "engine": "SD 3.5", "kind": "refund", "from": "2026-11-01", "to": "2026-11-30", "span": "90", "split": "person"}
    asked = Asked.of(query)
    assert asked == Asked(7, "SD 3.5", "refund", date(2026, 11, 1), date(2026, 11, 30), "90", "person")
    assert asked.words() == query
    assert Asked.of({}).query() == ""
    assert Asked.of({"by": "9" * 30}).person is None


def test_the_menu_of_people_tells_no_names_of_strangers(alice: User, bob: User, mallory: User, books: Wallet, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert "Mallory" not in body(client.get(f"/wallet/?by={mallory.pk}"))
    Membership.objects.filter(user=bob, team=books.team).delete()
    page = body(client.get(f"/wallet/?by={bob.pk}"))
    assert "Who: Bob Member" in page, "who left is still named where the statement names them"
    assert "Bob Member" not in part(client.get("/wallet/"), r'<div class="statement-filters">(.*?)</section>').split("Time What")[0]


def test_queries_do_not_grow(alice: User, books: Wallet, client_of: ClientOf) -> None:
    client = client_of(alice)
    pages = ["/wallet/", "/wallet/?engine=Core", "/wallet/?span=12&split=person", "/wallet/statements/"]

    def queries() -> list[int]:
        counts = []
        for page in pages:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(page).status_code == 200
            counts.append(len(captured))
        return counts

    queries()
    few = queries()
    for number in range(200, 200 + 2 * PAGE):
        work(books, number, 1, actor=alice, product=("Core", "Ultra", "SD")[number % 3], charged=number % 2)
    assert queries() == few
    assert Hold.objects.count() == 2 * PAGE + 5


def test_somebody_else_s_entries_are_in_no_filter(mallory: User, books: Wallet, other_team: Any, client_of: ClientOf) -> None:
    response = client_of(mallory, other_team).get("/wallet/?engine=Core")
    assert entries(response) == []
    assert totals(response) == "0 entries"
    assert CREDIT == 1000
