"""Sixteen at once on one budget. The guard is proven to be what holds: where it looks before the wallet is locked, the race goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import User
from billing import ledger
from billing.errors import OverBudget
from billing.models import Hold, Scope, Wallet
from billing.services import budgets, wallets
from tests.billing.conftest import CREDIT
from tests.billing.race import at_once, kinds
from tests.billing.test_races import RUNNERS, books, holds_at_once, promised

pytestmark = pytest.mark.django_db(transaction=True)


def test_sixteen_holds_on_a_team_budget_for_three(wallet: Wallet, alice: User) -> None:
    budgets.set_limits(wallet, by=alice, day=None, month=7 * CREDIT // 2, scope=Scope.TEAM)
    outcomes = holds_at_once(wallet, CREDIT, lambda number: f"job:{number}")
    assert kinds(outcomes) == {"Hold": 3, "OverBudget": 13}
    assert {error.left for error in outcomes if isinstance(error, OverBudget)} == {CREDIT // 2}
    assert books(wallet) == (10 * CREDIT, 3 * CREDIT)
    assert promised(wallet) == 3 * CREDIT


def test_sixteen_holds_of_one_person_on_their_day(wallet: Wallet, alice: User, bob: User) -> None:
    budgets.set_limits(wallet, by=alice, day=2 * CREDIT, month=None, scope=Scope.EVERYONE)

    def runner(number: int) -> tuple[Callable[[], Wallet], Callable[[Wallet], Hold]]:
        actor = bob if number % 2 else alice
        return (
            lambda: Wallet.objects.get(pk=wallet.pk),
            lambda seen: wallets.place_hold(seen, CREDIT, reference=f"job:{number}", description="A picture", actor=actor),
        )

    outcomes = at_once(*map(runner, range(RUNNERS)))
    assert kinds(outcomes[::2]) == kinds(outcomes[1::2]) == {"Hold": 2, "OverBudget": 6}
    assert books(wallet) == (10 * CREDIT, 4 * CREDIT)
    assert list(ledger.disagreements()) == []


def test_sixteen_that_settle_at_once_move_the_sums_by_all_of_it(wallet: Wallet, alice: User) -> None:
    budgets.set_limits(wallet, by=alice, day=10 * CREDIT, month=10 * CREDIT, scope=Scope.TEAM)
    holds = [wallets.place_hold(wallet, CREDIT // 2, reference=f"job:{number}", description="A picture") for number in range(RUNNERS)]

    def runner(hold: Hold) -> tuple[Callable[[], Hold], Callable[[Hold], Hold]]:
        end = wallets.void if hold.pk % 2 else lambda seen: wallets.capture(seen, CREDIT // 4)
        return lambda: Hold.objects.get(pk=hold.pk), end

    assert kinds(at_once(*map(runner, holds))) == {"Hold": 16}
    assert [meter.spent for meter in budgets.meters_of(wallet, None)] == [2 * CREDIT] * 2
    assert list(ledger.disagreements()) == []


def test_the_same_hold_sixteen_times_finds_the_first_though_the_budget_is_used_up(wallet: Wallet, alice: User) -> None:
    budgets.set_limits(wallet, by=alice, day=CREDIT, month=None, scope=Scope.TEAM)
    outcomes = holds_at_once(wallet, CREDIT, lambda number: "job:same")
    assert kinds(outcomes) == {"Hold": 16}
    assert len({hold.pk for hold in outcomes}) == 1
    assert books(wallet) == (10 * CREDIT, CREDIT)


def test_looking_before_the_wallet_is_locked_all_pass(wallet: Wallet, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets.set_limits(wallet, by=alice, day=None, month=3 * CREDIT, scope=Scope.TEAM)
    monkeypatch.setattr(budgets, "check", lambda *told: None)

    def runner(number: int) -> tuple[Callable[[], Wallet], Callable[[Wallet], Hold]]:
        def read() -> Wallet:
            seen = Wallet.objects.get(pk=wallet.pk)
            assert budgets.refusal(budgets.meters_of(seen, alice), CREDIT // 2) is None
            return seen

        return read, lambda seen: wallets.place_hold(seen, CREDIT // 2, reference=f"job:{number}", description="A picture")

    outcomes = at_once(*map(runner, range(RUNNERS)))
    assert kinds(outcomes) == {"Hold": 16}
    assert promised(wallet) == 8 * CREDIT
