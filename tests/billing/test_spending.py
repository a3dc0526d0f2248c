"""The chart of what was spent, and the forecast, to the millicredit."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from billing.asking import Asked
from billing.charts import ceiling, chart
from billing.forecast import Expiring, Forecast, expiring, forecast
from billing.models import Lot, Wallet
from billing.services.wallets import grant, place_hold, wallet_of
from tests.billing.pages import CREDIT, NOON, at, part, work

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


def told(found: Any) -> dict[str, int]:
    return {one.label: one.total // CREDIT for one in found.series}


def test_by_engine_mode_and_person(books: Wallet) -> None:
    assert told(chart(books, Asked())) == {"Ultra": 16, "Core": 9}
    assert told(chart(books, Asked(split="mode"))) == {"Image": 16, "Text": 9}
    assert told(chart(books, Asked(split="person"))) == {"Bob Member": 24, "Alice Harbour": 1}, "a refund is entered under who gave it"


def test_every_day_has_its_bar_and_its_row(books: Wallet) -> None:
    found = chart(books, Asked())
    assert [len(chart(books, Asked(span=span)).bars) for span in ("30", "90", "12")] == [30, 90, 12]
    assert [(row.title, row.total // CREDIT, [amount // CREDIT for amount in row.amounts]) for row in found.rows] == [
        ("Friday 20 November 2026", -8, [-8, 0]),
        ("Thursday 19 November 2026", 16, [16, 0]),
        ("Wednesday 18 November 2026", 9, [0, 9]),
        ("Saturday 31 October 2026", 8, [8, 0]),
    ]
    assert found.summary == "25 credits in the last 30 days, by engine. Most on Thursday 19 November 2026: 16."
    assert found.rows[1].query == "?from=2026-11-19&to=2026-11-19"
    months = chart(books, Asked(span="12"))
    assert [(row.title, row.total // CREDIT) for row in months.rows] == [("November 2026", 17), ("October 2026", 38)]
    assert (months.rows[1].query, months.days[0].label, months.days[-1].label) == (
        "?from=2026-10-01&to=2026-10-31&span=12",
        "Dec 2025",
        "Nov 2026",
    )


def test_bars_are_as_high_as_their_amounts(books: Wallet) -> None:
    found = chart(books, Asked())
    assert [mark.label for mark in found.scale] == ["16", "8"]
    heights = {bar.title.splitlines()[0]: [one.height for one in bar.slices] for bar in found.bars if bar.slices}
    assert heights == {
        "Thursday 19 November 2026: 16 credits": ["82.000%"],
        "Wednesday 18 November 2026: 9 credits": ["46.125%"],
        "Saturday 31 October 2026: 8 credits": ["41.000%"],
    }


def test_days_are_those_of_the_studio_s_time_zone(books: Wallet, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    with time_machine.travel(NOON, tick=False):
        rows = [row.title for row in chart(books, Asked()).rows]
    assert rows[-1] == "Sunday 1 November 2026", "23:00 UTC on 31 October is noon of the next day there"


def test_who_spends_little_is_among_the_others(team: Any, alice: User) -> None:
    wallet = wallet_of(team)
    with at(20):
        grant(wallet, 1000 * CREDIT, reference="all", description="All")
        for number in range(8):
            work(wallet, number, 20 - number, actor=alice, product=f"Engine {number}")
    with time_machine.travel(NOON, tick=False):
        found = chart(wallet, Asked())
    assert told(found) == {"Engine 0": 20, "Engine 1": 19, "Engine 2": 18, "Engine 3": 17, "Engine 4": 16, "Others": 15 + 14 + 13}
    assert [one.number for one in found.series] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("amount", "end"), [(0, 0), (1, 10), (9_500, 10_000), (10_001, 12_000), (135_000, 140_000), (741_000, 800_000), (16_000, 16_000)]
)
def test_the_scale_ends_at_a_plain_number(amount: int, end: int) -> None:
    assert ceiling(amount) == end


def test_the_page_draws_it_without_styles_and_says_it_in_a_table(alice: User, books: Wallet, client_of: ClientOf) -> None:
    response = client_of(alice).get("/wallet/?split=mode")
    html = response.content.decode()
    section = re.search(r'<section id="spending".*?</section>', html, re.DOTALL)
    assert section
    assert section[0].count('class="column"') == 30
    assert '<p class="visually-hidden">Credits by day: 25 credits in the last 30 days, by mode.' in section[0]
    assert "style=" not in section[0]
    table = part(response, r'<details class="spending-table">(.*?)</details>')
    assert table.startswith("25 credits in all, as a table")
    assert "Thursday 19 November 2026 16 16" in table


def test_what_the_chart_shows_is_in_the_address_and_stays_with_the_statement(alice: User, team: Any, client_of: ClientOf) -> None:
    section = re.search(
        r'<section id="spending".*?</section>', client_of(alice, team).get("/wallet/?split=mode").content.decode(), re.DOTALL
    )
    assert section
    assert '<a href="/wallet/?span=90&amp;split=mode#spending" >90 days</a>' in section[0]
    assert "hx-" not in section[0], "a swap would leave the address and the statement's links behind"
    html = client_of(alice, team).get("/wallet/?span=90&split=mode").content.decode()
    assert '<a href="/wallet/?span=90&amp;split=mode#spending" aria-current="true">90 days</a>' in html
    assert "/wallet/?kind=capture&amp;span=90&amp;split=mode#statement-title" in html


def test_a_wallet_without_charges_says_so(alice: User, team: Any, client_of: ClientOf) -> None:
    page = part(client_of(alice, team).get("/wallet/"), r'<section id="spending"(.*?)</section>')
    assert "Nothing was spent in this time." in page
    assert "<svg class=" not in page


# --- when the credits run out ----------------------------------------------------------------------------------------


def lots(wallet: Wallet) -> list[Lot]:
    return list(wallet.lots.left().in_order())


def spend_daily(wallet: Wallet, actor: User, days: range, amount: int) -> None:
    for day in days:
        with time_machine.travel(NOON - timedelta(days=day, hours=1), tick=False):
            work(wallet, 1000 + day, amount, actor=actor, product="Core")


@pytest.fixture
def rich(team: Any) -> Wallet:
    wallet = wallet_of(team)
    with at(1, month=10):
        grant(wallet, 300 * CREDIT, reference="bought", description="Bought")
    return wallet


def test_the_mean_of_the_last_fourteen_days(rich: Wallet, alice: User) -> None:
    spend_daily(rich, alice, range(30, 14, -1), 5)  # too long ago
    spend_daily(rich, alice, range(13, -1, -1), 10)
    assert rich.balance == 80 * CREDIT
    assert forecast(rich, lots(rich), NOON) == Forecast(10 * CREDIT, 14, 8, date(2026, 11, 28))


def test_fewer_days_when_it_began_later_and_nothing_before_three(rich: Wallet, alice: User) -> None:
    assert forecast(rich, lots(rich), NOON) == Forecast(0, 0)
    spend_daily(rich, alice, range(2, 0, -1), 20)
    assert forecast(rich, lots(rich), NOON - timedelta(hours=2)) == Forecast(0, 0), "two days tell nothing"
    spend_daily(rich, alice, range(0, -1, -1), 20)
    assert forecast(rich, lots(rich), NOON) == Forecast(20 * CREDIT, 3, 12, date(2026, 12, 2))
    assert forecast(rich, lots(rich), NOON + timedelta(days=1)) == Forecast(15 * CREDIT, 4, 16, date(2026, 12, 7))


def test_nothing_spent_of_late(rich: Wallet, alice: User) -> None:
    spend_daily(rich, alice, range(40, 35, -1), 5)
    assert forecast(rich, lots(rich), NOON) == Forecast(0, 14)


def test_what_expires_before_it_is_spent_is_lost(rich: Wallet, alice: User) -> None:
    spend_daily(rich, alice, range(13, -1, -1), 10)
    with time_machine.travel(NOON, tick=False):
        grant(rich, 100 * CREDIT, reference="gift", description="Gift", expires_at=NOON + timedelta(days=4))
    assert [lot.remaining // CREDIT for lot in lots(rich)] == [100, 160]
    assert forecast(rich, lots(rich), NOON) == Forecast(10 * CREDIT, 14, 20, date(2026, 12, 10), lost=60 * CREDIT)


def test_what_is_held_is_as_good_as_spent_and_far_is_far(rich: Wallet, alice: User) -> None:
    spend_daily(rich, alice, range(13, -1, -1), 10)
    with time_machine.travel(NOON, tick=False):
        place_hold(rich, 60 * CREDIT, reference="now", description="Now")
    assert forecast(rich, lots(rich), NOON).days == 10
    grant(rich, 10_000 * CREDIT, reference="more", description="More")
    found = forecast(rich, lots(rich), NOON)
    assert (found.days, found.is_far, found.pace) == (None, True, 10 * CREDIT)


@time_machine.travel(NOON, tick=False)
def test_what_expires_next(rich: Wallet) -> None:
    assert expiring(lots(rich)) is None
    for number, (amount, moment) in enumerate(((5, datetime(2026, 12, 3, 8, tzinfo=UTC)), (7, datetime(2026, 12, 3, 20, tzinfo=UTC)))):
        grant(rich, amount * CREDIT, reference=f"gift:{number}", description="Gift", expires_at=moment)
    grant(rich, 9 * CREDIT, reference="later", description="Later", expires_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert expiring(lots(rich)) == Expiring(12 * CREDIT, date(2026, 12, 3), 9 * CREDIT)


def test_the_figures_on_the_page(alice: User, books: Wallet, client_of: ClientOf) -> None:
    page = part(client_of(alice).get("/wallet/"), r'(<section id="figures".*?</section>)')
    assert page == (
        "Available 965 = $9.65 Held 0 nothing is running Spent in November 17 = $0.17 "
        "At this pace over a year 1.2 a day, the mean of 14 days "
        "Expires next 3 on Monday, 30 November"
    )
