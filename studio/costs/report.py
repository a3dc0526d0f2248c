"""What teams were charged beside what the providers took: by day, engine and team."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, Q, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from studio.backends.base import MILLICREDITS
from studio.generation.models import Job

HEAD = ("Day", "Engine", "Team", "Jobs", "Delivered", "Filtered", "Charged", "Provider cost", "Margin", "Jobs of unknown cost")


@dataclass(frozen=True, slots=True)
class Line:
    """Jobs that ended on a day. Amounts in millicredits; `charged` less what was refunded. Of `unknown` jobs a request went out, and nobody
    knows what the provider took."""

    day: date | None
    engine: str
    team: str
    jobs: int
    delivered: int
    filtered: int
    charged: int
    cost: int
    unknown: int

    @property
    def margin(self) -> int:
        return self.charged - self.cost


def lines(first: date, last: date) -> list[Line]:
    """From the day `first` to the day `last`, both in the studio's time zone and both included; the newest day first."""
    rows = (
        Job.objects.filter(finished_at__gte=_midnight(first), finished_at__lt=_midnight(last + timedelta(days=1)))
        .annotate(day=TruncDate("finished_at"))
        .order_by()
        .values("day", "engine", "team", "team__name")
        .annotate(
            label=Max("engine_label"),
            jobs=Count("pk"),
            sum_of_delivered=Sum("delivered"),
            sum_of_filtered=Sum("filtered"),
            charged=Sum(F("hold__captured") - F("hold__refunded")),
            cost=Coalesce(Sum("provider_cost"), 0),
            unknown=Count("pk", filter=Q(sent_at__isnull=False, provider_cost=None)),
        )
        .order_by("-day", "label", "team__name", "team")
    )
    return [_line(row) for row in rows]


def total(lines: Sequence[Line]) -> Line:
    sums = {name: sum(getattr(line, name) for line in lines) for name in ("jobs", "delivered", "filtered", "charged", "cost", "unknown")}
    return Line(None, "", "", **sums)


def write_csv(lines: Iterable[Line], file: Any) -> None:
    """Amounts in credits, with a point and three decimals."""
    writer = csv.writer(file)
    writer.writerow(HEAD)
    writer.writerows(_cells(lines))


def _cells(lines: Iterable[Line]) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        amounts = (decimal(line.charged), decimal(line.cost), decimal(line.margin))
        yield line.day, _plain(line.engine), _plain(line.team), line.jobs, line.delivered, line.filtered, *amounts, line.unknown


def _plain(text: str) -> str:
    """A spreadsheet takes what begins so for a formula, and teams name themselves."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def decimal(millicredits: int) -> str:
    """Credits with a point and three decimals."""
    return str((Decimal(millicredits) / MILLICREDITS).quantize(Decimal("0.001")))


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        day=row["day"],
        engine=row["label"],
        team=row["team__name"],
        jobs=row["jobs"],
        delivered=row["sum_of_delivered"],
        filtered=row["sum_of_filtered"],
        charged=row["charged"],
        cost=row["cost"],
        unknown=row["unknown"],
    )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
