"""Credits that came at different times and for different reasons: which are spent first, which expire, which can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import User
from billing import ledger
from billing.errors import AmountTooLarge, InsufficientCredits, InvalidAmount
from billing.models import Account, Hold, LedgerEntry, Lot, Wallet
from billing.services import wallets
from billing.services.wallets import capture, grant, place_hold, refund, void
from tests.billing.conftest import CREDIT

pytestmark = pytest.mark.django_db


def soon(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


def gift(wallet: Wallet, amount: int, days: float | None = None, *, source: Account = Account.PROMOTIONS) -> Lot:
    number = wallet.lots.count()
    expires_at = None if days is None else soon(days)
    entry = grant(wallet, amount, reference=f"gift:{number}", description="A gift", source=source, expires_at=expires_at)
    return entry.lot


def spend(wallet: Wallet, amount: int, held: int | None = None) -> Hold:
    return capture(place_hold(wallet, held or amount, reference=f"job:{Hold.objects.count()}", description="4 pictures"), amount)


@pytest.fixture
def later(time_machine: TimeMachineFixture) -> Callable[[float], None]:
    """So many days later."""
    time_machine.move_to(timezone.now(), tick=False)
    return lambda days: time_machine.shift(timedelta(days=days))


def left(*lots: Lot) -> list[int]:
    """Credits that are left of each."""
    return [Lot.objects.get(pk=lot.pk).remaining // CREDIT for lot in lots]


@pytest.fixture(autouse=True)
def books_agree(wallet: Wallet) -> Iterator[None]:
    yield
    assert list(ledger.disagreements()) == []


def test_what_expires_first_is_spent_first_and_then_what_came_first(wallet: Wallet) -> None:
    first = wallet.lots.get()
    late, early = gift(wallet, 3 * CREDIT, 20), gift(wallet, 2 * CREDIT, 10)
    last = gift(wallet, 4 * CREDIT)
    spend(wallet, 1 * CREDIT)
    assert left(first, late, early, last) == [10, 3, 1, 4]
    hold = spend(wallet, 6 * CREDIT)
    assert left(first, late, early, last) == [8, 0, 0, 4]
    [charge] = LedgerEntry.objects.filter(hold=hold, kind="capture")
    assert sorted(charge.uses.values_list("lot", "amount")) == sorted([(early.pk, -1000), (late.pk, -3000), (first.pk, -2000)])
    spend(wallet, 11 * CREDIT)
    assert left(first, late, early, last) == [0, 0, 0, 1]


def test_what_has_expired_is_taken_out_before_the_next_hold(wallet: Wallet, later: Callable[[float], None]) -> None:
    first, short = wallet.lots.get(), gift(wallet, 5 * CREDIT, 1)
    later(1)
    with pytest.raises(InsufficientCredits) as refused:
        place_hold(wallet, 12 * CREDIT, reference="job", description="12 pictures")
    assert refused.value.available == 10 * CREDIT  # without those that have expired
    assert left(first, short) == [10, 5]  # nothing was left behind, not even the expiry
    place_hold(wallet, 2 * CREDIT, reference="job", description="2 pictures")
    assert left(first, short) == [10, 0]
    [entry] = wallet.entries.filter(kind="expiry")
    assert (entry.amount, entry.account, entry.description) == (-5000, "expired", "Expired: codes and gifts")
    assert wallets.expire(wallet) == 0


def test_what_has_expired_is_not_shown_as_available(
    wallet: Wallet, alice: User, client_of: Any, later: Callable[[float], None], django_assert_num_queries: Any
) -> None:
    gift(wallet, 5 * CREDIT, 1)
    hold = place_hold(wallet, 2 * CREDIT, reference="job", description="2 pictures")
    later(1)
    now = Wallet.objects.get(pk=wallet.pk)
    assert (now.free, now.available) == (13 * CREDIT, 10 * CREDIT)  # what work has set aside is of those that expire
    team = wallet.team
    with django_assert_num_queries(1):  # as every page's header reads it, and the list of wallets
        assert wallets.shown_of(team).available == 10 * CREDIT
    page = client_of(alice).get(reverse("wallet")).content.decode()
    assert '<span class="num">10</span>' in page
    assert '<span class="xs muted">Available</span><b class="num">10</b>' in page
    assert "Expires next" not in page
    assert Wallet.objects.get(pk=wallet.pk).balance == 15 * CREDIT, "who looks takes nothing out"
    with pytest.raises(AmountTooLarge) as refused:
        wallets.correct(wallet, -11 * CREDIT, reference="wrong", description="Too much", actor=alice)
    assert refused.value.limit == 10 * CREDIT
    wallets.correct(wallet, -10 * CREDIT, reference="right", description="All of it", actor=alice)
    assert Wallet.objects.get(pk=wallet.pk).available == 0
    wallets.void(hold)
    assert Wallet.objects.get(pk=wallet.pk).available == 2 * CREDIT  # of those that last: what expires first was taken first


def test_what_work_has_set_aside_does_not_expire_under_it(wallet: Wallet, later: Callable[[float], None]) -> None:
    first, short = wallet.lots.get(), gift(wallet, 5 * CREDIT, 1)
    hold = place_hold(wallet, 3 * CREDIT, reference="job", description="3 pictures")
    later(2)
    assert wallets.expire(wallet) == 2 * CREDIT
    capture(hold, 1 * CREDIT)
    assert left(first, short) == [10, 2]
    assert wallets.expire(wallet) == 2 * CREDIT
    assert left(first, short) == [10, 0]
    assert wallet.entries.filter(kind="expiry").count() == 2


def test_a_refund_goes_back_where_the_charge_came_from(wallet: Wallet) -> None:
    first, short = wallet.lots.get(), gift(wallet, 2 * CREDIT, 10)
    hold = spend(wallet, 5 * CREDIT)
    assert left(first, short) == [7, 0]
    refund(hold, 4 * CREDIT, reference="refund:1", description="Blurred")
    assert left(first, short) == [10, 1]
    refund(hold, 1 * CREDIT, reference="refund:2", description="Blurred")
    assert left(first, short) == [10, 2]


def test_refunded_credits_that_would_have_expired_last_a_while(wallet: Wallet, later: Callable[[float], None]) -> None:
    short = gift(wallet, 2 * CREDIT, 1)
    hold = spend(wallet, 1 * CREDIT)
    later(3)
    refund(hold, 1 * CREDIT, reference="refund", description="Blurred")
    assert left(short) == [1]  # what had not been spent is gone, what came back is there
    later(29)
    assert wallets.expire(wallet) == 0
    later(2)
    assert wallets.expire(wallet) == 1 * CREDIT
    assert wallet.entries.filter(kind="expiry").count() == 2


def test_unused_credits_are_taken_back_once_and_no_more_than_are_free(wallet: Wallet, alice: User) -> None:
    bought = gift(wallet, 8 * CREDIT, source=Account.SALES)
    place_hold(wallet, 12 * CREDIT, reference="job", description="12 pictures")
    with pytest.raises(AmountTooLarge) as refused:
        wallets.revoke(bought, 7 * CREDIT, reference="refund", description="Refunded")
    assert refused.value.limit == 6 * CREDIT
    entry = wallets.revoke(bought, 6 * CREDIT, reference="refund", description="Refunded", actor=alice)
    assert (entry.kind, entry.amount, entry.account, entry.actor) == ("revocation", -6000, "sales", alice)
    assert wallets.revoke(bought, 6 * CREDIT, reference="refund", description="Refunded") == entry
    assert left(bought) == [2]


def test_what_is_frozen_is_not_spent(wallet: Wallet) -> None:
    first, bought = wallet.lots.get(), gift(wallet, 8 * CREDIT, source=Account.SALES)
    entry = wallets.freeze(bought, 20 * CREDIT, reference="dispute", description="Disputed")
    assert entry
    assert entry.frozen == 8 * CREDIT
    assert wallets.freeze(bought, 20 * CREDIT, reference="dispute", description="Disputed") == entry
    assert wallets.freeze(bought, 1, reference="again", description="Disputed") is None
    with pytest.raises(InsufficientCredits):
        place_hold(wallet, 11 * CREDIT, reference="job", description="11 pictures")
    spend(wallet, 10 * CREDIT)
    assert left(first, bought) == [0, 8]
    with pytest.raises(AmountTooLarge):
        wallets.revoke(bought, 1, reference="refund", description="Refunded")
    thawed = wallets.thaw(bought, 5 * CREDIT, reference="won", description="The dispute was won")
    assert thawed
    assert thawed.frozen == -5 * CREDIT
    spend(wallet, 5 * CREDIT)
    assert left(bought) == [3]
    assert Wallet.objects.get(pk=wallet.pk).available == 0


def test_corrections_have_a_reason_and_an_author(wallet: Wallet, alice: User) -> None:
    up = wallets.correct(wallet, 3 * CREDIT, reference="c:1", description="A picture was lost", actor=alice)
    assert (up.kind, up.amount, up.account, up.actor, up.lot.remaining) == ("correction", 3000, "operator", alice, 3000)
    assert wallets.correct(wallet, 3 * CREDIT, reference="c:1", description="A picture was lost", actor=alice) == up
    down = wallets.correct(wallet, -12 * CREDIT, reference="c:2", description="Granted twice", actor=alice)
    assert down.balance_after == 1 * CREDIT
    with pytest.raises(AmountTooLarge):
        wallets.correct(wallet, -2 * CREDIT, reference="c:3", description="Granted twice", actor=alice)
    with pytest.raises(InvalidAmount):
        wallets.correct(wallet, 0, reference="c:4", description="Nothing", actor=alice)


def test_over_all_accounts_the_sum_is_zero(wallet: Wallet, later: Callable[[float], None]) -> None:
    gift(wallet, 5 * CREDIT, 1)
    bought = gift(wallet, 8 * CREDIT, source=Account.SALES)
    spend(wallet, 2 * CREDIT, held=3 * CREDIT)
    void(place_hold(wallet, 1 * CREDIT, reference="voided", description="A picture"))
    wallets.revoke(bought, 8 * CREDIT, reference="refund", description="Refunded")
    later(1)
    wallets.expire(wallet)
    told = ledger.accounts()
    assert {name: total for name, total in told.items() if name not in ("wallets", "welcome")} == {
        "sales": 0,
        "plans": 0,
        "promotions": -5 * CREDIT,
        "operator": -10 * CREDIT,
        "spent": 2 * CREDIT,
        "expired": 3 * CREDIT,
    }
    assert sum(told.values()) == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE billing_{} SET amount = amount - 1 WHERE amount < 0", "DELETE FROM billing_{} WHERE amount < 0"]
)
@pytest.mark.parametrize("table", ["ledgerentry", "lotuse"])
def test_postgresql_itself_keeps_the_ledger_append_only(wallet: Wallet, table: str, statement: str) -> None:
    spend(wallet, 1 * CREDIT)
    guarded = connection.vendor == "postgresql"  # SQLite has the guard of the models alone
    refused = pytest.raises(DatabaseError, match="never changed or deleted") if guarded else nullcontext()
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
        transaction.set_rollback(True)


def test_an_erased_person_is_forgotten_and_the_entry_stays(wallet: Wallet, bob: User) -> None:
    hold = capture(place_hold(wallet, CREDIT, reference="job", description="A picture", actor=bob), CREDIT)
    bob.memberships.all().delete()
    User.objects.filter(pk=bob.pk).delete()
    assert list(LedgerEntry.objects.filter(hold=hold).values_list("kind", "actor")) == [("hold", None), ("capture", None)]
