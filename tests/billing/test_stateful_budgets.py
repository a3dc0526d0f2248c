"""Whatever limits a team sets, and whoever asks for more: work is refused exactly when the model (`model_limits.py`) refuses it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from billing.errors import BudgetRefused
from billing.models import Budget, BudgetRequest, BudgetWarning, Scope
from billing.services import budget_requests, budgets
from tests.billing.model_limits import Limits, NotNow
from tests.billing.test_stateful import Credits, Ground, check

LIMITS = st.none() | st.sampled_from([0, 1_000, 2_500, 10_000]) | st.integers(min_value=0, max_value=8_000)
ROWS = st.sampled_from(["team", "everyone", "Owner", "Member"])
NAMES = st.sampled_from(["Owner", "Member"])
EXTRA = st.sampled_from([500, 2_000])
"""Few amounts, so that the same is asked for again."""


class Budgets(Ground):
    """Limits of a team, of everyone and of each; and requests for more."""

    @property
    def limits(self) -> Limits:
        return self.purse.limits

    @rule(row=ROWS, day=LIMITS, month=LIMITS)
    def set_limits(self, row: str, day: int | None, month: int | None) -> None:
        member = self.people.get(row)
        told: dict[str, Any] = {"scope": Scope.MEMBER if member else Scope(row), "member": member, "day": day, "month": month}
        with pytest.raises(PermissionDenied):
            budgets.set_limits(self.wallet, by=self.people["Member"], **told)
        assert budgets.set_limits(self.wallet, by=self.person, **told) == self.limits.set(row, day, month)

    @rule(name=NAMES)
    def follow_everyone(self, name: str) -> None:
        assert budgets.follow_everyone(self.wallet, self.people[name], by=self.person) == self.limits.forget(name)

    @precondition(lambda self: self.limits.rows)
    @rule(name=NAMES, scope=st.sampled_from(["team", "member"]), span=st.sampled_from(["day", "month"]), amount=EXTRA)
    def ask_for_more(self, name: str, scope: str, span: str, amount: int) -> None:
        story = (self.purse.costs(), timezone.localdate(), name, scope, span, amount)
        try:
            row = budget_requests.ask(self.wallet, self.people[name], limit=f"{scope}-{span}", amount=amount)
        except BudgetRefused:
            with pytest.raises(NotNow):
                self.limits.ask(*story)
        else:
            asked = self.limits.ask(*story)
            assert self.requests()[self.limits.asked.index(asked)].pk == row.pk

    @precondition(lambda self: self.limits.asked)
    @rule(data=st.data(), answer=st.sampled_from(["approved", "approved", "declined", "withdrawn"]), amount=st.none() | EXTRA)
    def decide(self, data: st.DataObject, answer: str, amount: int | None) -> None:
        place, today = data.draw(st.integers(min_value=0, max_value=len(self.limits.asked) - 1)), timezone.localdate()
        request, approve = self.requests()[place], answer == "approved"
        with pytest.raises(PermissionDenied):
            budget_requests.decide(request, by=self.people["Member"], approve=approve)
        granted = (amount or request.amount) if approve else None
        try:
            if answer == "withdrawn":
                budget_requests.withdraw(request, by=request.person)
            else:
                budget_requests.decide(request, by=self.person, approve=approve, amount=amount)
        except BudgetRefused:
            with pytest.raises(NotNow):
                self.limits.decide(place, today, answer, granted)
        else:
            self.limits.decide(place, today, answer, granted)

    @rule(hours=st.integers(min_value=1, max_value=20))
    def hours_pass(self, hours: int) -> None:
        self.time.shift(timedelta(hours=hours))
        self.purse.now = timezone.now()

    def requests(self) -> list[BudgetRequest]:
        return list(BudgetRequest.objects.filter(wallet=self.wallet).select_related("person").order_by("id"))

    @invariant()
    def budgets_are_those_of_the_model(self) -> None:
        if not hasattr(self, "wallet"):
            return
        rows = Budget.objects.filter(wallet=self.wallet).select_related("member")
        assert {_row(one): (one.day, one.month) for one in rows} == self.limits.rows
        requests = [(one.person.name, one.scope, one.span, one.start, one.amount, one.status, one.granted) for one in self.requests()]
        assert requests == [(one.who, one.scope, one.span, one.start, one.amount, one.status, one.granted) for one in self.limits.asked]
        warnings = BudgetWarning.objects.filter(budget__wallet=self.wallet).select_related("budget__member", "person")
        told = [(_row(one.budget), one.person.name if one.person else "", one.span, one.start) for one in warnings]
        assert sorted(told) == sorted(self.limits.warned)

    @invariant()
    def meters_are_those_of_the_model(self) -> None:
        if not hasattr(self, "wallet") or not self.limits.rows:
            return
        for name in ("Owner", "Member"):
            found = budgets.meters_of(self.wallet, self.people[name])
            mine = [(_row(one.budget), one.scope.value, one.period.kind, one.limit, one.raised, one.spent) for one in found]
            meters = self.limits.meters(self.purse.costs(), timezone.localdate(), name)
            assert mine == [(one.row, one.scope, one.span, one.limit, one.raised, one.spent) for one in meters]


def _row(budget: Budget) -> str:
    return budget.member.name if budget.member else str(budget.scope)


class BudgetedWork(Credits, Budgets):
    """Work, and what may be spent on it."""


@pytest.mark.django_db
def test_budgets_stop_what_the_model_stops() -> None:
    check(BudgetedWork, examples=int(os.environ.get("SOAK", "12")))
