"""Budgets: what counts, by which calendar, who is stopped, who is told, and requests for more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import members
from accounts.models import AuditEntry, Membership, Role, Team, User
from billing import budget_page
from billing.errors import BudgetRefused, InsufficientCredits, OverBudget
from billing.models import Budget, BudgetRequest, BudgetWarning, Hold, LedgerEntry, Scope, Wallet
from billing.services import budget_requests, budgets, wallets
from billing.services.budgets import News
from tests.billing.conftest import CREDIT

NOVEMBER = "2026-11-10T12:00:00Z"
told: list[News] = []


def hear(news: News) -> None:
    told.append(news)


@pytest.fixture(autouse=True)
def listening(settings: Any) -> None:
    settings.BUDGET_LISTENER = "tests.billing.test_budgets.hear"
    told.clear()


@pytest.fixture
def in_november(wallet: Wallet) -> Iterator[Any]:
    with time_machine.travel(NOVEMBER, tick=False) as clock:
        yield clock


def limit(wallet: Wallet, by: User, *, scope: Scope = Scope.TEAM, member: User | None = None, day: Any = None, month: Any = None) -> bool:
    given = {name: None if it is None else it * CREDIT for name, it in (("day", day), ("month", month))}
    return budgets.set_limits(wallet, by=by, scope=scope, member=member, **given)


def place(wallet: Wallet, amount: int, reference: str, actor: User | None = None) -> Hold:
    return wallets.place_hold(wallet, amount * CREDIT, reference=reference, description="A picture", actor=actor)


def refused(wallet: Wallet, amount: int, actor: User | None = None) -> OverBudget:
    before = (wallet.holds.count(), wallet.entries.count(), Wallet.objects.values("balance", "held").get(pk=wallet.pk))
    with pytest.raises(OverBudget) as caught:
        place(wallet, amount, "refused", actor)
    assert (wallet.holds.count(), wallet.entries.count(), Wallet.objects.values("balance", "held").get(pk=wallet.pk)) == before
    return caught.value


def test_a_member_is_stopped_with_figures_and_a_way_out(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, scope=Scope.MEMBER, member=bob, day=3)
    place(wallet, 2, "one", bob)
    error = refused(wallet, 4, bob)
    assert error.message == (
        "This costs 4 credits, and 1 of your 3 credits for today is left. The budget starts again tomorrow. "
        "Ask for more, or choose something that costs less."
    )
    assert (error.code, error.needed, error.left, error.scope, error.span) == ("over_budget", 4000, 1000, "member", "day")
    place(wallet, 1, "two", bob)  # exactly all of it
    assert refused(wallet, 1, bob).left == 0
    place(wallet, 5, "alice", alice)  # she has no limit


def test_the_team_s_budget_stops_everybody_and_what_nobody_asked_for(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, month=5)
    place(wallet, 3, "one", bob)
    error = refused(wallet, 3, alice)
    assert error.message.startswith(
        "This costs 3 credits, and 2 of the team’s 5 credits for November are left. The budget starts again on 1 December."
    )
    assert refused(wallet, 3).scope == "team"
    place(wallet, 2, "two")


def test_a_member_s_own_limits_take_the_place_of_everyone_s(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    assert refused(wallet, 3, bob).limit == 2 * CREDIT
    assert refused(wallet, 3, alice).limit == 2 * CREDIT
    limit(wallet, alice, scope=Scope.MEMBER, member=bob)  # none of their own: free of everyone's
    place(wallet, 3, "one", bob)
    budgets.follow_everyone(wallet, bob, by=alice)
    assert refused(wallet, 1, bob).left == 0
    assert budgets.follow_everyone(wallet, bob, by=alice) is False


def test_what_counts_is_charged_less_refunded_and_held(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, scope=Scope.MEMBER, member=bob, day=6, month=9)
    charged = wallets.capture(place(wallet, 4, "charged", bob), 3 * CREDIT)
    wallets.void(place(wallet, 2, "voided", bob))
    place(wallet, 2, "held", bob)
    place(wallet, 1, "of-alice", alice)
    assert [meter.spent for meter in budgets.meters_of(wallet, bob)] == [5 * CREDIT, 5 * CREDIT]
    wallets.refund(charged, 2 * CREDIT, reference="refund", description="Given back")
    assert [(meter.key, meter.spent, meter.left) for meter in budgets.meters_of(wallet, bob)] == [
        ("member-month", 3 * CREDIT, 6 * CREDIT),
        ("member-day", 3 * CREDIT, 3 * CREDIT),
    ]


def test_the_calendar_is_the_studio_s(wallet: Wallet, alice: User, settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    from django.utils import timezone

    with timezone.override("America/New_York"):
        with time_machine.travel("2026-11-01T02:00:00Z", tick=False):  # there still 31 October, with daylight saving
            limit(wallet, alice, day=3, month=4)
            place(wallet, 3, "october")
            assert refused(wallet, 1).span == "day"
        with time_machine.travel("2026-11-01T04:30:00Z", tick=False):  # 1 November, half past midnight
            assert [meter.spent for meter in budgets.meters_of(wallet, None)] == [0, 0]
            place(wallet, 3, "november")
        with time_machine.travel("2026-11-02T04:30:00Z", tick=False):  # the day has 25 hours
            assert refused(wallet, 1).message.endswith("Ask for more, or choose something that costs less.")
        with time_machine.travel("2026-11-02T05:00:00Z", tick=False):
            error = refused(wallet, 2)
            assert (error.span, error.left) == ("month", CREDIT)


def test_the_limit_that_lasts_longest_is_told(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, day=2, month=2)
    limit(wallet, alice, scope=Scope.MEMBER, member=bob, day=1)
    error = refused(wallet, 3, bob)
    assert (error.scope, error.span) == ("team", "month")


def test_too_few_credits_are_told_before_a_budget(wallet: Wallet, alice: User, in_november: Any) -> None:
    limit(wallet, alice, day=1)
    with pytest.raises(InsufficientCredits):
        place(wallet, 11, "one")


def test_what_is_free_always_goes_and_zero_is_nothing_at_all(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, scope=Scope.MEMBER, member=bob, day=0)
    place(wallet, 0, "free", bob)
    assert refused(wallet, 1, bob).limit == 0
    assert told == []


def test_the_same_reference_finds_its_hold_though_the_budget_is_used_up(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, day=2)
    first = place(wallet, 2, "one", bob)
    assert place(wallet, 2, "one", bob) == first
    assert wallet.holds.count() == 1


def test_a_wallet_without_budgets_costs_one_query(wallet: Wallet, bob: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        budgets.check(wallet, bob, CREDIT)
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        budgets.check(wallet, bob, 0)
    assert len(queries) == 0


# --- who is told ------------------------------------------------------------------------------------------------------


def test_at_80_percent_the_person_and_the_admins_are_told_once(
    wallet: Wallet, alice: User, bob: User, in_november: Any, django_capture_on_commit_callbacks: Any
) -> None:
    limit(wallet, alice, scope=Scope.MEMBER, member=bob, day=5)
    with django_capture_on_commit_callbacks(execute=True):
        place(wallet, 3, "one", bob)
    assert told == []
    with django_capture_on_commit_callbacks(execute=True):
        place(wallet, 1, "two", bob)
    expected = [
        ("warning", ["Bob Member"], "You have used 4 of your 5 credits for today in Harbour Street."),
        ("warning", ["Alice Harbour"], "Bob Member has used 4 of their 5 credits for today in Harbour Street."),
    ]
    assert [(one.kind, [person.name for person in one.people], one.text) for one in told] == expected
    with django_capture_on_commit_callbacks(execute=True):
        place(wallet, 1, "three", bob)
    assert len(told) == 2
    in_november.move_to("2026-11-11T12:00:00Z")
    with django_capture_on_commit_callbacks(execute=True):
        place(wallet, 4, "four", bob)
    assert len(told) == 4


def test_the_team_s_warning_goes_to_the_admins_and_whoever_crossed_it(
    wallet: Wallet, alice: User, bob: User, in_november: Any, django_capture_on_commit_callbacks: Any
) -> None:
    limit(wallet, alice, month=10)
    with django_capture_on_commit_callbacks(execute=True):
        place(wallet, 8, "one", bob)
    [one] = told
    assert one.text == "Harbour Street has used 8 of its 10 credits for November."
    assert one.people == [alice, bob]


def test_a_refusal_warns_nobody(wallet: Wallet, alice: User, bob: User, in_november: Any, django_capture_on_commit_callbacks: Any) -> None:
    limit(wallet, alice, day=5, month=6)
    with django_capture_on_commit_callbacks(execute=True):
        refused(wallet, 6, bob)
    assert told == []
    assert BudgetWarning.objects.count() == 0


# --- setting ----------------------------------------------------------------------------------------------------------


def lines(team: Team) -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(team=team, action__startswith="budget.").order_by("id").values_list("action", "text"))


def test_changes_are_in_the_log(wallet: Wallet, team: Team, alice: User, bob: User) -> None:
    assert limit(wallet, alice, month=100) is True
    assert limit(wallet, alice, month=100) is False
    assert limit(wallet, alice, scope=Scope.EVERYONE, day=5, month=50) is True
    assert limit(wallet, alice, scope=Scope.MEMBER, member=bob) is True
    assert budgets.follow_everyone(wallet, bob, by=alice) is True
    assert limit(wallet, alice) is True
    assert limit(wallet, alice) is False
    assert lines(team) == [
        ("budget.changed", "set the budget of the team to 100 credits a month"),
        ("budget.changed", "set the budget of everyone to 5 credits a day, 50 credits a month"),
        ("budget.changed", "set the budget of Bob Member to no limit"),
        ("budget.changed", "set the budget of Bob Member to that of everyone"),
        ("budget.changed", "set the budget of the team to no limit"),
    ]
    assert list(Budget.objects.values_list("scope", "day", "month")) == [("everyone", 5 * CREDIT, 50 * CREDIT)]


def test_only_who_administers_sets_and_only_for_members(wallet: Wallet, team: Team, alice: User, bob: User, mallory: User) -> None:
    with pytest.raises(PermissionDenied):
        limit(wallet, bob, month=100)
    with pytest.raises(PermissionDenied):
        budgets.follow_everyone(wallet, bob, by=bob)
    with pytest.raises(BudgetRefused):
        limit(wallet, alice, scope=Scope.MEMBER, member=mallory, day=1)
    assert (Budget.objects.count(), lines(team)) == (0, [])


# --- asking for more --------------------------------------------------------------------------------------------------


def ask(wallet: Wallet, person: User, key: str = "member-day", amount: int = 2, why: str = "the spring campaign") -> BudgetRequest:
    return budget_requests.ask(wallet, person, limit=key, amount=amount * CREDIT, why=why)


def test_an_approved_request_raises_the_person_s_limit_for_that_day_only(
    wallet: Wallet, team: Team, alice: User, bob: User, in_november: Any, django_capture_on_commit_callbacks: Any
) -> None:
    carl = Membership.objects.create(team=team, user=User.objects.create_user("carl@harbour.example", name="Carl"), role=Role.CREATOR).user
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    with django_capture_on_commit_callbacks(execute=True):
        asked = ask(wallet, bob)
    assert refused(wallet, 4, bob).limit == 2 * CREDIT
    with django_capture_on_commit_callbacks(execute=True):
        budget_requests.decide(asked, by=alice, approve=True, note="go ahead")
    assert refused(wallet, 5, bob).limit == 4 * CREDIT
    assert refused(wallet, 3, carl).limit == 2 * CREDIT
    place(wallet, 4, "one", bob)
    in_november.move_to("2026-11-11T12:00:00Z")
    assert refused(wallet, 3, bob).limit == 2 * CREDIT
    assert [(one.kind, [person.name for person in one.people], one.actor, one.text, one.path) for one in told] == [
        (
            "asked",
            ["Alice Harbour"],
            bob,
            "Bob Member asks for 2 credits more for today in Harbour Street: “the spring campaign”",
            f"/wallet/budgets/requests/{asked.pk}/",
        ),
        (
            "approved",
            ["Bob Member"],
            alice,
            "Alice Harbour approved 2 credits more for today in Harbour Street, which you asked for: “go ahead”",
            "/create/",
        ),
    ]
    assert lines(team)[1:] == [
        ("budget.asked", "asked for 2 credits more for today"),
        ("budget.approved", "approved 2 credits more for today for Bob Member"),
    ]


def test_an_approved_request_raises_the_team_s_limit_for_everybody(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, month=5)
    budget_requests.decide(ask(wallet, bob, "team-month", 3), by=alice, approve=True)
    assert refused(wallet, 9, alice).limit == 8 * CREDIT
    [cell] = [one for one in budget_page.build(wallet).team if one.meter]
    assert cell.meter
    assert (cell.meter.cap, cell.meter.raised) == (8 * CREDIT, 3 * CREDIT)


def test_a_declined_request_changes_nothing_and_is_told(
    wallet: Wallet, alice: User, bob: User, in_november: Any, django_capture_on_commit_callbacks: Any
) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    asked = ask(wallet, bob)
    with django_capture_on_commit_callbacks(execute=True):
        budget_requests.decide(asked, by=alice, approve=False, note="tomorrow")
    assert refused(wallet, 3, bob).limit == 2 * CREDIT
    assert told[-1].text == "Alice Harbour declined 2 credits more for today in Harbour Street, which you asked for: “tomorrow”"
    assert told[-1].people == [bob]


def test_one_open_request_a_person_and_one_answer(wallet: Wallet, team: Team, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    asked = ask(wallet, bob)
    assert ask(wallet, bob) == asked
    with pytest.raises(BudgetRefused, match="You have asked for 2 credits more for today already"):
        ask(wallet, bob, amount=3)
    with pytest.raises(BudgetRefused, match="no such limit"):
        ask(wallet, alice, "team-day")
    with pytest.raises(PermissionDenied):
        budget_requests.decide(asked, by=bob, approve=True)
    budget_requests.decide(asked, by=alice, approve=True)
    budget_requests.decide(asked, by=alice, approve=True)
    with pytest.raises(BudgetRefused, match="Alice Harbour has approved 2 credits more for today already"):
        budget_requests.decide(asked, by=alice, approve=False)
    assert refused(wallet, 5, bob).limit == 4 * CREDIT
    assert [action for action, _ in lines(team)] == ["budget.changed", "budget.asked", "budget.approved"]


def test_another_amount_is_granted_and_told(
    wallet: Wallet, team: Team, alice: User, bob: User, in_november: Any, django_capture_on_commit_callbacks: Any
) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    asked = ask(wallet, bob, amount=5)
    with django_capture_on_commit_callbacks(execute=True):
        budget_requests.decide(asked, by=alice, approve=True, amount=3 * CREDIT, note="the rest tomorrow")
    assert refused(wallet, 6, bob).limit == 5 * CREDIT
    assert (told[-1].subject, told[-1].text) == (
        "You have 3 credits more for today",
        "Alice Harbour approved 3 credits more for today in Harbour Street, where you asked for 5: “the rest tomorrow”",
    )
    assert lines(team)[-1] == ("budget.approved", "approved 3 credits more for today for Bob Member")
    assert budget_requests.decide(asked, by=alice, approve=True, amount=3 * CREDIT).granted == 3 * CREDIT
    with pytest.raises(BudgetRefused, match="Alice Harbour has approved 3 credits more for today already"):
        budget_requests.decide(asked, by=alice, approve=True)
    [row] = [one for one in budget_page.build(wallet).rows if one.place.user == bob]
    assert [cell.meter.raised for cell in row.cells if cell.meter] == [3 * CREDIT]


def test_who_asked_takes_it_back(
    wallet: Wallet, team: Team, alice: User, bob: User, in_november: Any, django_capture_on_commit_callbacks: Any
) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    asked = ask(wallet, bob)
    with pytest.raises(PermissionDenied):
        budget_requests.withdraw(asked, by=alice)
    with django_capture_on_commit_callbacks(execute=True):
        budget_requests.withdraw(asked, by=bob)
        budget_requests.withdraw(asked, by=bob)
    assert [(one.kind, one.people, one.text) for one in told] == [
        ("withdrawn", [alice], "Bob Member does not ask for 2 credits more for today in Harbour Street any more.")
    ]
    assert (budget_requests.waiting(wallet), lines(team)[-1]) == (
        [],
        ("budget.withdrawn", "withdrew what they asked for: 2 credits more for today"),
    )
    with pytest.raises(BudgetRefused, match="Bob Member does not ask for this any more"):
        budget_requests.decide(asked, by=alice, approve=True)
    assert refused(wallet, 3, bob).limit == 2 * CREDIT
    other = ask(wallet, bob, amount=3)  # at once
    budget_requests.decide(other, by=alice, approve=True)
    with pytest.raises(BudgetRefused, match="has approved 3 credits more for today already"):
        budget_requests.withdraw(other, by=bob)
    assert refused(wallet, 6, bob).limit == 5 * CREDIT


def test_a_request_whose_day_is_over_waits_for_nobody(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    asked = ask(wallet, bob)
    in_november.move_to("2026-11-11T12:00:00Z")
    assert budget_requests.waiting(wallet) == []
    with pytest.raises(BudgetRefused, match="is over"):
        budget_requests.decide(asked, by=alice, approve=True)
    assert refused(wallet, 3, bob).limit == 2 * CREDIT
    again = ask(wallet, bob)
    asked.refresh_from_db()
    assert (asked.status, again.status, budget_requests.waiting(wallet)) == ("lapsed", "open", [again])


def test_who_leaves_waits_for_no_answer(wallet: Wallet, team: Team, alice: User, bob: User, in_november: Any) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    asked = ask(wallet, bob)
    members.remove_member(team, bob, by=alice)
    with pytest.raises(BudgetRefused):
        budget_requests.decide(asked, by=alice, approve=True)
    asked.refresh_from_db()
    assert (asked.status, budget_requests.waiting(wallet)) == ("lapsed", [])


def test_who_only_looks_asks_for_nothing(wallet: Wallet, alice: User, carol: User) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    with pytest.raises(PermissionDenied):
        ask(wallet, carol)
    assert BudgetRequest.objects.count() == 0


def test_the_page_s_queries_do_not_grow_with_people(wallet: Wallet, team: Team, alice: User, bob: User) -> None:
    limit(wallet, alice, scope=Scope.EVERYONE, day=2, month=5)
    place(wallet, 1, "one", bob)
    with CaptureQueriesContext(connection) as few:
        rows = budget_page.build(wallet).rows
    assert [(row.place.user.name, [cell.spent for cell in row.cells], row.limits) for row in rows] == [
        ("Alice Harbour", [0, 0], "2 credits a day, 5 credits a month"),
        ("Bob Member", [CREDIT, CREDIT], "2 credits a day, 5 credits a month"),
    ]
    for number in range(5):
        user = User.objects.create_user(f"{number}@harbour.example", name=str(number))
        Membership.objects.create(team=team, user=user, role=Role.CREATOR)
    with CaptureQueriesContext(connection) as many:
        budget_page.build(wallet)
    assert len(many) == len(few)


def test_ledger_is_untouched_by_budgets(wallet: Wallet, alice: User, bob: User, in_november: Any) -> None:
    before = LedgerEntry.objects.count()
    limit(wallet, alice, scope=Scope.EVERYONE, day=2)
    budget_requests.decide(ask(wallet, bob), by=alice, approve=True)
    assert LedgerEntry.objects.count() == before
