"""Give the entries of the past their other side, and the credits that came a lot each; what was charged took the oldest first."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

CHUNK = 2000


def fill(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    entries, wallets = apps.get_model("billing", "LedgerEntry").objects, apps.get_model("billing", "Wallet").objects
    entries.filter(kind__in=("capture", "refund"), account="").update(account="spent")
    entries.filter(kind="grant", reference="welcome", account="").update(account="welcome")
    entries.filter(kind="grant", account="").update(account="operator")
    for wallet_id in wallets.order_by("pk").values_list("pk", flat=True).iterator(CHUNK):
        _replay(apps, wallet_id)


def _replay(apps: StateApps, wallet_id: int) -> None:
    """What each entry of a wallet did to its lots, one after the other."""
    lot_of, lot_use = apps.get_model("billing", "Lot"), apps.get_model("billing", "LotUse")
    lots: list[Any] = []
    taken: dict[int, list[list[Any]]] = {}
    uses = []
    moving = apps.get_model("billing", "LedgerEntry").objects.filter(wallet_id=wallet_id).exclude(amount=0).order_by("pk")
    for entry in moving.iterator(CHUNK):
        if entry.kind == "grant":
            lot = lot_of(wallet_id=wallet_id, entry_id=entry.pk, source=entry.account, amount=entry.amount, remaining=entry.amount)
            lot.save()
            lots.append(lot)
            continue
        missing = abs(entry.amount)
        if entry.kind == "capture":
            for lot in lots:
                amount = min(lot.remaining, missing)
                if amount:
                    lot.remaining -= amount
                    missing -= amount
                    uses.append(lot_use(entry_id=entry.pk, lot_id=lot.pk, amount=-amount))
                    taken.setdefault(entry.hold_id, []).append([lot, amount])
        else:
            back: dict[int, int] = {}
            for one in reversed(taken.get(entry.hold_id, [])):
                lot, left = one
                amount = min(left, missing)
                if amount:
                    one[1] -= amount
                    lot.remaining += amount
                    missing -= amount
                    back[lot.pk] = back.get(lot.pk, 0) + amount
            uses += [lot_use(entry_id=entry.pk, lot_id=lot_id, amount=amount) for lot_id, amount in back.items()]
    lot_use.objects.bulk_create(uses, batch_size=CHUNK)
    for lot in lots:
        lot.save(update_fields=["remaining"])


def empty(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("billing", "LotUse").objects.all().delete()
    apps.get_model("billing", "Lot").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_lots")]

    operations = [migrations.RunPython(fill, empty)]
