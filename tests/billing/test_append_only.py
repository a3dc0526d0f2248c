"""What is in the ledger stays as it was written; a wallet with a past cannot be removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from accounts.models import User
from billing.errors import LedgerIsAppendOnly
from billing.models import LedgerEntry, Wallet
from billing.services.wallets import place_hold

pytestmark = pytest.mark.django_db


def change_and_save(entry: LedgerEntry) -> None:
    entry.amount = 99_000
    entry.save()


def save_one_field(entry: LedgerEntry) -> None:
    entry.description = "Nothing to see here"
    entry.save(update_fields=["description"])


ATTEMPTS: dict[str, Callable[[LedgerEntry], Any]] = {
    "save": change_and_save,
    "save a field": save_one_field,
    "delete": lambda entry: entry.delete(),
    "update rows": lambda entry: LedgerEntry.objects.filter(pk=entry.pk).update(amount=99_000),
    "delete rows": lambda entry: LedgerEntry.objects.filter(pk=entry.pk).delete(),
    "delete all": lambda entry: LedgerEntry.objects.all().delete(),
    "bulk update": lambda entry: LedgerEntry.objects.bulk_update([entry], ["amount"]),
    "bulk create": lambda entry: LedgerEntry.objects.bulk_create([entry], ignore_conflicts=True),
    "update or create": lambda entry: LedgerEntry.objects.update_or_create(pk=entry.pk, defaults={"amount": 99_000}),
    "by the wallet": lambda entry: entry.wallet.entries.update(amount=99_000),
    "clear the wallet": lambda entry: entry.wallet.entries.all().delete(),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_entry_is_never_changed_or_deleted(wallet: Wallet, attempt: str) -> None:
    before = list(LedgerEntry.objects.order_by("id").values())
    with pytest.raises(LedgerIsAppendOnly):
        ATTEMPTS[attempt](wallet.entries.get())
    assert list(LedgerEntry.objects.order_by("id").values()) == before


def test_a_new_object_with_an_old_id_does_not_overwrite(wallet: Wallet) -> None:
    entry = wallet.entries.get()
    imposter = LedgerEntry(pk=entry.pk, wallet=wallet, kind="grant", amount=99_000, balance_after=99_000, reference="other")
    with pytest.raises(IntegrityError), transaction.atomic():
        imposter.save()
    assert wallet.entries.get().amount == 10_000


def test_a_wallet_and_a_hold_with_entries_cannot_be_deleted(wallet: Wallet) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    with pytest.raises(models.ProtectedError):
        hold.delete()
    with pytest.raises(models.ProtectedError):
        wallet.delete()
    with pytest.raises(models.ProtectedError):
        wallet.team.delete()
    assert wallet.entries.count() == 2


def test_who_leaves_the_studio_leaves_the_entry(wallet: Wallet, bob: User) -> None:
    place_hold(wallet, 4_000, reference="job:1", description="4 pictures", actor=bob)
    bob.memberships.all().delete()
    bob.delete()
    entry = wallet.entries.get(kind="hold")
    assert (entry.actor, entry.held, entry.description) == (None, 4_000, "4 pictures")


@pytest.mark.parametrize(
    "change",
    [{"held": -1}, {"balance": 3_999}, {"held": 10_001}, {"balance": -1, "held": 0}],
)
def test_the_database_itself_refuses_a_wallet_that_makes_no_sense(wallet: Wallet, change: dict[str, int]) -> None:
    place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    with pytest.raises(IntegrityError), transaction.atomic():
        Wallet.objects.filter(pk=wallet.pk).update(**change)
    assert Wallet.objects.values_list("balance", "held").get(pk=wallet.pk) == (10_000, 4_000)
