"""What went wrong lately and how long things took, by engine.

Percentiles are exact ones over the newest `SAMPLE` results of each engine within a day: the same on every database, and never more rows
than that, however many there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from studio.backends import registry
from studio.generation.models import Job
from studio.generation.querysets import IN_LINE_SINCE
from studio.operator.reading import HOUR

DAY = timedelta(days=1)
SAMPLE = 500
POINTS = (50, 95, 99)


@dataclass(slots=True)
class Ended:
    """How many ended within the last hour and day; what people stopped counts as neither done nor failed."""

    hour: int = 0
    day: int = 0

    def add(self, hour: int, day: int) -> None:
        self.hour += hour
        self.day += day


@dataclass(slots=True)
class Failures:
    """Of one engine. `codes`: how often it failed with which."""

    label: str
    all: Ended = field(default_factory=Ended)
    failed: Ended = field(default_factory=Ended)
    codes: dict[str, Ended] = field(default_factory=dict)

    @property
    def hour_percent(self) -> float | None:
        return _percent(self.failed.hour, self.all.hour)

    @property
    def day_percent(self) -> float | None:
        return _percent(self.failed.day, self.all.day)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds at each of `POINTS`: in line until the last try began, and from then to the end."""

    label: str
    count: int
    wait: Sequence[float]
    run: Sequence[float]


def failures() -> list[Failures]:
    """Of every engine that ended something within a day, those that failed most often first; one query."""
    now = timezone.now()
    labels = _labels()
    found: dict[str, Failures] = {}
    ended = Job.objects.filter(finished_at__gte=now - DAY, status__in=(Job.Status.SUCCEEDED, Job.Status.FAILED)).order_by()
    rows: Any = ended.values_list("engine", "status", "error_code").annotate(
        hour=Count("pk", filter=Q(finished_at__gte=now - HOUR)), day=Count("pk")
    )
    for engine, status, code, hour, day in rows:
        one = found.setdefault(engine, Failures(labels.get(engine, engine)))
        one.all.add(hour, day)
        if status == Job.Status.FAILED:
            one.failed.add(hour, day)
            one.codes.setdefault(code or "unknown", Ended()).add(hour, day)
    for one in found.values():
        one.codes = dict(sorted(one.codes.items(), key=lambda item: (-item[1].day, item[0])))
    return sorted(found.values(), key=lambda one: (-one.failed.day, one.label))


def latencies() -> list[Latency]:
    """Of every engine that made something within a day, by name; one query."""
    labels = _labels()
    newest = Window(RowNumber(), partition_by="engine", order_by=F("finished_at").desc())
    made = Job.objects.filter(finished_at__gte=timezone.now() - DAY, status=Job.Status.SUCCEEDED, started_at__isnull=False).order_by()
    newest_made: Any = made.annotate(since=IN_LINE_SINCE, number=newest).filter(number__lte=SAMPLE)
    rows: Iterable[tuple[str, datetime, datetime, datetime]] = newest_made.values_list("engine", "since", "started_at", "finished_at")
    times: dict[str, tuple[list[float], list[float]]] = {}
    for engine, since, started, finished in rows:
        wait, run = times.setdefault(engine, ([], []))
        wait.append(_seconds(since, started))
        run.append(_seconds(started, finished))
    told = [Latency(labels.get(engine, engine), len(run), percentiles(wait), percentiles(run)) for engine, (wait, run) in times.items()]
    return sorted(told, key=lambda one: one.label)


def percentiles(values: Sequence[float]) -> list[float]:
    """The nearest-rank percentiles at `POINTS`: the smallest value that so many percent do not exceed. `values` are not empty."""
    ordered = sorted(values)
    return [ordered[ceil(len(ordered) * point / 100) - 1] for point in POINTS]


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def _labels() -> dict[str, str]:
    return {engine.id: engine.label for engine in registry.engines()}
