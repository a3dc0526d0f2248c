"""Sums that budgets keep: counted once, moved with every hold, checked at night, forgotten when their time is over."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from billing import ledger
from billing.errors import OverBudget
from billing.models import Hold, Scope, Spent, Wallet
from billing.services import budgets, wallets
from tests.billing.conftest import CREDIT

TEAM, BOB = None, "bob"


@pytest.fixture
def limited(wallet: Wallet, alice: User, bob: User) -> Iterator[Any]:
    """100 credits for the team and 50 for each, a day and a month; the clock, on 10 November at noon."""
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False) as clock:
        wallets.grant(wallet, 990 * CREDIT, reference="more", description="More credits")
        for scope, most in ((Scope.TEAM, 100), (Scope.EVERYONE, 50)):
            budgets.set_limits(wallet, by=alice, day=most * CREDIT, month=most * CREDIT, scope=scope)
        yield clock


def place(wallet: Wallet, amount: int, reference: str, actor: User | None) -> Hold:
    return wallets.place_hold(wallet, amount * CREDIT, reference=reference, description="A picture", actor=actor)


def kept(wallet: Wallet) -> dict[tuple[str, str], int]:
    """Credits that the sums say, by whose and the first day and the hours of their time."""
    rows = Spent.objects.filter(wallet=wallet).select_related("member")
    return {
        (
            row.member.name if row.member else "",
            f"{timezone.localtime(row.begins):%d %b}+{round((row.ends - row.begins).total_seconds() / 3600)}",
        ): row.amount // CREDIT
        for row in rows
    }


def test_every_change_of_a_hold_moves_the_sums(wallet: Wallet, alice: User, bob: User, limited: Any) -> None:
    first = place(wallet, 8, "one", bob)
    assert kept(wallet) == {("Bob Member", "01 Nov+720"): 8, ("Bob Member", "10 Nov+24"): 8, ("", "01 Nov+720"): 8, ("", "10 Nov+24"): 8}
    limited.move_to("2026-11-11T12:00:00Z")
    wallets.capture(first, 6 * CREDIT)  # of yesterday
    wallets.void(place(wallet, 3, "two", bob))
    wallets.refund(place_and_capture(wallet, 5, "three", alice), 2 * CREDIT, reference="back", description="Given back")
    assert kept(wallet) == {
        ("Bob Member", "01 Nov+720"): 6,
        ("Bob Member", "11 Nov+24"): 0,
        ("Alice Harbour", "01 Nov+720"): 3,
        ("Alice Harbour", "11 Nov+24"): 3,
        ("", "01 Nov+720"): 9,
        ("", "11 Nov+24"): 3,
    }
    wallets.refund(first, CREDIT, reference="late", description="Given back")
    assert kept(wallet)["", "01 Nov+720"] == 8
    assert list(ledger.disagreements()) == []


def place_and_capture(wallet: Wallet, amount: int, reference: str, actor: User) -> Hold:
    return wallets.capture(place(wallet, amount, reference, actor), amount * CREDIT)


def test_what_was_held_before_is_counted_once_and_never_again(wallet: Wallet, alice: User, bob: User, limited: Any) -> None:
    for number in range(5):
        place_and_capture(wallet, 2, f"before:{number}", bob)
    Spent.objects.all().delete()  # as in a studio that kept none
    assert [meter.spent // CREDIT for meter in budgets.meters_of(wallet, bob)] == [10, 10, 10, 10]
    assert kept(wallet) == {}, "who only looks keeps nothing"
    place(wallet, 1, "first", bob)
    assert kept(wallet)["Bob Member", "01 Nov+720"] == 11
    with CaptureQueriesContext(connection) as queries:
        wallets.capture(place(wallet, 1, "second", bob), CREDIT // 2)
        assert [meter.spent for meter in budgets.meters_of(wallet, bob)] == [11_500] * 4
    assert [query["sql"] for query in queries if "SUM(" in query["sql"] and '"billing_hold"' in query["sql"]] == []


def test_a_refused_hold_leaves_the_sums_as_they_were(wallet: Wallet, alice: User, bob: User, limited: Any) -> None:
    place(wallet, 40, "one", bob)
    before = kept(wallet)
    with pytest.raises(OverBudget):
        place(wallet, 11, "two", bob)
    assert place(wallet, 40, "one", bob).reference == "one"  # the same again
    assert kept(wallet) == before


def test_the_sums_of_another_time_zone_are_others(wallet: Wallet, alice: User, limited: Any) -> None:
    limited.move_to("2026-11-11T02:00:00Z")
    place(wallet, 3, "one", alice)
    with timezone.override("America/New_York"):  # there still 10 November
        place(wallet, 4, "two", alice)
        limited.move_to("2026-11-11T06:00:00Z")
        assert [meter.spent // CREDIT for meter in budgets.meters_of(wallet, None)] == [7, 0]
    assert [meter.spent // CREDIT for meter in budgets.meters_of(wallet, None)] == [7, 7]
    assert list(ledger.disagreements()) == []


def test_the_night_finds_a_wrong_sum_and_counting_anew_mends_it(wallet: Wallet, alice: User, bob: User, limited: Any) -> None:
    place(wallet, 3, "one", bob)
    place(wallet, 4, "two", alice)
    Spent.objects.filter(member=bob).update(amount=2 * CREDIT)
    Spent.objects.filter(member=None, ends=timezone.localtime().replace(day=11, hour=0)).update(amount=0)
    assert sorted(ledger.disagreements()) == [
        f"Budgets of wallet {wallet.pk}: from 2026-11-01 00:00 on, Bob Member is down with 2, the holds add up to 3. "
        "Run manage.py verify_ledger --recount.",
        f"Budgets of wallet {wallet.pk}: from 2026-11-10 00:00 on, Bob Member is down with 2, the holds add up to 3. "
        "Run manage.py verify_ledger --recount.",
        f"Budgets of wallet {wallet.pk}: from 2026-11-10 00:00 on, the team is down with 0, the holds add up to 7. "
        "Run manage.py verify_ledger --recount.",
    ]
    with pytest.raises(CommandError):
        call_command("verify_ledger", stdout=io.StringIO())
    call_command("verify_ledger", recount=True, stdout=io.StringIO())
    place(wallet, 1, "three", bob)
    assert kept(wallet)["", "10 Nov+24"] == 8
    assert list(ledger.disagreements()) == []


def test_somebody_who_is_gone_leaves_the_team_s_sum(wallet: Wallet, alice: User, bob: User, limited: Any) -> None:
    hold = place(wallet, 3, "one", bob)
    bob.delete()
    hold.refresh_from_db()
    wallets.capture(hold, 2 * CREDIT)
    assert kept(wallet) == {("", "01 Nov+720"): 2, ("", "10 Nov+24"): 2}
    assert list(ledger.disagreements()) == []
