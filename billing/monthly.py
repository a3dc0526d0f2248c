"""The statement of a month: what was there, what came and went, by kind, day, engine and person, and which credits have a last day.

A month's opening balance is the sum of all entries before it, so that opening, entries and closing always add up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from billing import spans
from billing.asking import midnight
from billing.models import LedgerEntry, Lot, Wallet
from billing.spans import following

Kind = LedgerEntry.Kind


@dataclass(frozen=True, slots=True)
class Month:
    """`first` is its first day. Amounts in millicredits; `went` is positive."""

    first: date
    opening: int
    came: int
    went: int
    entries: int

    @property
    def closing(self) -> int:
        return self.opening + self.came - self.went

    @property
    def last(self) -> date:
        return following(self.first) - timedelta(days=1)

    @property
    def name(self) -> str:
        """`2026-11`, as it stands in addresses."""
        return f"{self.first:%Y-%m}"

    @property
    def title(self) -> str:
        return date_format(self.first, "F Y")

    @property
    def is_over(self) -> bool:
        return self.last < timezone.localdate()


@dataclass(frozen=True, slots=True)
class Sums:
    """A line of a table: how many entries, or pieces of work, and their millicredits."""

    label: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class DaySums:
    """What came and went on a day, and the balance that it left."""

    day: date
    count: int
    came: int
    went: int
    balance: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What one engine or person spent: `charged` less `refunded`."""

    label: str
    count: int
    charged: int
    refunded: int

    @property
    def amount(self) -> int:
        return self.charged - self.refunded


@dataclass(frozen=True, slots=True)
class Dated:
    """Credits with a last day: what came, and what was left of them as the month ended."""

    source: str
    came_on: date
    amount: int
    left: int
    expires_on: date


@dataclass(frozen=True, slots=True)
class Statement:
    """`until` is the last day that it knows: the month's, or today. `held` is what work had set aside as it ended."""

    wallet: Wallet
    month: Month
    until: date
    held: int
    kinds: Sequence[Sums]
    days: Sequence[DaySums]
    engines: Sequence[Spent]
    people: Sequence[Spent]
    expiring: Sequence[Dated]

    @property
    def spent(self) -> Spent:
        """The total of the engines, and of the people."""
        charged, refunded = sum(one.charged for one in self.engines), sum(one.refunded for one in self.engines)
        return Spent("Total", sum(one.count for one in self.engines), charged, refunded)


def first_day(name: str) -> date | None:
    """Of a month as it stands in addresses; None when it is none."""
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", name, re.ASCII)
    return date(int(found[1]), int(found[2]), 1) if found and 1970 <= int(found[1]) < 9999 else None


def months(wallet: Wallet) -> list[Month]:
    """Every month since the wallet's first entry, the newest first; in two queries."""
    first = _moved(wallet).order_by("created_at").values_list("created_at", flat=True).first()
    if first is None:
        return []
    shown = spans.months(_day(first), timezone.localdate())
    rows = _moved(wallet).annotate(place=spans.which(shown)).values_list("place")
    found = {place: sums for place, *sums in rows.annotate(came=_came(), went=_went(), entries=Count("pk"))}
    told, balance = [], 0
    for place, span in enumerate(shown):
        told.append(Month(span.first, balance, *found.get(place, (0, 0, 0))))
        balance = told[-1].closing
    return told[::-1]


def statement(wallet: Wallet, first: date) -> Statement | None:
    """Of the month that begins on `first`; None for one before the wallet's first entry, or that has not begun."""
    if first > timezone.localdate():
        return None
    start, end = midnight(first), midnight(following(first))
    before = _moved(wallet).filter(created_at__lt=start).aggregate(total=Coalesce(Sum("amount"), 0), count=Count("pk"))
    within = _moved(wallet).filter(created_at__gte=start, created_at__lt=end)
    kinds = [Sums(Kind(kind).label, count, amount) for kind, count, amount in _by_kind(within)]
    if not kinds and not before["count"]:
        return None
    sums = within.aggregate(came=_came(), went=_went(), entries=Count("pk"))
    month = Month(first, before["total"], sums["came"], sums["went"], sums["entries"])
    return Statement(
        wallet=wallet,
        month=month,
        until=min(month.last, timezone.localdate()),
        held=wallet.entries.filter(created_at__lt=end).aggregate(total=Coalesce(Sum("held"), 0))["total"],
        kinds=kinds,
        days=_days(within, month),
        engines=_spent(within, "hold__product", "Without an engine"),
        people=_named(_spent(within, "hold__actor", "")),
        expiring=_expiring(wallet, first, end),
    )


def _moved(wallet: Wallet) -> QuerySet[LedgerEntry]:
    return wallet.entries.statement().order_by().select_related(None)


def _came() -> Coalesce:
    return Coalesce(Sum("amount", filter=Q(amount__gt=0)), 0)


def _went() -> Coalesce:
    return Coalesce(-Sum("amount", filter=Q(amount__lt=0)), 0)


def _by_kind(entries: QuerySet[LedgerEntry]) -> Iterable[tuple[str, int, int]]:
    """In the order of the kinds."""
    order = list(Kind)
    rows = entries.values_list("kind").annotate(count=Count("pk"), total=Sum("amount"))
    return sorted(rows, key=lambda row: order.index(Kind(row[0])))


def _days(entries: QuerySet[LedgerEntry], month: Month) -> list[DaySums]:
    """The days on which something happened."""
    shown = spans.days(month.first, month.last)
    rows = entries.annotate(place=spans.which(shown)).values_list("place").annotate(count=Count("pk"), came=_came(), went=_went())
    told, balance = [], month.opening
    for place, count, came, went in rows.order_by("place"):
        balance += came - went
        told.append(DaySums(shown[place].first, count, came, went, balance))
    return told


def _spent(entries: QuerySet[LedgerEntry], by: str, unnamed: str) -> list[Spent]:
    """What was charged and refunded in the month, those first who spent most."""
    rows = (
        entries.filter(kind__in=(Kind.CAPTURE, Kind.REFUND))
        .values_list(by)
        .annotate(
            count=Count("pk", filter=Q(kind=Kind.CAPTURE)),
            charged=Coalesce(-Sum("amount", filter=Q(kind=Kind.CAPTURE)), 0),
            refunded=Coalesce(Sum("amount", filter=Q(kind=Kind.REFUND)), 0),
        )
    )
    spent = [Spent(str(part or unnamed), count, charged, refunded) for part, count, charged, refunded in rows]
    return sorted(spent, key=lambda one: (-one.amount, one.label))


def _named(spent: Sequence[Spent]) -> list[Spent]:
    names = {str(user.pk): str(user) for user in User.objects.filter(pk__in=[one.label for one in spent if one.label])}
    return [Spent(names.get(one.label, "Somebody who left"), one.count, one.charged, one.refunded) for one in spent]


def _expiring(wallet: Wallet, first: date, end: datetime | None) -> list[Dated]:
    """Lots with a last day that something was left of as the month ended."""
    lots = Lot.objects.filter(wallet=wallet, expires_at__isnull=False, entry__created_at__lt=end).select_related("entry")
    lots = lots.filter(expires_at__gte=midnight(first)).annotate(
        used=Coalesce(Sum("uses__amount", filter=Q(uses__entry__created_at__lt=end)), 0)
    )
    rows: Iterable[Any] = lots.annotate(left=F("amount") + F("used")).filter(left__gt=0).order_by("expires_at", "pk")
    return [Dated(lot.get_source_display(), _day(lot.entry.created_at), lot.amount, lot.left, _day(lot.expires_at)) for lot in rows]


def _day(moment: datetime | None) -> date:
    return timezone.localdate(moment)
