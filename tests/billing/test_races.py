"""Sixteen at once on one wallet. Each guard is proven to be what holds: with it removed the same race goes wrong, every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Sum

from accounts.models import Team, User
from accounts.services import create_team
from billing import ledger
from billing.models import Hold, LedgerEntry, Wallet
from billing.services import lots, wallets
from tests.billing.conftest import CREDIT
from tests.billing.race import at_once, kinds

RUNNERS = 16

pytestmark = pytest.mark.django_db(transaction=True)


def holds_at_once(wallet: Wallet, amount: int, reference: Callable[[int], str]) -> list[Any]:
    """Everybody reads the wallet, then everybody places a hold."""

    def runner(number: int) -> tuple[Callable[[], Wallet], Callable[[Wallet], Hold]]:
        return (
            lambda: Wallet.objects.get(pk=wallet.pk),
            lambda seen: wallets.place_hold(seen, amount, reference=reference(number), description="A picture"),
        )

    return at_once(*(runner(number) for number in range(RUNNERS)))


def settlements_at_once(hold: Hold, *acts: Callable[[Hold], Any]) -> list[Any]:
    """Everybody reads the hold, then everybody does something with it."""
    return at_once(*((lambda: Hold.objects.get(pk=hold.pk), act) for act in acts))


def promised(wallet: Wallet) -> int:
    return Hold.objects.filter(wallet=wallet).active().aggregate(total=Sum("amount"))["total"] or 0


def books(wallet: Wallet) -> tuple[int, int]:
    wallet.refresh_from_db()
    return wallet.balance, wallet.held


def test_sixteen_holds_on_credits_for_five(wallet: Wallet) -> None:
    outcomes = holds_at_once(wallet, 2 * CREDIT, lambda number: f"job:{number}")
    assert kinds(outcomes) == {"Hold": 5, "InsufficientCredits": 11}
    assert {(error.needed, error.available) for error in outcomes if not isinstance(error, Hold)} == {(2 * CREDIT, 0)}
    assert books(wallet) == (10 * CREDIT, 10 * CREDIT)
    assert promised(wallet) == 10 * CREDIT
    assert LedgerEntry.objects.filter(wallet=wallet, kind="hold").count() == 5
    assert list(ledger.disagreements()) == []


def test_without_the_guard_the_same_race_promises_more_than_there_is(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_then_write(seen: Wallet, amount: int) -> bool:
        if seen.available < amount:
            return False
        return Wallet.objects.filter(pk=seen.pk).update(held=seen.held + amount) == 1

    monkeypatch.setattr(wallets, "_set_aside", read_then_write)
    outcomes = holds_at_once(wallet, 2 * CREDIT, lambda number: f"job:{number}")
    assert kinds(outcomes) == {"Hold": 16}
    assert promised(wallet) == 32 * CREDIT
    assert books(wallet) == (10 * CREDIT, 2 * CREDIT)
    assert list(ledger.disagreements()) == [
        f"Wallet {wallet.pk} (Harbour Street): 2 credits are held, the entries add up to 32.",
        f"Wallet {wallet.pk} (Harbour Street): 2 credits are held, the active holds add up to 32.",
    ]


def test_the_same_hold_sixteen_times_is_one_hold(wallet: Wallet) -> None:
    outcomes = holds_at_once(wallet, 7 * CREDIT, lambda number: "job:same")
    assert kinds(outcomes) == {"Hold": 16}
    assert len({hold.pk for hold in outcomes}) == 1
    assert books(wallet) == (10 * CREDIT, 7 * CREDIT)
    assert LedgerEntry.objects.filter(wallet=wallet, kind="hold").count() == 1


def test_the_same_small_hold_sixteen_times_is_one_hold(wallet: Wallet) -> None:
    # Here the credits would do for all sixteen: what refuses is the unique reference.
    outcomes = holds_at_once(wallet, 100, lambda number: "job:same")
    assert len({hold.pk for hold in outcomes}) == 1
    assert books(wallet) == (10 * CREDIT, 100)


class Nothing(Exception):
    """Stands for IntegrityError where nobody should catch it."""


def test_the_race_of_one_reference_does_reach_the_unique_constraint(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wallets, "IntegrityError", Nothing)
    outcomes = holds_at_once(wallet, 100, lambda number: "job:same")
    assert kinds(outcomes) == {"Hold": 1, "IntegrityError": 15}
    assert books(wallet) == (10 * CREDIT, 100)


def test_the_same_grant_sixteen_times_is_one_grant(wallet: Wallet, alice: User) -> None:
    def act(seen: Wallet) -> LedgerEntry:
        return wallets.grant(seen, 5 * CREDIT, reference="gift", description="A gift", actor=alice)

    outcomes = at_once(*((lambda: Wallet.objects.get(pk=wallet.pk), act) for _ in range(RUNNERS)))
    assert kinds(outcomes) == {"LedgerEntry": 16}
    assert len({entry.pk for entry in outcomes}) == 1
    assert books(wallet) == (15 * CREDIT, 0)


def test_sixteen_different_grants_lose_nothing(wallet: Wallet) -> None:
    def runner(number: int) -> tuple[Callable[[], Wallet], Callable[[Wallet], LedgerEntry]]:
        return (
            lambda: Wallet.objects.get(pk=wallet.pk),
            lambda seen: wallets.grant(seen, 1, reference=f"gift:{number}", description="A gift"),
        )

    assert kinds(at_once(*map(runner, range(RUNNERS)))) == {"LedgerEntry": 16}
    assert books(wallet) == (10 * CREDIT + 16, 0)
    # Each entry says a balance of its own: in the order of their ids they count up.
    after = wallet.entries.order_by("id").values_list("balance_after", flat=True)
    assert list(after) == [10 * CREDIT + number for number in range(RUNNERS + 1)]


@pytest.mark.parametrize("count", [8])
def test_captures_and_voids_of_one_hold_end_it_once(wallet: Wallet, count: int) -> None:
    hold = wallets.place_hold(wallet, 4 * CREDIT, reference="job:1", description="4 pictures")
    wallets.place_hold(wallet, 5 * CREDIT, reference="job:2", description="5 pictures")
    captures = [lambda seen: wallets.capture(seen, 3 * CREDIT)] * count
    voids = [lambda seen: wallets.void(seen)] * count
    outcomes = settlements_at_once(hold, *captures, *voids)
    hold.refresh_from_db()
    if hold.status == "captured":
        assert kinds(outcomes) == {"Hold": 1, "HoldNotActive": 15}
        assert books(wallet) == (7 * CREDIT, 5 * CREDIT)
    else:
        # One void did it, and the other voids find it done.
        assert kinds(outcomes[:count]) == {"HoldNotActive": 8}
        assert kinds(outcomes[count:]) == {"Hold": 8}
        assert books(wallet) == (10 * CREDIT, 5 * CREDIT)
    assert hold.entries.exclude(kind="hold").count() == 1
    assert list(ledger.disagreements()) == []


def test_without_the_guard_a_hold_is_captured_and_voided(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    def decide_from_what_was_read(seen: Hold, status: str, captured: int, now: object) -> bool:
        return seen.status == "active" and Hold.objects.filter(pk=seen.pk).update(status="captured", captured=captured, settled_at=now) == 1

    monkeypatch.setattr(wallets, "_end", decide_from_what_was_read)
    hold = wallets.place_hold(wallet, 4 * CREDIT, reference="job:1", description="4 pictures")
    wallets.place_hold(wallet, 5 * CREDIT, reference="job:2", description="5 pictures")
    outcomes = settlements_at_once(hold, lambda seen: wallets.capture(seen, 3 * CREDIT), lambda seen: wallets.void(seen))
    assert kinds(outcomes) == {"Hold": 2}
    assert books(wallet) == (7 * CREDIT, 1 * CREDIT)
    assert f"Wallet {wallet.pk} (Harbour Street): 1 credit is held, the active holds add up to 5." in list(ledger.disagreements())


def refunds_at_once(hold: Hold, amount: int, reference: Callable[[int], str]) -> list[Any]:
    def act(number: int) -> Callable[[Hold], LedgerEntry]:
        return lambda seen: wallets.refund(seen, amount, reference=reference(number), description="Given back")

    return settlements_at_once(hold, *map(act, range(RUNNERS)))


def test_sixteen_refunds_give_back_what_was_charged_and_no_more(wallet: Wallet) -> None:
    hold = wallets.capture(wallets.place_hold(wallet, 4 * CREDIT, reference="job:1", description="4 pictures"), 3 * CREDIT)
    outcomes = refunds_at_once(hold, CREDIT, lambda number: f"refund:{number}")
    assert kinds(outcomes) == {"AmountTooLarge": 13, "LedgerEntry": 3}
    assert books(wallet) == (10 * CREDIT, 0)
    assert list(ledger.disagreements()) == []


def test_without_the_guard_refunds_give_back_more_than_was_charged(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_then_write(seen: Hold, amount: int) -> bool:
        left = seen.captured - seen.refunded
        return amount <= left and Hold.objects.filter(pk=seen.pk).update(refunded=seen.refunded + amount) == 1

    monkeypatch.setattr(wallets, "_give_back", read_then_write)
    monkeypatch.setattr(lots, "put_back", lambda entry: None)  # what was never taken cannot be put back: it would refuse as well
    hold = wallets.capture(wallets.place_hold(wallet, 4 * CREDIT, reference="job:1", description="4 pictures"), 3 * CREDIT)
    outcomes = refunds_at_once(hold, CREDIT, lambda number: f"refund:{number}")
    assert kinds(outcomes) == {"LedgerEntry": 16}
    assert books(wallet) == (23 * CREDIT, 0)
    assert any("down as refunded" in sentence for sentence in ledger.disagreements())


def test_the_same_refund_sixteen_times_is_one_refund(wallet: Wallet) -> None:
    hold = wallets.capture(wallets.place_hold(wallet, 4 * CREDIT, reference="job:1", description="4 pictures"), 3 * CREDIT)
    outcomes = refunds_at_once(hold, CREDIT, lambda number: "refund:same")
    assert kinds(outcomes) == {"LedgerEntry": 16}
    assert len({entry.pk for entry in outcomes}) == 1
    assert books(wallet) == (8 * CREDIT, 0)


def test_a_wallet_opened_by_sixteen_at_once_welcomes_once(alice: User, settings: Any) -> None:
    settings.TEAM_LISTENER = ""
    team = create_team("Alice's other", alice, is_personal=True)
    outcomes = at_once(*((lambda: Team.objects.get(pk=team.pk), wallets.open_wallet) for _ in range(RUNNERS)))
    assert kinds(outcomes) == {"Wallet": 16}
    wallet = Wallet.objects.get(team=team)
    assert {outcome.pk for outcome in outcomes} == {wallet.pk}
    assert (wallet.balance, wallet.held) == (25 * CREDIT, 0)
    assert list(wallet.entries.values_list("kind", "reference", "amount")) == [("grant", "welcome", 25 * CREDIT)]


def test_holds_captures_voids_and_refunds_all_at_once_keep_the_books(wallet: Wallet) -> None:
    """Each runner does a whole story on the one wallet; nothing of it may be lost, and nobody may wait for each other for ever."""

    def story(number: int) -> Callable[[Wallet], str]:
        def act(seen: Wallet) -> str:
            hold = wallets.place_hold(seen, 600, reference=f"job:{number}", description="A picture")
            if number % 4 == 3:
                return wallets.void(hold).status
            wallets.capture(hold, 500)
            if number % 4 == 2:
                wallets.refund(hold, 200, reference=f"refund:{number}", description="Given back")
            return hold.status

        return act

    outcomes = at_once(*((lambda: Wallet.objects.get(pk=wallet.pk), story(number)) for number in range(RUNNERS)))
    assert outcomes == ["captured", "captured", "captured", "voided"] * 4
    assert books(wallet) == (10 * CREDIT - 12 * 500 + 4 * 200, 0)
    assert wallet.holds.aggregate(charged=Sum("captured"), refunded=Sum("refunded")) == {"charged": 12 * 500, "refunded": 4 * 200}
    assert list(ledger.disagreements()) == []
