"""The check of what was sold against the ledger, for `manage.py verify_ledger`.

These must always agree: a purchase that is paid has brought its credits, once, less those that were taken back; one that is not has brought
none; nothing names a purchase that there is not; what is frozen of a purchase is what its open disputes have frozen; what was taken back of
a plan's credits is what its invoice says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Q, Sum

from billing.credits import credits
from billing.models import Account, Dispute, LedgerEntry, Purchase, SubscriptionInvoice

CHUNK = 2000


def disagreements() -> Iterator[str]:
    """A sentence for each."""
    sold, frozen = _by_purchase("amount", account=Account.SALES), _by_purchase("frozen")
    open_disputes = dict(
        Dispute.objects.filter(status=Dispute.Status.OPEN).order_by().values_list("purchase").annotate(total=Sum("frozen"))
    )
    for purchase in Purchase.objects.order_by("pk").iterator(CHUNK):
        name, key = f"Purchase {purchase.pk} ({purchase.reference})", str(purchase.pk)
        expected = purchase.millicredits - purchase.taken if purchase.is_paid else 0
        found = sold.pop(key, 0)
        if found != expected:
            yield f"{name}: it is {purchase.status}, so it must have brought {credits(expected)} credits; it brought {credits(found)}."
        if frozen.get(key, 0) != open_disputes.get(purchase.pk, 0):
            disputed, kept = credits(open_disputes.get(purchase.pk, 0)), credits(frozen.get(key, 0))
            yield f"{name}: its disputes have {disputed} credits frozen, the entries add up to {kept}."
    for key, amount in sold.items():
        if amount:
            yield f"{credits(amount)} credits count as sold by purchase {key}, which there is not."
    yield from _plans()


def _plans() -> Iterator[str]:
    for invoice in SubscriptionInvoice.objects.filter(Q(moves__gt=0) | Q(taken__gt=0)).select_related("subscription").order_by("pk"):
        entries = LedgerEntry.objects.filter(wallet=invoice.subscription.wallet_id, reference__startswith=f"plan:{invoice.external_id}:")
        found = -(entries.aggregate(total=Sum("amount"))["total"] or 0)
        if found != invoice.taken:
            yield f"Invoice {invoice}: {credits(invoice.taken)} credits count as taken back, the entries add up to {credits(found)}."


def _by_purchase(column: str, **conditions: str) -> dict[str, int]:
    """The sum of a column over the entries of each purchase, by its id: their references begin with "purchase:<id>"."""
    found: dict[str, int] = defaultdict(int)
    entries = LedgerEntry.objects.filter(reference__startswith="purchase:", **conditions).exclude(**{column: 0})
    for reference, amount in entries.values_list("reference", column).iterator(CHUNK):
        found[reference.split(":")[1]] += amount
    return dict(found)
