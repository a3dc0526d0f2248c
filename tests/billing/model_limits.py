"""What budgets do, in plain Python; see `model.py`, whose purse asks this before it holds anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Costs = Sequence[tuple[str, date, int]]
"""Of each piece of work: who asked for it, when, and what it takes from a budget."""


class OverLimit(Exception):
    """The model would not spend so much. `args`: whose limit, of which span, how high it is, and what is left of it."""


class NotNow(Exception):
    """The model would not take this request, or this answer to it."""


def start(span: str, day: date) -> date:
    return day if span == "day" else day.replace(day=1)


def end(span: str, day: date) -> date:
    return day + timedelta(days=1) if span == "day" else start("month", day.replace(day=1) + timedelta(days=31))


@dataclass
class Asked:
    who: str
    scope: str
    span: str
    start: date
    amount: int
    status: str = "open"
    granted: int | None = None


@dataclass(frozen=True)
class ModelMeter:
    """`row`: which of `Limits.rows` says so; `who` is "" for the team's."""

    row: str
    who: str
    span: str
    limit: int
    raised: int
    spent: int

    @property
    def scope(self) -> str:
        return "member" if self.who else "team"


class Limits:
    """`rows`: of "team", of "everyone", or of one person by name -> the most for a day and for a month."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[int | None, int | None]] = {}
        self.asked: list[Asked] = []
        self.warned: set[tuple[str, str, str, date]] = set()

    def meters(self, costs: Costs, today: date, who: str) -> list[ModelMeter]:
        own = who if who in self.rows else "everyone"
        found = []
        for row, whose in ((own, who), ("team", "")) if who else (("team", ""),):
            for place, span in ((1, "month"), (0, "day")):
                limit = self.rows.get(row, (None, None))[place]
                if limit is None:
                    continue
                now = start(span, today)
                spent = sum(cost for name, on, cost in costs if start(span, on) == now and whose in ("", name))
                raised = sum(
                    one.granted or 0
                    for one in self.asked
                    if one.status == "approved" and (one.span, one.start) == (span, now)
                    if (one.scope == "member" and one.who == whose if whose else one.scope == "team")
                )
                found.append(ModelMeter(row, whose, span, limit, raised, spent))
        return found

    def spend(self, costs: Costs, today: date, who: str, amount: int) -> None:
        """Raises OverLimit; else it warns of what is four fifths full by now, each once in its period."""
        meters = self.meters(costs, today, who) if amount else []
        over = [one for one in meters if one.spent + amount > one.limit + one.raised]
        if over:
            one = max(over, key=lambda one: end(one.span, today))
            cap = one.limit + one.raised
            raise OverLimit(one.scope, one.span, cap, max(0, cap - one.spent))
        for one in meters:
            cap = one.limit + one.raised
            if cap and 5 * (one.spent + amount) >= 4 * cap:
                self.warned.add((one.row, one.who, one.span, start(one.span, today)))

    def set(self, row: str, day: int | None, month: int | None) -> bool:
        if self.rows.get(row) == (day, month):
            return False
        stays_free = row not in ("team", "everyone") and "everyone" in self.rows
        if (day, month) == (None, None) and not stays_free:
            return self.forget(row)
        self.rows[row] = (day, month)
        self._unwarn(row)
        return True

    def forget(self, row: str) -> bool:
        self._unwarn(row)
        return self.rows.pop(row, None) is not None

    def ask(self, costs: Costs, today: date, who: str, scope: str, span: str, amount: int) -> Asked:
        if not any((one.scope, one.span) == (scope, span) for one in self.meters(costs, today, who)):
            raise NotNow
        wanted = Asked(who, scope, span, start(span, today), amount)
        for one in self.asked:
            if (one.who, one.status) != (who, "open"):
                continue
            if one.start != start(one.span, today):
                one.status = "lapsed"
            elif one == wanted:
                return one
            else:
                raise NotNow
        self.asked.append(wanted)
        return wanted

    def decide(self, place: int, today: date, answer: str, granted: int | None = None) -> None:
        """`answer` is approved (with `granted`), declined or withdrawn."""
        one = self.asked[place]
        if (one.status, one.granted) == (answer, granted):
            return
        if one.status != "open" or one.start != start(one.span, today):
            raise NotNow
        one.status, one.granted = answer, granted

    def _unwarn(self, row: str) -> None:
        self.warned = {one for one in self.warned if one[0] != row}
