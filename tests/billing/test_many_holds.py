"""Many holds placed or released at once: all or none, with the same entries as one by one, and in few queries."""

from __future__ import annotations

from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing import ledger
from billing.errors import HoldNotActive, InsufficientCredits, InvalidAmount, OverBudget
from billing.models import Hold, LedgerEntry, Scope, Spent, Wallet
from billing.services import budgets, wallets
from billing.services.wallets import Wanted, capture, place_hold, place_holds, void_all
from tests.billing.conftest import CREDIT
from tests.billing.race import at_once, kinds

pytestmark = pytest.mark.django_db


def three(amount: int = CREDIT, name: str = "row") -> list[Wanted]:
    return [Wanted(amount, f"{name}:{number}", f"Row {number}", "An engine", "Drawing") for number in range(3)]


def books(wallet: Wallet) -> tuple[int, int]:
    wallet.refresh_from_db()
    return wallet.balance, wallet.held


def test_they_leave_what_one_by_one_leaves(wallet: Wallet, alice: User, heard: list[tuple[int, int, int]]) -> None:
    holds = place_holds(wallet, three(), actor=alice)
    assert [(hold.reference, hold.amount, hold.status, hold.actor) for hold in holds] == [
        ("row:0", 1000, "active", alice),
        ("row:1", 1000, "active", alice),
        ("row:2", 1000, "active", alice),
    ]
    one = place_hold(wallet, CREDIT, reference="one", description="One", actor=alice, product="An engine", operation="Drawing")
    columns = ("kind", "held", "amount", "balance_after", "actor", "account")
    assert set(LedgerEntry.objects.filter(kind="hold").values_list(*columns)) == {("hold", 1000, 0, 10_000, alice.pk, "")}
    assert [entry.hold_id for entry in LedgerEntry.objects.filter(kind="hold").order_by("id")] == [hold.pk for hold in (*holds, one)]
    assert books(wallet) == (10_000, 4_000)
    assert heard == [(wallet.team_id, 10_000, 3_000), (wallet.team_id, 10_000, 4_000)]
    assert list(ledger.disagreements()) == []


def test_together_they_must_fit(wallet: Wallet) -> None:
    with pytest.raises(InsufficientCredits) as caught:
        place_holds(wallet, three(4 * CREDIT))
    assert (caught.value.needed, caught.value.available) == (12_000, 10_000)
    with pytest.raises(InvalidAmount):
        place_holds(wallet, [*three(), Wanted(-1, "less", "Less")])
    assert books(wallet) == (10_000, 0)
    assert not Hold.objects.exists()


def test_a_budget_is_asked_for_the_sum(wallet: Wallet, alice: User, bob: User) -> None:
    budgets.set_limits(wallet, by=alice, day=5 * CREDIT, month=None, scope=Scope.EVERYONE)
    place_holds(wallet, three(), actor=bob)
    with pytest.raises(OverBudget) as caught:
        place_holds(wallet, three(name="more"), actor=bob)
    assert (caught.value.needed, caught.value.left) == (3_000, 2_000)
    assert books(wallet) == (10_000, 3_000)
    assert Spent.objects.get(member=bob).amount == 3_000
    void_all(list(Hold.objects.all()))
    assert Spent.objects.get(member=bob).amount == 0
    assert list(ledger.disagreements()) == []


def test_all_are_released(wallet: Wallet, heard: list[tuple[int, int, int]]) -> None:
    holds = place_holds(wallet, three())
    heard.clear()
    void_all(holds)
    assert {hold.status for hold in holds} == set(Hold.objects.values_list("status", flat=True)) == {"voided"}
    assert books(wallet) == (10_000, 0)
    assert heard == [(wallet.team_id, 10_000, 0)]
    assert list(ledger.disagreements()) == []
    void_all([])


def test_none_is_released_when_one_has_ended(wallet: Wallet) -> None:
    holds = place_holds(wallet, three())
    capture(Hold.objects.get(pk=holds[1].pk), CREDIT)
    with pytest.raises(HoldNotActive) as caught:
        void_all(holds)
    assert caught.value.reference == "row:1"
    assert books(wallet) == (9_000, 2_000)
    assert list(Hold.objects.order_by("id").values_list("status", flat=True)) == ["active", "captured", "active"]


def test_queries_do_not_grow_with_their_number(wallet: Wallet, django_assert_max_num_queries: Any) -> None:
    from django.db import connection

    def counted(number: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            void_all(place_holds(wallet, [Wanted(1, f"{number}:{place}", "One") for place in range(number)]))
        return len(captured)

    few = counted(2)
    assert counted(40) == few


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False])
def test_two_that_do_not_both_fit(wallet: Wallet, guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard is that of one hold: without it both are placed."""

    def read_then_write(seen: Wallet, amount: int) -> bool:
        return Wallet.objects.filter(pk=seen.pk).update(held=seen.held + amount) == 1

    def runner(name: str) -> Any:
        return (lambda: Wallet.objects.get(pk=wallet.pk), lambda seen: place_holds(seen, three(2 * CREDIT, name)))

    if not guarded:
        monkeypatch.setattr(wallets, "_set_aside", read_then_write)
    outcomes = at_once(runner("a"), runner("b"))
    assert kinds(outcomes) == ({"InsufficientCredits": 1, "list": 1} if guarded else {"list": 2})
    assert bool(list(ledger.disagreements())) is not guarded
