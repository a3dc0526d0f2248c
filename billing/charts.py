"""Credits spent by day or month, split by engine, mode or person: sums out of one query, and the geometry of their bars.

A chart is SVG whose places are percentages, so that it has any width, and its letters the size of all others. Colours are classes: the
content policy allows no `style`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import CharField, Sum, Value
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from accounts.models import User
from billing import spans
from billing.asking import SPANS, SPLITS, Asked, midnight
from billing.credits import credits, noun
from billing.models import Wallet
from billing.spans import Span

SERIES = 5
"""Parts with a colour of their own; what is left is one more."""
OTHERS = "Others"
TOP, BOTTOM = 6.0, 88.0
"""Where the highest bar ends and all bars stand, in % of the height; below are the days."""
COLUMNS = {"engine": "hold__product", "mode": "hold__operation", "person": "actor"}
UNNAMED = {"engine": "Without an engine", "mode": "Without a mode", "person": "Somebody who left"}


@dataclass(frozen=True, slots=True)
class Measure:
    """What bars are high by: how an amount of it is written, and the noun after it."""

    title: str
    write: Callable[[int], str]
    noun: Callable[[int], str]

    def say(self, amount: int) -> str:
        return f"{self.write(amount)} {self.noun(amount)}"


CREDITS = Measure("Credits", credits, noun)
"""In millicredits."""


@dataclass(frozen=True, slots=True)
class Series:
    """`number` is its colour; `total` millicredits in all spans, `amounts` in each."""

    number: int
    label: str
    total: int
    amounts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a bar; places in %."""

    number: int
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """`x`, `width` those of the bar, `left`, `full` those of its whole column. `query` asks the statement for its days."""

    title: str
    x: str
    width: str
    left: str
    full: str
    slices: Sequence[Slice]
    query: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the scale, or a day under the bars, with its place in %."""

    place: str
    label: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Row:
    """Of the table that says the same: a span, its total and its parts in the order of the series."""

    title: str
    total: int
    amounts: Sequence[int]
    query: str


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    summary: str
    total: int
    series: Sequence[Series]
    bars: Sequence[Bar]
    scale: Sequence[Mark]
    days: Sequence[Mark]
    rows: Sequence[Row]


def chart(wallet: Wallet, asked: Asked) -> Chart:
    """Two queries at most, however much was spent."""
    shown = spans_of(asked.span, timezone.localdate())
    queries = [asked.query(**{"from": str(span.first), "to": str(span.last)}) for span in shown]
    return draw(shown, _series(wallet, shown, asked.split), CREDITS, span=asked.span, split=SPLITS[asked.split], queries=queries)


def draw(
    shown: Sequence[Span], series: Sequence[Series], measure: Measure, *, span: str, split: str, queries: Sequence[str] | None = None
) -> Chart:
    """The bars of `series` over the spans `shown`, which are those of `span`; `split` says by what they are apart."""
    queries = queries or [""] * len(shown)
    totals = [sum(one.amounts[place] for one in series) for place in range(len(shown))]
    drawn = [sum(max(0, one.amounts[place]) for one in series) for place in range(len(shown))]
    top = ceiling(max(drawn, default=0))
    bars = [_bar(place, len(shown), shown[place], series, totals[place], top, queries[place], measure) for place in range(len(shown))]
    whole = sum(totals)
    most = max(range(len(shown)), key=lambda place: totals[place])
    per = "month" if span == "12" else "day"
    summary = f"{measure.say(whole)} in the last {SPANS[span]}, {split.lower()}."
    if whole > 0:
        summary += f" Most {'on' if per == 'day' else 'in'} {shown[most].title}: {measure.write(totals[most])}."
    return Chart(
        title=f"{measure.title} by {per}",
        summary=summary,
        total=whole,
        series=[one for one in series if any(one.amounts)],
        bars=bars,
        scale=[Mark(_place(0, top, top), measure.write(top)), Mark(_place(0, top, top // 2), measure.write(top // 2))] if top else [],
        days=_days(shown),
        rows=[
            Row(span.title, totals[place], [one.amounts[place] for one in series if any(one.amounts)], queries[place])
            for place, span in reversed(list(enumerate(shown)))
            if any(one.amounts[place] for one in series)
        ],
    )


def spans_of(span: str, today: date) -> list[Span]:
    """Days, or the calendar months of a year; the last one is under way."""
    if span == "12":
        return spans.months(spans.months_back(today, 11), today)
    return spans.days(today - timedelta(days=int(span) - 1), today)


def ceiling(amount: int) -> int:
    """The end of the scale: the next plain number, whose half is one too."""
    if amount <= 0:
        return 0
    step = int(10 ** max(0, len(str(amount)) - 2))
    return next(step * factor for factor in (10, 12, 14, 16, 20, 24, 30, 40, 50, 60, 80, 100) if step * factor >= amount)


def _series(wallet: Wallet, shown: Sequence[Span], split: str) -> list[Series]:
    """What was spent, less what was given back on that day, of those that spent most; what all others spent is the last one."""
    begin, end = midnight(shown[0].first), midnight(shown[-1].last + timedelta(days=1))
    rows = (
        wallet.entries.charges()
        .filter(created_at__gte=begin, created_at__lt=end)
        .annotate(place=spans.which(shown), part=Coalesce(Cast(COLUMNS[split], CharField()), Value("")))
        .order_by()
        .values_list("part", "place")
        .annotate(total=Sum("amount"))
    )
    parts: dict[str, list[int]] = {}
    for part, place, total in rows:
        parts.setdefault(part, [0] * len(shown))[place] -= total
    return largest(parts, len(shown), lambda kept: _names(split, kept))


def largest(parts: Mapping[str, list[int]], count: int, named: Callable[[list[str]], Mapping[str, str]]) -> list[Series]:
    """A series for each of the parts that come to most, and one for all others. `named` gives those kept their labels."""
    ordered = sorted(parts.items(), key=lambda one: (-sum(one[1]), one[0]))
    kept, rest = (ordered, []) if len(ordered) <= SERIES + 1 else (ordered[:SERIES], ordered[SERIES:])
    names = named([part for part, _ in kept])
    series = [Series(number, names[part], sum(amounts), amounts) for number, (part, amounts) in enumerate(kept, 1)]
    if rest:
        together = [sum(amounts[place] for _, amounts in rest) for place in range(count)]
        series.append(Series(SERIES + 1, OTHERS, sum(together), together))
    return series


def _names(split: str, parts: Sequence[str]) -> dict[str, str]:
    if split != "person":
        return {part: part or UNNAMED[split] for part in parts}
    people = {str(user.pk): str(user) for user in User.objects.filter(pk__in=[part for part in parts if part])}
    return {part: people.get(part, UNNAMED[split]) for part in parts}


def _place(low: int, top: int, amount: int) -> str:
    """How far down `amount` above `low` stands."""
    return f"{BOTTOM - (BOTTOM - TOP) * (low + amount) / top:.3f}%"


def _bar(place: int, count: int, span: Span, series: Sequence[Series], total: int, top: int, query: str, measure: Measure) -> Bar:
    step = 100 / count
    gap = 0.3 if count <= 30 else 0.2
    slices, below = [], 0
    for one in reversed(series):
        amount = max(0, one.amounts[place])
        if amount:
            slices.append(Slice(one.number, _place(below, top, amount), f"{(BOTTOM - TOP) * amount / top:.3f}%"))
            below += amount
    parts = [f"{one.label} {measure.write(one.amounts[place])}" for one in series if one.amounts[place]]
    told = f"{span.title}: {measure.say(total)}" if parts else f"{span.title}: nothing"
    title = told if len(parts) < 2 and len(series) < 2 else "\n".join([told, *parts])
    x, width = f"{step * (place + gap / 2):.3f}%", f"{step * (1 - gap):.3f}%"
    return Bar(title, x, width, f"{step * place:.3f}%", f"{step:.3f}%", slices, query)


def _days(shown: Sequence[Span]) -> list[Mark]:
    """The first, the middle and the last of them."""
    middle = len(shown) // 2
    return [
        Mark("0%", shown[0].short),
        Mark(f"{100 * (middle + 0.5) / len(shown):.3f}%", shown[middle].short, "middle"),
        Mark("100%", shown[-1].short, "end"),
    ]
