"""What was spent with a key: figures, and a chart by engine. Of a key that works in several teams those count that whoever looks is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import ApiKey, User
from billing import charts, periods, spans
from billing.asking import midnight
from billing.charts import CREDITS, Chart, Measure
from billing.models import Hold, Wallet
from billing.models.wallets import HoldQuerySet
from billing.services.sums import COST

JOBS = Measure("Jobs", "{:,}".format, lambda number: "job" if number == 1 else "jobs")
MEASURES = {"credits": CREDITS, "jobs": JOBS}
"""What the bars are high by, by its word in addresses."""
UNNAMED = "Without an engine"


@dataclass(frozen=True, slots=True)
class Figures:
    """Millicredits and pieces of work of today, this month (by its name) and all time. What is held counts, what was refunded does not."""

    today: int
    today_jobs: int
    this_month: int
    month_jobs: int
    whole: int
    whole_jobs: int
    month: str


def figures(key: ApiKey, seen_by: User) -> Figures:
    """One query."""
    day, month = periods.now()
    since = {"today": Q(created_at__gte=day.begins), "this_month": Q(created_at__gte=month.begins), "whole": Q()}
    asked: dict[str, Any] = {name: Coalesce(Sum(COST, filter=which), 0) for name, which in since.items()}
    asked |= {f"{name.removeprefix('this_')}_jobs": Count("pk", filter=which) for name, which in since.items()}
    return Figures(month=month.words, **holds_of(key, seen_by).aggregate(**asked))


def chart(key: ApiKey, seen_by: User, *, span: str, measure: str) -> Chart:
    """`span` is one of `asking.SPANS`, `measure` of `MEASURES`. One query."""
    shown = charts.spans_of(span, timezone.localdate())
    begin, end = midnight(shown[0].first), midnight(shown[-1].last + timedelta(days=1))
    rows = (
        holds_of(key, seen_by)
        .filter(created_at__gte=begin, created_at__lt=end)
        .annotate(place=spans.which(shown))
        .order_by()
        .values_list("product", "place")
        .annotate(total=Coalesce(Sum(COST), 0) if measure == "credits" else Count("pk"))
    )
    parts: dict[str, list[int]] = {}
    for product, place, total in rows:
        parts.setdefault(product, [0] * len(shown))[place] += total
    series = charts.largest(parts, len(shown), lambda kept: {part: part or UNNAMED for part in kept})
    return charts.draw(shown, series, MEASURES[measure], span=span, split="By engine")


@dataclass(frozen=True, slots=True)
class Line:
    """An engine that was asked for, with all that was asked of it; `share` is its part of the whole in percent."""

    label: str
    jobs: int
    spent: int
    share: int


def by_engine(key: ApiKey, seen_by: User) -> Sequence[Line]:
    """Of all time, what cost most first. One query."""
    rows = list(holds_of(key, seen_by).order_by().values_list("product").annotate(jobs=Count("pk"), spent=Coalesce(Sum(COST), 0)))
    whole = sum(spent for _, _, spent in rows)
    found = [Line(product or UNNAMED, jobs, spent, 100 * spent // whole if whole else 0) for product, jobs, spent in rows]
    return sorted(found, key=lambda line: (-line.spent, -line.jobs, line.label))


def holds_of(key: ApiKey, seen_by: User) -> HoldQuerySet:
    return Hold.objects.filter(api_key=key, wallet__in=Wallet.objects.visible_to(seen_by))
