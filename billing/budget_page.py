"""What the page of budgets shows: the team and everybody in it, what they may spend and have spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Sum

from accounts.models import Membership
from billing import periods
from billing.budget_forms import LimitsForm
from billing.models import Budget, BudgetRequest, Hold, Scope, Wallet
from billing.periods import Period
from billing.services.budgets import Meter, limits_in_words
from billing.services.sums import by_kind

TEAM, EVERYONE = "team", "everyone"
"""Whose limits a form sets; of a member it says the key."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What was spent in a period, and how much of a limit that is where there is one."""

    period: Period
    spent: int
    meter: Meter | None


@dataclass(frozen=True, slots=True)
class Row:
    """A member: what they spent in the day and the month, their limits in words, and whether these are their own."""

    place: Membership
    cells: list[Cell]
    limits: str
    is_own: bool
    form: LimitsForm


@dataclass(frozen=True, slots=True)
class Page:
    team: list[Cell]
    team_form: LimitsForm
    everyone_form: LimitsForm
    everyone: Budget | None
    rows: list[Row]


def build(wallet: Wallet, bound: Mapping[str, LimitsForm] | None = None) -> Page:
    """In five queries however many people there are. `bound` are forms with what was typed, by whose limits they set."""
    forms = bound or {}
    spans = list(periods.now())
    budgets = list(Budget.objects.filter(wallet=wallet))
    of_member = {budget.member_id: budget for budget in budgets if budget.scope == Scope.MEMBER}
    team, everyone = (next((one for one in budgets if one.scope == scope), None) for scope in (Scope.TEAM, Scope.EVERYONE))
    spent, raised = _spent(wallet, spans), _raised(wallet, spans)
    rows = []
    for place in wallet.team.memberships.in_order():
        budget = of_member.get(place.user_id) or everyone
        mine, more = spent.get(place.user_id, {}), raised.get(place.user_id, {})
        cells = [_cell(budget, place, one, mine.get(one.kind, 0), more.get(one.kind, 0)) for one in spans]
        own = of_member.get(place.user_id)
        form = forms.get(str(place.user_id)) or LimitsForm.of(budget, whose=str(place.user_id))
        words = limits_in_words(budget.day, budget.month) if budget else "no limit"
        rows.append(Row(place, cells, words, own is not None, form))
    all_of_it = {one.kind: sum(each[one.kind] for each in spent.values()) for one in spans}
    more = raised.get(None, {})
    return Page(
        team=[_cell(team, None, one, all_of_it[one.kind], more.get(one.kind, 0)) for one in spans],
        team_form=forms.get(TEAM) or LimitsForm.of(team, whose=TEAM),
        everyone_form=forms.get(EVERYONE) or LimitsForm.of(everyone, whose=EVERYONE),
        everyone=everyone,
        rows=rows,
    )


def _cell(budget: Budget | None, place: Membership | None, span: Period, spent: int, raised: int) -> Cell:
    limit = budget.limit(span.kind) if budget else None
    if budget is None or limit is None:
        return Cell(span, spent, None)
    return Cell(span, spent, Meter(budget, place.user if place else None, span, limit, raised, spent))


def _spent(wallet: Wallet, spans: list[Period]) -> dict[int | None, dict[str, int]]:
    """What everybody spent, by their key; without one what was made for nobody, or for somebody who is gone."""
    holds = Hold.objects.filter(wallet=wallet, created_at__gte=spans[-1].begins)
    rows = holds.order_by().values("actor").annotate(**by_kind(spans)).values_list("actor", *(one.kind for one in spans))
    return {actor: {one.kind: amount for one, amount in zip(spans, amounts, strict=True)} for actor, *amounts in rows}


def _raised(wallet: Wallet, spans: list[Period]) -> dict[int | None, dict[str, int]]:
    """What was granted on top, by the person's key, without one for the team's."""
    granted = BudgetRequest.objects.filter(wallet=wallet, status=BudgetRequest.Status.APPROVED).current(spans[0], spans[1])
    found: dict[int | None, dict[str, int]] = {}
    for scope, person, span, amount in granted.order_by().values_list("scope", "person", "span").annotate(Sum("granted")):
        mine = found.setdefault(None if scope == Scope.TEAM else person, {})
        mine[span] = mine.get(span, 0) + amount
    return found
