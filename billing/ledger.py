"""Do the books agree? Each check yields a sentence for each thing that does not.

What must hold: a wallet's balance is the sum of its entries' amounts, and of what is left of its lots; what it has held is the sum of its
entries' held, and of its active holds; what is frozen likewise of its entries and its lots; what a lot has left is what came less what was
used; an entry moves what it brought as a lot, or used of lots; over all wallets and accounts the sum is zero; a hold charges at most what
it held, refunds at most what it charged, and has exactly the entries that its status calls for; every entry says the balance that the
entries up to it add up to; a running sum of a budget is what the holds of its time add up to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Window
from django.db.models.functions import Coalesce
from django.utils.module_loading import import_string
from django.utils.timezone import localtime

from billing.credits import MILLICREDITS, credits, noun, signed
from billing.models import Account, Hold, LedgerEntry, Lot, LotUse, Spent, Wallet
from billing.services.sums import COST

Kind = LedgerEntry.Kind
Status = Hold.Status
CHUNK = 2000


def disagreements() -> Iterator[str]:
    """Every disagreement in the books, then those that `settings.LEDGER_CHECKS` (dotted paths of functions like this one) find."""
    yield from _wallets()
    yield from _holds()
    yield from _entries()
    yield from _lots()
    yield from _accounts()
    yield from _sums()
    for path in settings.LEDGER_CHECKS:
        check: Callable[[], Iterable[str]] = import_string(path)
        yield from check()


@contextmanager
def snapshot() -> Iterator[None]:
    """Let all checks see one moment of the books, without keeping anybody from writing."""
    if connection.in_atomic_block:
        yield
        return
    if connection.vendor == "sqlite":
        # The studio's transactions begin IMMEDIATE, which would lock writers out; a deferred one reads a snapshot of the WAL.
        connection.ensure_connection()
        mode = connection.transaction_mode  # type: ignore[attr-defined]
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                yield
        finally:
            connection.transaction_mode = mode  # type: ignore[attr-defined]
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def accounts() -> dict[str, int]:
    """Millicredits in all wallets ("wallets") and in each account, which is negative where credits come from. Together they are zero."""
    moved = LedgerEntry.objects.order_by().values_list("account").annotate(total=Sum("amount"))
    totals = {account: -(total or 0) for account, total in moved if account}
    in_wallets = Wallet.objects.aggregate(total=Sum("balance"))["total"] or 0
    return {"wallets": in_wallets, **{account: totals.get(account, 0) for account in Account.values}}


def _total(rows: QuerySet[LedgerEntry] | QuerySet[Hold] | QuerySet[Lot], column: str) -> Coalesce:
    """The sum of a column over the rows of the outer wallet, 0 for none."""
    sums = rows.filter(wallet=OuterRef("pk")).order_by().values("wallet").annotate(total=Sum(column)).values("total")
    return Coalesce(Subquery(sums), 0)


def _wallets() -> Iterator[str]:
    entries, active = LedgerEntry.objects.all(), Hold.objects.active()
    wallets = Wallet.objects.select_related("team").annotate(
        sum_of_amounts=_total(entries, "amount"),
        sum_of_held=_total(entries, "held"),
        sum_of_active=_total(active, "amount"),
        sum_of_frozen=_total(entries, "frozen"),
        left_of_lots=_total(Lot.objects.all(), "remaining"),
        frozen_of_lots=_total(Lot.objects.all(), "frozen"),
    )
    wrong = ~Q(balance=F("sum_of_amounts"), held=F("sum_of_held"), frozen=F("sum_of_frozen"))
    wrong |= ~Q(held=F("sum_of_active")) | ~Q(balance=F("left_of_lots"), frozen=F("frozen_of_lots"))
    rows: Iterable[Any] = wallets.filter(wrong).order_by("pk").iterator(CHUNK)
    for wallet in rows:
        name = f"Wallet {wallet.pk} ({wallet.team})"
        if wallet.balance != wallet.sum_of_amounts:
            yield f"{name}: the balance is {credits(wallet.balance)}, the entries add up to {credits(wallet.sum_of_amounts)}."
        if wallet.held != wallet.sum_of_held:
            yield f"{name}: {_so_many(wallet.held)} held, the entries add up to {credits(wallet.sum_of_held)}."
        if wallet.held != wallet.sum_of_active:
            yield f"{name}: {_so_many(wallet.held)} held, the active holds add up to {credits(wallet.sum_of_active)}."
        if wallet.frozen != wallet.sum_of_frozen:
            yield f"{name}: {_so_many(wallet.frozen)} frozen, the entries add up to {credits(wallet.sum_of_frozen)}."
        if wallet.balance != wallet.left_of_lots:
            yield f"{name}: the balance is {credits(wallet.balance)}, what is left of its lots adds up to {credits(wallet.left_of_lots)}."
        if wallet.frozen != wallet.frozen_of_lots:
            yield f"{name}: {_so_many(wallet.frozen)} frozen, in its lots {credits(wallet.frozen_of_lots)}."


def _holds() -> Iterator[str]:
    columns: dict[str, Count | Coalesce] = {}
    for kind in (Kind.HOLD, Kind.CAPTURE, Kind.VOID, Kind.REFUND):
        of_kind = Q(entries__kind=kind)
        columns[f"{kind}_count"] = Count("entries", filter=of_kind)
        columns[f"{kind}_amount"] = Coalesce(Sum("entries__amount", filter=of_kind), 0)
        columns[f"{kind}_held"] = Coalesce(Sum("entries__held", filter=of_kind), 0)
    rows: Iterable[Any] = Hold.objects.annotate(**columns).order_by("pk").iterator(CHUNK)
    for hold in rows:
        name = f"Hold {hold.pk} ({hold.reference}) of wallet {hold.wallet_id}"
        if hold.captured > hold.amount:
            yield f"{name}: it held {credits(hold.amount)}, but charged {credits(hold.captured)}."
        if hold.refunded > hold.captured:
            yield f"{name}: it charged {credits(hold.captured)}, but refunded {credits(hold.refunded)}."
        if hold.status != Status.CAPTURED and hold.captured:
            yield f"{name}: it is {hold.status}, but {_so_many(hold.captured)} down as charged."
        if hold.status not in Status.values:
            yield f"{name}: nobody knows the status “{hold.status}”."
        for kind, expected in _expected(hold).items():
            found = (getattr(hold, f"{kind}_count"), getattr(hold, f"{kind}_amount"), getattr(hold, f"{kind}_held"))
            if found != expected:
                yield f"{name}: it is {hold.status}, so there must be {_told(kind, expected)}; there {_are(found)} {_told(kind, found)}."
        if hold.refund_amount != hold.refunded or hold.refund_held:
            yield f"{name}: {_so_many(hold.refunded)} down as refunded, the entries add up to {credits(hold.refund_amount)}."


def _expected(hold: Hold) -> dict[Kind, tuple[int, int, int]]:
    """How many entries of a kind a hold of this status has, and what they add to the balance and to what is held."""
    none = (0, 0, 0)
    return {
        Kind.HOLD: (1, 0, hold.amount),
        Kind.CAPTURE: (1, -hold.captured, -hold.amount) if hold.status == Status.CAPTURED else none,
        Kind.VOID: (1, 0, -hold.amount) if hold.status == Status.VOIDED else none,
    }


def _so_many(millicredits: int) -> str:
    return f"{credits(millicredits)} {noun(millicredits)} {'is' if millicredits == MILLICREDITS else 'are'}"


def _are(found: tuple[int, int, int]) -> str:
    return "is" if found[0] == 1 else "are"


def _told(kind: Kind, entries: tuple[int, int, int]) -> str:
    count, amount, held = entries
    if not count:
        return f"no {kind} entries"
    return f"{count} {kind} {'entry' if count == 1 else 'entries'} (balance {signed(amount)}, held {signed(held)})"


def _entries() -> Iterator[str]:
    of_work = Q(kind__in=(Kind.HOLD, Kind.CAPTURE, Kind.VOID, Kind.REFUND))
    strays = LedgerEntry.objects.filter(of_work, hold=None) | LedgerEntry.objects.filter(~of_work, hold__isnull=False)
    for entry in strays.order_by("pk").iterator(CHUNK):
        yield f"Entry {entry.pk} of wallet {entry.wallet_id}: a {entry.kind} must {'not ' if entry.hold_id else ''}belong to a hold."
    elsewhere = LedgerEntry.objects.filter(~Q(hold__wallet=F("wallet")), hold__isnull=False)
    for entry in elsewhere.order_by("pk").iterator(CHUNK):
        yield f"Entry {entry.pk} of wallet {entry.wallet_id}: its hold {entry.hold_id} belongs to another wallet."
    running = Window(Sum("amount"), partition_by=F("wallet"), order_by=F("id").asc())
    told = set()
    wrong = LedgerEntry.objects.annotate(running=running).filter(~Q(balance_after=F("running")))
    rows: Iterable[Any] = wrong.order_by("pk").iterator(CHUNK)
    for entry in rows:
        # Whatever went wrong at the first one is wrong in all that follow.
        if entry.wallet_id not in told:
            told.add(entry.wallet_id)
            yield (
                f"Entry {entry.pk} of wallet {entry.wallet_id}: it says that the balance was {credits(entry.balance_after)}, "
                f"the entries up to it add up to {credits(entry.running)}."
            )


def _lots() -> Iterator[str]:
    used = LotUse.objects.filter(lot=OuterRef("pk")).order_by().values("lot").annotate(total=Sum("amount")).values("total")
    lots = Lot.objects.annotate(used=Coalesce(Subquery(used), 0)).filter(~Q(remaining=F("amount") + F("used")))
    rows: Iterable[Any] = lots.order_by("pk").iterator(CHUNK)
    for lot in rows:
        yield (
            f"Lot {lot.pk} of wallet {lot.wallet_id}: {credits(lot.amount)} came and {credits(-lot.used)} went, "
            f"but {_so_many(lot.remaining)} left."
        )
    moved = LotUse.objects.filter(entry=OuterRef("pk")).order_by().values("entry").annotate(total=Sum("amount")).values("total")
    brought = Coalesce(F("lot__amount"), 0) + Coalesce(Subquery(moved), 0)
    wrong = LedgerEntry.objects.annotate(in_lots=brought).filter(~Q(amount=F("in_lots")))
    found: Iterable[Any] = wrong.order_by("pk").iterator(CHUNK)
    for entry in found:
        name = f"Entry {entry.pk} of wallet {entry.wallet_id}"
        yield f"{name}: it moved {credits(entry.amount)}, but {credits(entry.in_lots)} in lots."


def _accounts() -> Iterator[str]:
    total = sum(accounts().values())
    if total:
        yield f"All wallets and accounts together are {credits(total)}, and not zero: credits came from nowhere, or went nowhere."


def _sums() -> Iterator[str]:
    of_team = Hold.objects.filter(wallet=OuterRef("wallet"), created_at__gte=OuterRef("begins"), created_at__lt=OuterRef("ends"))
    kinds = (
        (Q(member=None, api_key=None), of_team),
        (Q(member__isnull=False), of_team.filter(actor=OuterRef("member"))),
        (Q(api_key__isnull=False), of_team.filter(Q(api_key=OuterRef("api_key")) | Q(api_key__origin=OuterRef("api_key")))),
    )
    for kept, holds in kinds:
        total = Subquery(holds.order_by().values("wallet").annotate(total=Sum(COST)).values("total"))
        rows = Spent.objects.filter(kept).annotate(total=Coalesce(total, 0)).filter(~Q(amount=F("total")))
        found: Iterable[Any] = rows.select_related("member", "api_key").order_by("pk").iterator(CHUNK)
        for row in found:
            whose, since = row.member or row.api_key or "the team", f"{localtime(row.begins):%Y-%m-%d %H:%M}"
            yield (
                f"Budgets of wallet {row.wallet_id}: from {since} on, {whose} is down with {credits(row.amount)}, "
                f"the holds add up to {credits(row.total)}. Run manage.py verify_ledger --recount."
            )
