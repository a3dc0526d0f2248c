"""A key's own day and month: what they count, what they stop, what they say; and sixteen programs at once on one key.

The guard is proven to be what holds: without it, or looking before the wallet is locked, the race goes wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import keys, services
from accounts.models import ApiKey, Team, User
from billing import ledger
from billing.errors import OverBudget
from billing.models import Hold, Scope, Spent, Wallet
from billing.services import budgets, wallets
from billing.services.budgets import News
from tests.billing.conftest import CREDIT
from tests.billing.race import at_once, kinds
from tests.billing.test_races import RUNNERS, books, promised

pytestmark = pytest.mark.django_db(transaction=True)

told: list[News] = []


def hear(news: News) -> None:
    told.append(news)


@pytest.fixture
def clock() -> Iterator[Any]:
    """Noon of 10 November."""
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False) as travelling:
        yield travelling


@pytest.fixture
def listening(settings: Any) -> list[News]:
    settings.BUDGET_LISTENER = "tests.billing.test_key_budgets.hear"
    told.clear()
    return told


def key_of(team: Team, user: User, *, day: int | None = None, month: int | None = None, **more: Any) -> ApiKey:
    """With budgets in credits."""
    limits = {"budget_day": day and day * CREDIT, "budget_month": month and month * CREDIT}
    return keys.make(team, user, name=more.pop("name", "CI"), scopes=["generate"], **limits, **more).key


def place(wallet: Wallet, amount: int, reference: str, key: ApiKey | None, actor: User | None = None) -> Hold:
    who = actor or (key.user if key else None)
    return wallets.place_hold(wallet, amount * CREDIT, reference=reference, description="A picture", actor=who, api_key=key)


def spent(key: ApiKey, wallet: Wallet | None = None) -> list[int]:
    """Credits of the month and the day."""
    return [meter.spent // CREDIT for meter in budgets.meters_of_key(key, wallet)]


# --- what it counts and stops -------------------------------------------------------------------------------------------
def test_what_a_key_may_spend_in_a_day_and_a_month(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    key = key_of(team, alice, day=3, month=5)
    place(wallet, 2, "one", key)
    with pytest.raises(OverBudget) as refused:
        place(wallet, 2, "two", key)
    error = refused.value
    assert (error.code, error.scope, error.span, error.key, error.left, error.limit) == (
        "over_budget",
        "key",
        "day",
        "CI",
        CREDIT,
        3 * CREDIT,
    )
    assert error.message == (
        "This costs 2 credits, and 1 of the 3 credits for today of the API key “CI” is left. The budget starts again tomorrow. "
        "Give the key a larger budget, or choose something that costs less."
    )
    clock.move_to("2026-11-11T12:00:00Z")
    place(wallet, 3, "two", key)
    clock.move_to("2026-11-12T12:00:00Z")
    with pytest.raises(OverBudget) as refused:
        place(wallet, 1, "three", key)
    assert (refused.value.span, refused.value.left) == ("month", 0)
    clock.move_to("2026-12-01T12:00:00Z")
    place(wallet, 3, "three", key)
    assert spent(key) == [3, 3]
    assert list(ledger.disagreements()) == []


def test_only_what_was_asked_for_with_it_counts(wallet: Wallet, team: Team, alice: User, bob: User, clock: Any) -> None:
    key, other = key_of(team, bob, day=3), key_of(team, bob, name="Nightly", day=3)
    place(wallet, 2, "with a browser", None, bob)
    place(wallet, 2, "with the other", other)
    place(wallet, 1, "somebody else", None, alice)
    assert spent(key) == [0]
    place(wallet, 3, "with it", key)
    assert (spent(key), spent(other)) == ([3], [2])
    assert list(ledger.disagreements()) == []


def test_what_is_released_and_refunded_can_be_spent_again(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    key = key_of(team, alice, day=4, month=4)
    first = wallets.capture(place(wallet, 4, "one", key), 3 * CREDIT)
    assert spent(key) == [3, 3]
    wallets.void(place(wallet, 1, "two", key))
    assert spent(key) == [3, 3]
    clock.move_to("2026-11-11T12:00:00Z")
    wallets.refund(first, 2 * CREDIT, reference="back", description="Given back")  # of yesterday
    assert spent(key) == [1, 0]
    place(wallet, 3, "three", key)
    assert spent(key) == [4, 3]
    assert list(ledger.disagreements()) == []


def test_it_counts_for_its_person_and_the_team_as_well(wallet: Wallet, team: Team, alice: User, bob: User, clock: Any) -> None:
    budgets.set_limits(wallet, by=alice, day=4 * CREDIT, month=None, scope=Scope.EVERYONE)
    budgets.set_limits(wallet, by=alice, day=None, month=6 * CREDIT, scope=Scope.TEAM)
    key = key_of(team, bob, day=3)
    place(wallet, 3, "one", key)
    with pytest.raises(OverBudget) as refused:
        place(wallet, 1, "two", key)
    assert refused.value.scope == "key"
    with pytest.raises(OverBudget) as refused:
        place(wallet, 2, "two", None, bob)
    assert refused.value.scope == "member"
    place(wallet, 3, "three", None, alice)
    with pytest.raises(OverBudget) as refused:
        place(wallet, 1, "four", key)
    assert refused.value.scope == "team", "which lasts longest"
    assert [meter.spent // CREDIT for meter in budgets.meters_of(wallet, bob)] == [3, 6]


def test_what_was_granted_to_the_person_is_not_granted_to_the_key(wallet: Wallet, team: Team, alice: User, bob: User, clock: Any) -> None:
    from billing.services import budget_requests

    budgets.set_limits(wallet, by=alice, day=2 * CREDIT, month=None, scope=Scope.EVERYONE)
    budget_requests.decide(budget_requests.ask(wallet, bob, limit="member-day", amount=5 * CREDIT), by=alice, approve=True)
    key = key_of(team, bob, day=1)
    with pytest.raises(OverBudget) as refused:
        place(wallet, 2, "one", key)
    assert (refused.value.scope, refused.value.limit) == ("key", CREDIT)
    place(wallet, 7, "two", None, bob)


def test_nothing_is_a_budget_too(wallet: Wallet, team: Team, alice: User) -> None:
    key = keys.make(team, alice, name="Look", scopes=["generate"], budget_day=0).key
    with pytest.raises(OverBudget):
        place(wallet, 1, "one", key)
    place(wallet, 0, "free", key)
    assert books(wallet) == (10 * CREDIT, 0)


def test_each_wallet_counts_its_own(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    key = key_of(team, alice, day=2, all_teams=True)
    elsewhere = wallets.wallet_of(services.create_team("Lighthouse", alice))
    wallets.grant(elsewhere, 9 * CREDIT, reference="first", description="First credits")
    place(wallet, 2, "one", key)
    place(elsewhere, 1, "one", key)
    assert (spent(key), spent(key, wallet), spent(key, elsewhere)) == ([2], [2], [1])
    assert list(ledger.disagreements()) == []


def test_many_at_once_are_asked_of_it_together(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    key = key_of(team, alice, day=4)
    wanted = [wallets.Wanted(CREDIT, f"job:{number}", "A picture") for number in range(5)]
    with pytest.raises(OverBudget) as refused:
        wallets.place_holds(wallet, wanted, actor=alice, api_key=key)
    assert refused.value.needed == 5 * CREDIT
    assert not Hold.objects.exists()
    holds = wallets.place_holds(wallet, wanted[:4], actor=alice, api_key=key)
    assert {hold.api_key for hold in holds} == {key}
    assert spent(key) == [4]
    wallets.void_all(holds[:3])
    assert spent(key) == [1]
    assert list(ledger.disagreements()) == []


# --- keys that replace each other ----------------------------------------------------------------------------------------
def test_another_secret_brings_no_budget_of_its_own(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    old = key_of(team, alice, day=3, month=5)
    place(wallet, 2, "one", old)
    new = keys.rotate(old, by=alice).key
    newest = keys.rotate(new, by=alice).key
    assert [spent(key) for key in (old, new, newest)] == [[2, 2]] * 3
    for number, key in enumerate((newest, new, old)):
        with pytest.raises(OverBudget) as refused:
            place(wallet, 2, f"too much:{number}", key)
        assert (refused.value.scope, refused.value.span, refused.value.left) == ("key", "day", CREDIT)
    hold = place(wallet, 1, "two", newest)
    assert [spent(key) for key in (old, new, newest)] == [[3, 3]] * 3
    assert hold.api_key == newest, "which secret it was is still known"
    assert {row.api_key for row in Spent.objects.exclude(api_key=None)} == {old}
    Spent.objects.all().delete()
    assert [spent(key) for key in (old, new, newest)] == [[3, 3]] * 3, "counted anew it is the same"
    wallets.void(hold)
    clock.move_to("2026-11-11T12:00:00Z")
    place(wallet, 3, "three", newest)
    with pytest.raises(OverBudget) as refused:
        place(wallet, 1, "four", newest)
    assert refused.value.span == "month"
    assert list(ledger.disagreements()) == []


def test_keys_of_a_line_are_measured_together_and_others_apart(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    old, other = key_of(team, alice, day=5), key_of(team, alice, name="Other", day=5)
    new = keys.rotate(old, by=alice).key
    for number, key in enumerate((old, new, new, other)):
        place(wallet, 1, f"job:{number}", key)
    with CaptureQueriesContext(connection) as queries:
        meters = budgets.meters_of_keys(wallet, [old, new, other])
    assert len(queries) == 1
    assert {pk: [one.spent // CREDIT for one in found] for pk, found in meters.items()} == {old.pk: [3], new.pk: [3], other.pk: [1]}


def test_a_limit_that_is_changed_on_one_secret_holds_for_all_of_its_line(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    old, other = key_of(team, alice, day=5), key_of(team, alice, name="Other", day=5)
    new = keys.rotate(old, by=alice).key
    place(wallet, 2, "one", new)
    keys.change(new, by=alice, budget_day=2 * CREDIT, name="Renamed")
    for key in (old, new, other):
        key.refresh_from_db()
    assert [(key.name, key.budget_day) for key in (old, new, other)] == [("CI", 2 * CREDIT), ("Renamed", 2 * CREDIT), ("Other", 5 * CREDIT)]
    with pytest.raises(OverBudget):
        place(wallet, 1, "two", old)
    keys.change(old, by=alice, budget_day=3 * CREDIT)
    new.refresh_from_db()
    place(wallet, 1, "two", new)
    assert spent(old) == spent(new) == [3]


def test_two_secrets_at_once_spend_from_one_budget(wallet: Wallet, team: Team, alice: User) -> None:
    old = key_of(team, alice, day=3)
    line = [old, keys.rotate(old, by=alice).key]

    def runner(number: int) -> tuple[Callable[[], Wallet], Callable[[Wallet], Hold]]:
        def act(seen: Wallet) -> Hold:
            key = ApiKey.objects.get(pk=line[number % 2].pk)
            return wallets.place_hold(seen, CREDIT, reference=f"job:{number}", description="A picture", actor=alice, api_key=key)

        return lambda: Wallet.objects.get(pk=wallet.pk), act

    assert kinds(at_once(*map(runner, range(RUNNERS)))) == {"Hold": 3, "OverBudget": 13}
    assert (promised(wallet), spent(line[0]), spent(line[1])) == (3 * CREDIT, [3], [3])
    assert list(ledger.disagreements()) == []


# --- what it costs, and what is kept ------------------------------------------------------------------------------------
def test_the_sums_are_counted_once_and_move_with_every_hold(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    key = key_of(team, alice)
    for number in range(3):
        place(wallet, 1, f"before:{number}", key)
    key = keys.change(key, by=alice, budget_day=8 * CREDIT, budget_month=9 * CREDIT)
    assert spent(key) == [3, 3]
    assert not Spent.objects.exists(), "who only looks keeps nothing"
    place(wallet, 1, "first", key)
    with CaptureQueriesContext(connection) as queries:
        wallets.capture(place(wallet, 1, "second", key), CREDIT)
        assert spent(key) == [5, 5]
    assert [query["sql"] for query in queries if "SUM(" in query["sql"] and '"billing_hold"' in query["sql"]] == []
    Spent.objects.filter(api_key=key, ends__gt="2026-11-12T00:00:00Z").update(amount=CREDIT)
    assert list(ledger.disagreements()) == [
        f"Budgets of wallet {wallet.pk}: from 2026-11-01 00:00 on, CI (sk-{key.public_id}…) is down with 1, the holds add up to 5. "
        "Run manage.py verify_ledger --recount."
    ]


def test_a_key_costs_a_hold_one_query_where_it_has_a_budget_and_none_where_not(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    def queries(name: str, key: ApiKey | None) -> int:
        with CaptureQueriesContext(connection) as found:
            place(wallet, 1, name, key, alice)
        return len(found)

    plain, limited = key_of(team, alice), key_of(team, alice, day=5, month=5)
    place(wallet, 1, "first", limited)  # from now on its sums are kept
    without = queries("one", None)
    assert (queries("two", plain), queries("three", limited)) == (without, without + 1)


def test_many_keys_are_measured_together(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    made = [key_of(team, alice, name=f"Key {number}", day=2, month=2) for number in range(5)]
    for number, key in enumerate(made):
        place(wallet, 1, f"job:{number}", key)
    with CaptureQueriesContext(connection) as queries:
        meters = budgets.meters_of_keys(wallet, made)
    assert len(queries) == 1
    assert {pk: [(one.period.kind, one.spent) for one in found] for pk, found in meters.items()} == {
        key.pk: [("month", CREDIT), ("day", CREDIT)] for key in made
    }
    plain = key_of(team, alice, name="Plain")
    assert budgets.meters_of_keys(wallet, [plain]) == {plain.pk: []}


def test_a_key_that_is_gone_leaves_the_sums_of_the_others(wallet: Wallet, team: Team, alice: User, clock: Any) -> None:
    budgets.set_limits(wallet, by=alice, day=9 * CREDIT, month=None, scope=Scope.TEAM)
    key = key_of(team, alice, day=5)
    hold = place(wallet, 3, "one", key)
    keys.erase_team(team)
    hold.refresh_from_db()
    assert hold.api_key is None
    wallets.capture(hold, 2 * CREDIT)
    assert [(row.member_id, row.api_key_id, row.amount) for row in Spent.objects.all()] == [(None, None, 2 * CREDIT)]
    assert list(ledger.disagreements()) == []


# --- what it tells ------------------------------------------------------------------------------------------------------
def test_its_person_is_told_once_that_most_of_it_is_used(
    wallet: Wallet, team: Team, alice: User, bob: User, clock: Any, listening: list[News]
) -> None:
    key = key_of(team, bob, day=5)
    place(wallet, 3, "one", key)
    assert listening == []
    wallets.void(place(wallet, 1, "two", key))
    place(wallet, 1, "three", key)
    place(wallet, 1, "four", key)
    assert [(one.kind, one.people, one.text, one.path) for one in listening] == [
        (
            "warning",
            [bob],
            "The API key “CI” has used 4 of its 5 credits for today in Harbour Street.",
            f"/developers/keys/{key.public_id}/",
        )
    ]
    key = keys.change(key, by=bob, budget_day=6 * CREDIT)
    with pytest.raises(OverBudget):
        place(wallet, 2, "five", key)
    assert len(listening) == 1, "what was refused is no news"
    place(wallet, 1, "five", key)
    assert [one.text for one in listening[1:]] == ["The API key “CI” has used 6 of its 6 credits for today in Harbour Street."]
    clock.move_to("2026-11-11T12:00:00Z")
    wallets.grant(wallet, 9 * CREDIT, reference="more", description="More credits")
    place(wallet, 5, "six", key)
    assert len(listening) == 3, "of a new day anew"


# --- sixteen at once ------------------------------------------------------------------------------------------------------
def holds_at_once(wallet: Wallet, key: ApiKey, amount: int) -> list[Any]:
    def runner(number: int) -> tuple[Callable[[], Wallet], Callable[[Wallet], Hold]]:
        def act(seen: Wallet) -> Hold:
            return wallets.place_hold(
                seen, amount, reference=f"job:{number}", description="A picture", actor=key.user, api_key=ApiKey.objects.get(pk=key.pk)
            )

        return lambda: Wallet.objects.get(pk=wallet.pk), act

    return at_once(*map(runner, range(RUNNERS)))


@pytest.mark.parametrize("span", ["day", "month"])
def test_sixteen_programs_on_a_key_for_three(span: str, wallet: Wallet, team: Team, alice: User) -> None:
    key = keys.make(team, alice, name="CI", scopes=["generate"], **{f"budget_{span}": 7 * CREDIT // 2}).key
    outcomes = holds_at_once(wallet, key, CREDIT)
    assert kinds(outcomes) == {"Hold": 3, "OverBudget": 13}
    assert {(error.left, error.scope) for error in outcomes if isinstance(error, OverBudget)} == {(CREDIT // 2, "key")}
    assert books(wallet) == (10 * CREDIT, 3 * CREDIT)
    assert promised(wallet) == 3 * CREDIT
    assert spent(key) == [3]
    assert list(ledger.disagreements()) == []


def test_sixteen_that_settle_at_once_move_its_sums_by_all_of_it(wallet: Wallet, team: Team, alice: User) -> None:
    key = key_of(team, alice, day=10, month=10)
    holds = [
        wallets.place_hold(wallet, CREDIT // 2, reference=f"job:{number}", description="A picture", actor=alice, api_key=key)
        for number in range(RUNNERS)
    ]

    def runner(number: int, hold: Hold) -> tuple[Callable[[], Hold], Callable[[Hold], Hold]]:
        end = wallets.void if number % 2 else lambda seen: wallets.capture(seen, CREDIT // 4)
        return lambda: Hold.objects.get(pk=hold.pk), end

    assert kinds(at_once(*(runner(*one) for one in enumerate(holds)))) == {"Hold": 16}
    assert spent(key) == [2, 2]
    assert list(ledger.disagreements()) == []


def test_looking_before_the_wallet_is_locked_all_pass(wallet: Wallet, team: Team, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(team, alice, month=3)
    monkeypatch.setattr(budgets, "check", lambda *told: None)

    def runner(number: int) -> tuple[Callable[[], Wallet], Callable[[Wallet], Hold]]:
        def read() -> Wallet:
            assert budgets.refusal(budgets.meters_of_key(key), CREDIT // 2) is None
            return Wallet.objects.get(pk=wallet.pk)

        def act(seen: Wallet) -> Hold:
            return wallets.place_hold(seen, CREDIT // 2, reference=f"job:{number}", description="A picture", actor=alice, api_key=key)

        return read, act

    assert kinds(at_once(*map(runner, range(RUNNERS)))) == {"Hold": 16}
    assert promised(wallet) == 8 * CREDIT, "with the check where it is, 3"


# --- a long story ---------------------------------------------------------------------------------------------------------
@dataclass
class Piece:
    """A piece of work as the model has it: amounts in millicredits."""

    hold: Hold
    key: int | None  # the first of its line
    on: date
    takes: int
    refunds: int = 0


def told_again(pieces: list[Piece], today: date, key: ApiKey) -> list[int]:
    """What a key spent in this month and on this day."""
    mine = [one for one in pieces if one.key == key.first_id]
    month = sum(one.takes for one in mine if (one.on.year, one.on.month) == (today.year, today.month))
    return [month, sum(one.takes for one in mine if one.on == today)]


@pytest.mark.parametrize("seed", range(4))
def test_a_long_story_of_work_is_counted_as_in_plain_arithmetic(
    seed: int, wallet: Wallet, team: Team, alice: User, bob: User, clock: Any
) -> None:
    dice = random.Random(seed)
    wallets.grant(wallet, 10**7, reference="plenty", description="Credits")
    budgets.set_limits(wallet, by=alice, day=None, month=10**7, scope=Scope.TEAM)
    limited = [keys.make(team, user, name="Key", scopes=["generate"], budget_day=9_000, budget_month=30_000).key for user in (alice, bob)]
    pieces: list[Piece] = []
    refusals = 0
    for step in range(150):
        today, open_ones = timezone.localdate(), [one for one in pieces if one.hold.status == "active"]
        done = [one for one in pieces if one.takes and one.hold.status == "captured"]
        act = dice.choice(["place", "place", "place", "place", "many", "capture", "void", "refund", "wait", "rotate"])
        if act in ("place", "many"):
            key = dice.choice([*limited, None])
            who, amount, count = key.user if key else alice, dice.randrange(3_000), dice.randrange(1, 4) if act == "many" else 1
            month, day = told_again(pieces, today, key) if key else [0, 0]
            fits = not key or not amount or (day + count * amount <= 9_000 and month + count * amount <= 30_000)
            wanted = [wallets.Wanted(amount, f"job:{step}:{number}", "A picture") for number in range(count)]
            if not fits:
                with pytest.raises(OverBudget) as refused:
                    wallets.place_holds(wallet, wanted, actor=who, api_key=key)
                left = 30_000 - month if month + count * amount > 30_000 else 9_000 - day
                assert (refused.value.scope, refused.value.left) == ("key", max(0, left))
                refusals += 1
                continue
            if act == "many":
                holds = wallets.place_holds(wallet, wanted, actor=who, api_key=key)
            else:
                holds = [wallets.place_hold(wallet, amount, reference=f"job:{step}", description="A", actor=who, api_key=key)]
            pieces += [Piece(hold, key.first_id if key else None, today, amount) for hold in holds]
        elif act in ("capture", "void") and open_ones:
            one = dice.choice(open_ones)
            one.takes = dice.randrange(one.hold.amount + 1) if act == "capture" else 0
            one.hold = wallets.capture(one.hold, one.takes) if act == "capture" else wallets.void(one.hold)
        elif act == "refund" and done:
            one = dice.choice(done)
            back = dice.randrange(1, one.takes + 1)
            one.takes, one.refunds = one.takes - back, one.refunds + 1
            wallets.refund(one.hold, back, reference=f"back:{one.hold.pk}:{one.refunds}", description="Given back")
        elif act == "rotate":
            place_of = dice.randrange(2)
            limited[place_of] = keys.rotate(limited[place_of], by=limited[place_of].user).key
        elif act == "wait":
            clock.shift(timedelta(hours=dice.randrange(30)))
        for key in limited:
            assert [meter.spent for meter in budgets.meters_of_key(key)] == told_again(pieces, timezone.localdate(), key)
    assert refusals, "the story came to its limits"
    assert list(ledger.disagreements()) == []
