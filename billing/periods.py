"""The calendar of budgets: the day and the month of a moment, by the studio's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.formats import date_format

DAY, MONTH = "day", "month"


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar day or month. `start` is its first day, `next` the first day after it."""

    kind: str
    start: date
    next: date

    @property
    def begins(self) -> datetime:
        return _midnight(self.start)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return _midnight(self.next)

    @property
    def words(self) -> str:
        """What a sentence says after "for": "today", "Thursday 26 November"; "November"."""
        today = timezone.localdate()
        if self.kind == MONTH:
            return date_format(self.start, "F" if self.start.year == today.year else "F Y")
        return "today" if self.start == today else date_format(self.start, "l j F")

    @property
    def again(self) -> str:
        """When the next one starts, as a sentence says it: "tomorrow", "on 1 December"."""
        return "tomorrow" if self.next == timezone.localdate() + timedelta(days=1) else f"on {date_format(self.next, 'j F')}"

    @property
    def is_now(self) -> bool:
        return self.start <= timezone.localdate() < self.next


def day_of(day: date) -> Period:
    return Period(DAY, day, day + timedelta(days=1))


def month_of(day: date) -> Period:
    start = day.replace(day=1)
    return Period(MONTH, start, (start + timedelta(days=31)).replace(day=1))


def period(kind: str, day: date) -> Period:
    return day_of(day) if kind == DAY else month_of(day)


def now() -> tuple[Period, Period]:
    """The day and the month that it is."""
    today = timezone.localdate()
    return day_of(today), month_of(today)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
