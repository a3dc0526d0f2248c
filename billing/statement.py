"""What the wallet page shows: figures, the holds of running work, and the statement, filtered and page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.module_loading import import_string

from accounts.models import User
from billing.asking import KINDS, NAMES, Asked
from billing.forecast import Expiring, Forecast, expiring, forecast
from billing.models import Hold, LedgerCheck, LedgerEntry, Wallet

PAGE = 50
"""Lines of a statement shown at a time."""
OPEN_HOLDS = 20
"""Running pieces of work that are listed one by one; the figure counts them all."""


@dataclass(frozen=True, slots=True)
class Line:
    """`outcome`: how the work ended of which not all was charged, in the words of whoever held for it; else empty."""

    entry: LedgerEntry
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """The lines of one day in the studio's time zone, newest first. `continued`: the page before ended within this day."""

    date: date
    lines: Sequence[Line]
    continued: bool = False

    @property
    def title(self) -> str:
        """ "Today", "Yesterday", "Wednesday 18 November"; with the year when it is not this one."""
        today = timezone.localdate()
        if self.date == today:
            return "Today"
        if self.date == today - timedelta(days=1):
            return "Yesterday"
        return date_format(self.date, "l j F" if self.date.year == today.year else "l j F Y")


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is the entry id that the next page starts after; None when there is nothing more."""

    days: Sequence[Day]
    after: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """`running` is the number of active holds, `spent` millicredits charged less refunded since the first of the month `month`, `expiring`
    what expires next, if anything does."""

    running: int
    spent: int
    month: date
    forecast: Forecast
    expiring: Expiring | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all entries that the filters leave: how many, and the millicredits that came in and went out (positive)."""

    count: int
    came: int
    went: int

    @property
    def change(self) -> int:
        return self.came - self.went


@dataclass(frozen=True, slots=True)
class Menu:
    """One filter: its links are (words of an address, label, chosen), the first of which takes it away."""

    title: str
    label: str
    is_set: bool
    links: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What an engine costs, in words: "1 credit a picture, up to 25 steps"."""

    name: str
    price: str


def page(wallet: Wallet, after: int | None = None, size: int = PAGE, asked: Asked | None = None) -> Page:
    """Up to `size` lines that the filters leave and that are older than the entry `after`, in three queries at any depth."""
    entries = list((asked or Asked()).of_wallet(wallet).older_than(after)[: size + 1])
    more = len(entries) > size
    lines = told(entries[:size])
    before = wallet.entries.filter(pk=after).values_list("created_at", flat=True).first() if after and lines else None
    days = [Day(day, list(group)) for day, group in groupby(lines, key=lambda line: timezone.localdate(line.entry.created_at))]
    if before and days[0].date == timezone.localdate(before):
        days[0] = Day(days[0].date, days[0].lines, continued=True)
    return Page(days, lines[-1].entry.pk if more else None)


def told(entries: Sequence[LedgerEntry]) -> list[Line]:
    """The entries with what `settings.HOLD_OUTCOMES` (a dotted path; holds' ids -> (id, words)) says of their work."""
    kept = [entry.hold_id for entry in entries if entry.hold and entry.hold.released]
    outcomes = dict(import_string(settings.HOLD_OUTCOMES)(kept)) if settings.HOLD_OUTCOMES and kept else {}
    return [Line(entry, outcomes.get(entry.hold_id, "") if entry.kind != LedgerEntry.Kind.REFUND else "") for entry in entries]


def totals(wallet: Wallet, asked: Asked) -> Totals:
    """In one query."""
    sums = (
        asked.of_wallet(wallet)
        .order_by()
        .aggregate(count=Count("pk"), came=Sum("amount", filter=Q(amount__gt=0)), went=Sum("amount", filter=Q(amount__lt=0)))
    )
    return Totals(sums["count"], sums["came"] or 0, -(sums["went"] or 0))


def menus(wallet: Wallet, asked: Asked) -> list[Menu]:
    """The filters that are chosen from a list: who, which engine, which kind of entry."""
    members = User.objects.filter(memberships__team=wallet.team_id).order_by("name", "pk")
    people = [(str(user.pk), str(user)) for user in members]
    products = wallet.holds.exclude(product="").order_by("product").values_list("product", flat=True).distinct()
    return [
        _menu(asked, "person", "Who", "Anyone", people, unknown=lambda key: _somebody(wallet, key)),
        _menu(asked, "product", "Engine", "Any engine", [(one, one) for one in products]),
        _menu(asked, "kind", "What", "Everything", list(KINDS.items())),
    ]


def _menu(asked: Asked, name: str, title: str, nothing: str, offered: list[tuple[str, str]], unknown: Callable[[str], str] = str) -> Menu:
    """What is chosen and nobody offers is offered under the name that `unknown` gives it."""
    word, chosen = NAMES.get(name, name), str(getattr(asked, name) or "")
    if chosen and chosen not in dict(offered):
        offered = [*offered, (chosen, unknown(chosen))]
    choices = [("", nothing), *offered]
    links = [(asked.query(**{word: value}), label, value == chosen) for value, label in choices]
    return Menu(title, dict(choices)[chosen], bool(chosen), links)


def _somebody(wallet: Wallet, key: str) -> str:
    """A person of this statement who has left; whoever else is asked for has no name here."""
    entry = wallet.entries.statement().matching(person=int(key)).first()
    return str(entry.actor) if entry and entry.actor else "Somebody else"


def figures(wallet: Wallet) -> Figures:
    month = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    lots = list(wallet.lots.left().in_order())
    return Figures(
        running=wallet.holds.active().count(),
        spent=wallet.entries.spent_since(_exact(month)),
        month=month.date(),
        forecast=forecast(wallet, lots),
        expiring=expiring(lots),
    )


def last_check() -> LedgerCheck | None:
    """When all books were last looked through."""
    return LedgerCheck.objects.last_done()


def open_holds(wallet: Wallet) -> list[Hold]:
    """The newest active holds, at most `OPEN_HOLDS`."""
    return list(wallet.holds.active().select_related("actor", "api_key").order_by("-id")[:OPEN_HOLDS])


def price_list() -> list[PriceLine]:
    """What `settings.PRICE_LIST` (a dotted path to a function yielding (name, price in words)) says now; empty without one."""
    if not settings.PRICE_LIST:
        return []
    return [PriceLine(name, price) for name, price in import_string(settings.PRICE_LIST)()]


def _exact(moment: datetime) -> datetime:
    """Midnight as the clock on the wall has it: `replace` keeps the offset of now, which daylight saving may have changed since."""
    return timezone.make_aware(moment.replace(tzinfo=None))
