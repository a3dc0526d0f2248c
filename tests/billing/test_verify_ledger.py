"""`manage.py verify_ledger` finds what was planted, names it in a sentence, and exits with 1."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Team, User
from billing import ledger
from billing.models import Hold, LedgerEntry, Wallet
from billing.services.wallets import capture, grant, place_hold, refund, void, wallet_of

pytestmark = pytest.mark.django_db


def verify() -> tuple[bool, list[str]]:
    """Whether the command was content, and the lines that it printed."""
    out = StringIO()
    try:
        call_command("verify_ledger", stdout=out)
    except CommandError as error:
        return error.returncode == 0, out.getvalue().splitlines()
    return True, out.getvalue().splitlines()


def tamper(table: str, pk: int, **values: Any) -> None:
    """Change a row as somebody with a database console would, past everything that guards it."""
    sets = ", ".join(f"{column} = %s" for column in values)
    with unguarded(f"billing_{table}"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_{table} SET {sets} WHERE id = %s", [*values.values(), pk])
        assert cursor.rowcount == 1


@contextmanager
def unguarded(*tables: str) -> Iterator[None]:
    """Without the triggers of PostgreSQL that keep the ledger append-only."""
    alter = "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {} {} TRIGGER USER"
    with connection.cursor() as cursor:
        for table in tables if connection.vendor == "postgresql" else ():
            cursor.execute(alter.format(table, "DISABLE"))
        yield
        for table in tables if connection.vendor == "postgresql" else ():
            cursor.execute(alter.format(table, "ENABLE"))


@pytest.fixture
def story(wallet: Wallet) -> dict[str, Hold]:
    """A hold of each kind: active 1, captured 3 of 4 with 1 refunded, voided 2. Balance 8, held 1."""
    holds = {
        name: place_hold(wallet, amount, reference=name, description=name) for name, amount in (("active", 1_000), ("captured", 4_000))
    }
    capture(holds["captured"], 3_000)
    refund(holds["captured"], 1_000, reference="refund", description="Blurred")
    holds["voided"] = void(place_hold(wallet, 2_000, reference="voided", description="voided"))
    return holds


def test_books_that_agree(story: dict[str, Hold]) -> None:
    # Two wallets: of Harbour Street and of alice alone, who was welcomed.
    assert verify() == (True, ["The books agree: 2 wallets, 8 entries, 3 holds (1 active)."])


def test_what_is_there_once_is_one(alice: User) -> None:
    assert verify() == (True, ["The books agree: 1 wallet, 1 entry, 0 holds (0 active)."])


def test_an_empty_studio_agrees() -> None:
    assert verify() == (True, ["The books agree: 0 wallets, 0 entries, 0 holds (0 active)."])


def test_a_balance_that_nobody_wrote_down(wallet: Wallet, story: dict[str, Hold]) -> None:
    tamper("wallet", wallet.pk, balance=9_000)
    assert verify() == (
        False,
        [
            f"Wallet {wallet.pk} (Harbour Street): the balance is 9, the entries add up to 8.",
            f"Wallet {wallet.pk} (Harbour Street): the balance is 9, what is left of its lots adds up to 8.",
            "All wallets and accounts together are 1, and not zero: credits came from nowhere, or went nowhere.",
        ],
    )


def test_a_wallet_that_holds_more_than_its_holds(wallet: Wallet, story: dict[str, Hold]) -> None:
    tamper("wallet", wallet.pk, held=2_000)
    assert verify() == (
        False,
        [
            f"Wallet {wallet.pk} (Harbour Street): 2 credits are held, the entries add up to 1.",
            f"Wallet {wallet.pk} (Harbour Street): 2 credits are held, the active holds add up to 1.",
        ],
    )


PLANTED: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a hold that was settled without an entry": (
        "active",
        {"status": "voided"},
        [
            "Wallet {wallet} (Harbour Street): 1 credit is held, the active holds add up to 0.",
            "Hold {hold} (active) of wallet {wallet}: it is voided, so there must be 1 void entry (balance 0, held −1); "
            "there are no void entries.",
        ],
    ),
    "a hold that came back to life": (
        "voided",
        {"status": "active"},
        [
            "Wallet {wallet} (Harbour Street): 1 credit is held, the active holds add up to 3.",
            "Hold {hold} (voided) of wallet {wallet}: it is active, so there must be no void entries; "
            "there is 1 void entry (balance 0, held −2).",
        ],
    ),
    "a charge that was made larger": (
        "captured",
        {"captured": 4_000},
        [
            "Hold {hold} (captured) of wallet {wallet}: it is captured, so there must be 1 capture entry (balance −4, held −4); "
            "there is 1 capture entry (balance −3, held −4).",
        ],
    ),
    "a refund that was forgotten": (
        "captured",
        {"refunded": 0},
        ["Hold {hold} (captured) of wallet {wallet}: 0 credits are down as refunded, the entries add up to 1."],
    ),
    "an unknown status": (
        "voided",
        {"status": "lost"},
        [
            "Hold {hold} (voided) of wallet {wallet}: nobody knows the status “lost”.",
            "Hold {hold} (voided) of wallet {wallet}: it is lost, so there must be no void entries; "
            "there is 1 void entry (balance 0, held −2).",
        ],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_hold_that_does_not_fit_its_entries(wallet: Wallet, story: dict[str, Hold], name: str) -> None:
    which, values, sentences = PLANTED[name]
    tamper("hold", story[which].pk, **values)
    assert verify() == (False, [sentence.format(wallet=wallet.pk, hold=story[which].pk) for sentence in sentences])


def test_a_hold_that_charged_and_refunded_more_than_it_held(wallet: Wallet, story: dict[str, Hold]) -> None:
    # The database refuses such a row while its checks are on; a restored dump or another tool may not.
    hold = story["captured"]
    with without_checks():
        tamper("hold", hold.pk, captured=5_000, refunded=6_000)
        content, lines = verify()
        tamper("hold", hold.pk, captured=3_000, refunded=1_000)
    assert not content
    assert lines[:2] == [
        f"Hold {hold.pk} (captured) of wallet {wallet.pk}: it held 4, but charged 5.",
        f"Hold {hold.pk} (captured) of wallet {wallet.pk}: it charged 5, but refunded 6.",
    ]


class without_checks:
    """Check constraints off; on PostgreSQL they are dropped, which the test's rollback undoes."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA ignore_check_constraints = 1")
            else:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                for constraint in Hold._meta.constraints:
                    if "hold_once" not in constraint.name:
                        cursor.execute(f"ALTER TABLE billing_hold DROP CONSTRAINT {constraint.name}")

    def __exit__(self, *args: object) -> None:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA ignore_check_constraints = 0")


ENTRIES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "an entry that was made larger": (
        {"kind": "grant"},
        {"amount": 11_000},
        "Entry {entry} of wallet {wallet}: it says that the balance was 10, the entries up to it add up to 11.",
    ),
    "a balance after that was edited": (
        {"kind": "capture"},
        {"balance_after": 1},
        "Entry {entry} of wallet {wallet}: it says that the balance was 0.001, the entries up to it add up to 7.",
    ),
    "a charge without a hold": (
        {"kind": "capture"},
        {"hold_id": None},
        "Entry {entry} of wallet {wallet}: a capture must belong to a hold.",
    ),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_that_was_edited(wallet: Wallet, story: dict[str, Hold], name: str) -> None:
    which, values, sentence = ENTRIES[name]
    entry = wallet.entries.get(**which)
    tamper("ledgerentry", entry.pk, **values)
    content, lines = verify()
    assert not content
    assert sentence.format(wallet=wallet.pk, entry=entry.pk) in lines


def test_a_grant_that_names_a_hold(wallet: Wallet, story: dict[str, Hold]) -> None:
    entry = wallet.entries.get(kind="grant")
    tamper("ledgerentry", entry.pk, hold_id=story["active"].pk)
    assert verify() == (False, [f"Entry {entry.pk} of wallet {wallet.pk}: a grant must not belong to a hold."])


def test_a_hold_of_another_wallet(wallet: Wallet, story: dict[str, Hold], other_team: Team) -> None:
    elsewhere = wallet_of(other_team)
    grant(elsewhere, 5_000, reference="gift", description="A gift")
    theirs = place_hold(elsewhere, 5_000, reference="theirs", description="theirs")
    entry = wallet.entries.get(kind="void")
    tamper("ledgerentry", entry.pk, hold_id=theirs.pk)
    content, lines = verify()
    assert not content
    assert f"Entry {entry.pk} of wallet {wallet.pk}: its hold {theirs.pk} belongs to another wallet." in lines


def test_a_deleted_entry(wallet: Wallet, story: dict[str, Hold]) -> None:
    lot, entry = wallet.lots.get(), wallet.entries.get(kind="refund")
    with unguarded("billing_ledgerentry", "billing_lotuse"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_lotuse WHERE entry_id = %s", [entry.pk])
        cursor.execute("DELETE FROM billing_ledgerentry WHERE id = %s", [entry.pk])
    hold, void_entry = story["captured"], wallet.entries.get(kind="void")
    after = wallet.entries.filter(pk__lt=void_entry.pk).latest("pk")
    assert verify() == (
        False,
        [
            f"Wallet {wallet.pk} (Harbour Street): the balance is 8, the entries add up to 7.",
            f"Hold {hold.pk} (captured) of wallet {wallet.pk}: 1 credit is down as refunded, the entries add up to 0.",
            f"Entry {after.pk} of wallet {wallet.pk}: it says that the balance was 8, the entries up to it add up to 7.",
            f"Lot {lot.pk} of wallet {wallet.pk}: 10 came and 3 went, but 8 credits are left.",
            "All wallets and accounts together are 1, and not zero: credits came from nowhere, or went nowhere.",
        ],
    )


def test_other_rooms_are_asked_by_their_dotted_paths(wallet: Wallet, settings: Any) -> None:
    settings.LEDGER_CHECKS = ["tests.billing.listening.complain"]
    assert verify() == (False, ["Job 7 is running, but its hold is voided."])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("plant", [lambda wallet: None, lambda wallet: tamper("wallet", wallet.pk, balance=9_999)])
def test_outside_a_transaction_the_connection_is_left_as_it_was(wallet: Wallet, plant: Callable[[Wallet], None]) -> None:
    mode = getattr(connection, "transaction_mode", None)
    plant(wallet)
    content, _ = verify()
    assert content == (Wallet.objects.get(pk=wallet.pk).balance == 10_000)
    assert not connection.in_atomic_block
    assert getattr(connection, "transaction_mode", None) == mode
    grant(wallet, 1, reference="after", description="Writing goes on")


@pytest.mark.django_db(transaction=True)
def test_the_books_are_read_at_one_moment_and_writing_goes_on(wallet: Wallet) -> None:
    def write() -> None:
        try:
            grant(Wallet.objects.get(pk=wallet.pk), 1, reference="meanwhile", description="Meanwhile")
        finally:
            connection.close()

    with ledger.snapshot():
        assert LedgerEntry.objects.filter(wallet=wallet).count() == 1
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        writer.join(15)
        assert not writer.is_alive(), "the check keeps others from writing"
        assert LedgerEntry.objects.filter(wallet=wallet).count() == 1
        assert list(ledger.disagreements()) == []
    assert LedgerEntry.objects.filter(wallet=wallet).count() == 2
