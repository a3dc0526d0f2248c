"""The operator's view of a year: money that came, credits that came and went, what providers took, and what is left over, by month."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing import spans
from billing.asking import midnight
from billing.exports import plain
from billing.models import SOURCES, Account, Dispute, LedgerEntry, PaymentRefund, Purchase, Reversal, SubscriptionInvoice
from billing.money import money
from billing.spans import Span
from studio.costs.report import decimal
from studio.generation.models import Job

MONTHS = 12


@dataclass(frozen=True, slots=True)
class EngineSums:
    """Jobs of one engine that ended in a month. Amounts in millicredits; `charged` less what was refunded of it since."""

    engine: str
    jobs: int
    charged: int
    cost: int
    unknown: int

    @property
    def margin(self) -> int:
        return self.charged - self.cost


@dataclass(frozen=True, slots=True)
class MonthSums:
    """`came` (for packs and plans; a plan's by the day of its invoice) and `back` are money by currency, in its minor unit.

    `credits` are millicredits by account: positive what sources brought, less what was taken back; negative what was spent or expired.
    """

    span: Span
    came: Mapping[str, int]
    back: Mapping[str, int]
    credits: Mapping[str, int]
    engines: Sequence[EngineSums] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.span.title

    @property
    def revenue(self) -> list[str]:
        """Money that stayed, a currency each, as people read it."""
        kept = {currency: self.came.get(currency, 0) - self.back.get(currency, 0) for currency in sorted({*self.came, *self.back})}
        return [money(amount, currency) for currency, amount in kept.items()]

    @property
    def refunds(self) -> list[str]:
        """Money that went back, refunded or lost in a dispute."""
        return [money(amount, currency) for currency, amount in sorted(self.back.items())]

    @property
    def sources(self) -> list[int]:
        """What each source brought, in their order."""
        return [self.credits.get(source, 0) for source in SOURCES]

    @property
    def spent(self) -> int:
        return -self.credits.get(Account.SPENT, 0)

    @property
    def expired(self) -> int:
        return -self.credits.get(Account.EXPIRED, 0)

    @property
    def charged(self) -> int:
        return sum(one.charged for one in self.engines)

    @property
    def cost(self) -> int:
        return sum(one.cost for one in self.engines)

    @property
    def margin(self) -> int:
        return self.charged - self.cost

    @property
    def unknown(self) -> int:
        return sum(one.unknown for one in self.engines)


def months(today: date, count: int = MONTHS) -> list[MonthSums]:
    """The month under way and those before it, the newest first; a fixed number of queries."""
    shown = spans.months(spans.months_back(today, count - 1), today)
    begin, end = midnight(shown[0].first), midnight(shown[-1].last + timedelta(days=1))
    came = _money(Purchase.objects.filter(paid_at__isnull=False), "paid_at", "currency", shown, begin, end)
    invoices = SubscriptionInvoice.objects.filter(status=SubscriptionInvoice.Status.PAID, amount_paid__gt=0)
    _add(came, _money(invoices, "created_at", "currency", shown, begin, end, amount="amount_paid"))
    refunds = PaymentRefund.objects.exclude(status=PaymentRefund.Status.FAILED)
    back = _money(refunds, "created_at", "purchase__currency", shown, begin, end)
    lost = _money(Dispute.objects.filter(status=Dispute.Status.LOST), "closed_at", "purchase__currency", shown, begin, end)
    _add(back, lost)
    of_plans = Reversal.objects.filter(status__in=Reversal.GONE)
    for kind, moment in ((Reversal.Kind.REFUND, "created_at"), (Reversal.Kind.DISPUTE, "closed_at")):
        _add(back, _money(of_plans.filter(kind=kind), moment, "invoice__currency", shown, begin, end))
    credits, engines = _credits(shown, begin, end), _engines(shown, begin, end)
    told = [MonthSums(span, came[place], back[place], credits[place], engines[place]) for place, span in enumerate(shown)]
    return told[::-1]


def total(months: Sequence[MonthSums]) -> MonthSums:
    """All of them together."""
    engines: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in (one for month in months for one in month.engines):
        for place, amount in enumerate((one.jobs, one.charged, one.cost, one.unknown)):
            engines[one.engine][place] += amount
    sums = [EngineSums(engine, *amounts) for engine, amounts in engines.items()]
    return MonthSums(
        Span(months[-1].span.first, months[0].span.last),
        _added(month.came for month in months),
        _added(month.back for month in months),
        _added(month.credits for month in months),
        sorted(sums, key=lambda one: (-one.charged, one.engine)),
    )


def _add(to: dict[int, dict[str, int]], more: Mapping[int, Mapping[str, int]]) -> None:
    for place, sums in more.items():
        for currency, amount in sums.items():
            to[place][currency] = to[place].get(currency, 0) + amount


def _added(all_sums: Iterator[Mapping[str, int]]) -> dict[str, int]:
    added: dict[str, int] = {}
    for sums in all_sums:
        for name, amount in sums.items():
            added[name] = added.get(name, 0) + amount
    return added


def _money(
    rows: QuerySet[Any],
    column: str,
    currency: str,
    shown: Sequence[Span],
    begin: datetime | None,
    end: datetime | None,
    *,
    amount: str = "amount",
) -> dict[int, dict[str, int]]:
    within = rows.filter(**{f"{column}__gte": begin, f"{column}__lt": end}).annotate(place=spans.which(shown, column))
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for place, code, total in within.order_by().values_list("place", currency).annotate(total=Sum(amount)):
        found[place][code] = total
    return found


def _credits(shown: Sequence[Span], begin: datetime | None, end: datetime | None) -> dict[int, dict[str, int]]:
    moved = LedgerEntry.objects.exclude(account="").filter(created_at__gte=begin, created_at__lt=end)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for place, account, amount in (
        moved.annotate(place=spans.which(shown)).order_by().values_list("place", "account").annotate(total=Sum("amount"))
    ):
        found[place][account] = amount
    return found


def _engines(shown: Sequence[Span], begin: datetime | None, end: datetime | None) -> dict[int, list[EngineSums]]:
    ended = Job.objects.filter(finished_at__gte=begin, finished_at__lt=end).annotate(place=spans.which(shown, "finished_at"))
    rows = (
        ended.order_by()
        .values_list("place", "engine")
        .annotate(
            label=Max("engine_label"),
            jobs=Count("pk"),
            charged=Sum(F("hold__captured") - F("hold__refunded")),
            cost=Coalesce(Sum("provider_cost"), 0),
            unknown=Count("pk", filter=Q(sent_at__isnull=False, provider_cost=None)),
        )
    )
    found: dict[int, list[EngineSums]] = defaultdict(list)
    for place, _, *sums in rows:
        found[place].append(EngineSums(*sums))
    for sums_of_engines in found.values():
        sums_of_engines.sort(key=lambda one: (-one.charged, one.engine))
    return found


def write_csv(months: Sequence[MonthSums], file: Any) -> None:
    """A line for each month and engine, and one for each month's money and credits. Amounts of credits with three decimals."""
    writer = csv.writer(file)
    writer.writerow(
        (
            "Month",
            "Engine",
            "Jobs",
            "Charged",
            "Provider cost",
            "Margin",
            "Revenue",
            "Refunds",
            *(one.label for one in SOURCES),
            "Spent",
            "Expired",
        )
    )
    for month in months:
        name = f"{month.span.first:%Y-%m}"
        sums = (*map(decimal, month.sources), decimal(month.spent), decimal(month.expired))
        amounts = (decimal(month.charged), decimal(month.cost), decimal(month.margin))
        jobs = sum(one.jobs for one in month.engines)
        writer.writerow((name, "", jobs, *amounts, " + ".join(month.revenue), " + ".join(month.refunds), *sums))
        for one in month.engines:
            writer.writerow((name, plain(one.engine), one.jobs, decimal(one.charged), decimal(one.cost), decimal(one.margin)))
