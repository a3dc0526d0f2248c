"""Whatever limits a team sets, and whoever asks for more: work is refused exactly when the model (`model_limits.py`) refuses it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from billing.errors import BudgetRefused
from billing.models import Budget, BudgetRequest, BudgetWarning, Hold, Scope
from billing.services import budget_requests, budgets, sums
from tests.billing.model_limits import Limits, ModelMeter, NotNow
from tests.billing.test_stateful import Ground, Work, keeps, mostly, notices

LIMITS = st.none() | st.sampled_from([0, 1_000, 2_500, 10_000]) | st.integers(min_value=0, max_value=8_000)
ROWS = st.sampled_from(["team", "everyone", "Owner", "Member"])
NAMES = st.sampled_from(["Owner", "Member"])
STORIES = 30
EXTRA = st.sampled_from([500, 2_000])
"""Few amounts, so that the same is asked for again."""


class Limited(Ground):
    """Limits of a team, of everyone and of each."""

    limits_at_first = {"team": (6_000, 9_000), "everyone": (3_000, 5_000)}

    def furnish(self) -> None:
        super().furnish()
        for row, (day, month) in self.limits_at_first.items():
            self.set_limits(row, day, month)

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

    def meters(self, who: str) -> list[ModelMeter]:
        """The model's, which are those of the books."""
        meters = self.limits.meters(self.purse.costs(), timezone.localdate(), who)
        found = budgets.meters_of(self.wallet, self.people.get(who))
        mine = [(_row(one.budget), one.scope, one.period.kind, one.limit, one.raised, one.spent) for one in found]
        assert mine == [(one.row, one.scope, one.span, one.limit, one.raised, one.spent) for one in meters]
        return meters

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


class Budgets(Limited):
    """And limits that follow those of everyone again; and requests for more."""

    @rule(name=NAMES)
    def follow_everyone(self, name: str) -> None:
        assert budgets.follow_everyone(self.wallet, self.people[name], by=self.person) == self.limits.forget(name)

    @rule(
        name=NAMES,
        scope=st.sampled_from(["team", "member"]),
        span=st.sampled_from(["day", "month"]),
        amount=EXTRA,
        answer=st.sampled_from(["", "approved", "approved", "declined"]),
    )
    def ask_for_more(self, name: str, scope: str, span: str, amount: int, answer: str) -> None:
        """And be answered at once, or later."""
        story = (self.purse.costs(), timezone.localdate(), name, scope, span, amount)
        try:
            row = budget_requests.ask(self.wallet, self.people[name], limit=f"{scope}-{span}", amount=amount)
        except BudgetRefused:
            with pytest.raises(NotNow):
                self.limits.ask(*story)
        else:
            place = self.limits.asked.index(self.limits.ask(*story))
            assert self.requests()[place].pk == row.pk
            if answer:
                self.answer_request(place, answer)

    @precondition(lambda self: self.limits.asked)
    @rule(data=st.data(), answer=st.sampled_from(["approved", "declined", "withdrawn"]), amount=st.none() | EXTRA)
    def decide(self, data: st.DataObject, answer: str, amount: int | None) -> None:
        places = range(len(self.limits.asked))
        place = mostly(data, [place for place in places if self.limits.asked[place].status == "open"], places)
        self.answer_request(place, answer, amount)

    def answer_request(self, place: int, answer: str, amount: int | None = None) -> None:
        today = timezone.localdate()
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


def _row(budget: Budget) -> str:
    return budget.member.name if budget.member else str(budget.scope)


class BudgetedWork(Work, Budgets):
    """Work, and what may be spent on it."""

    furniture = (("operator", 60_000, None),)

    def limit(self, who: str) -> int:
        return min((max(0, one.limit + one.raised - one.spent) for one in self.meters(who)), default=super().limit(who))


@pytest.mark.django_db
def test_budgets_stop_what_the_model_stops() -> None:
    keeps(BudgetedWork, stories=STORIES)


@pytest.mark.django_db
def test_the_property_notices_a_budget_that_does_not_count_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    add = sums.add
    monkeypatch.setattr(sums, "add", lambda hold, amount: None if hold.status == Hold.Status.ACTIVE else add(hold, amount))
    notices(BudgetedWork, stories=STORIES)


@pytest.mark.django_db
def test_the_property_notices_more_that_goes_on_into_the_next_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(BudgetRequest.objects.all()), "current", lambda requests, *spans: requests)
    notices(BudgetedWork, stories=STORIES)


@pytest.mark.django_db
def test_the_property_notices_a_limit_that_is_reached_and_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_early(meters: Iterable[budgets.Meter], amount: int) -> budgets.Meter | None:
        return next((meter for meter in meters if meter.spent + amount >= meter.cap), None)

    monkeypatch.setattr(budgets, "stopping", too_early)
    notices(BudgetedWork, stories=STORIES)
