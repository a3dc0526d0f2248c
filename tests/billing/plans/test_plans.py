"""Which plan a team has, plans that the operator gives, and the credits of each month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Team, User
from billing.errors import PlanRefused
from billing.ledger import disagreements
from billing.models import Plan, Subscription, Wallet
from billing.services import plans, subscriptions, wallets
from billing.services.plans import month_after, period_at, plan_of
from billing.sizes import size
from tests.billing.plans.telling import at, begun, stands


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser(email="opal@harbour.example", name="Opal Operator")


def plan(slug: str) -> Plan:
    return Plan.objects.get(slug=slug)


def credits_of(wallet: Wallet) -> list[int]:
    return [entry.amount // 1000 for entry in wallet.entries.filter(kind="grant", account="plans").order_by("id")]


# --- the plan in force -------------------------------------------------------------------------------------------------
def test_a_studio_as_it_comes_limits_nobody(team: Team) -> None:
    found = plan_of(team)
    assert (found.slug, found.name, found.credits, found.engines, found.priority) == ("studio", "Studio", 0, [], 0)
    assert (found.requests_per_minute, found.jobs_at_once, found.seats, found.storage) == (None, None, None, None)
    assert not found.is_public


def test_a_default_plan_that_is_gone_limits_nobody(team: Team, settings: Any) -> None:
    settings.DEFAULT_PLAN = "gone"
    found = plan_of(team)
    assert (found.pk, found.name, found.seats, found.allows(["anything"])) == (None, "Studio", None, True)


@pytest.mark.django_db
def test_the_plans_that_come_with_the_studio() -> None:
    told = [
        (one.slug, one.credits // 1000, [str(price) for price in one.prices.all()], one.by_arrangement) for one in Plan.objects.offered()
    ]
    assert told == [
        ("free", 25, [], False),
        ("creator", 1000, ["$10.00"], False),
        ("pro", 2500, ["$25.00"], False),
        ("enterprise", 0, [], True),
    ]


@pytest.mark.parametrize(
    ("entries", "names", "allowed"),
    [
        ([], ("anything",), True),
        (["core"], ("core", "stability"), True),
        (["core"], ("core-2", "stability"), False),
        (["sd3.5-*"], ("sd3.5-flash",), True),
        (["sd3.5-*"], ("sd3-flash",), False),
        (["diffusers"], ("own-model", "diffusers"), True),
        (["*"], ("own-model",), True),
    ],
)
def test_what_a_plan_allows(entries: list[str], names: tuple[str, ...], allowed: bool) -> None:
    assert Plan(engines=entries).allows(names) is allowed


def test_a_wallet_has_one_plan_at_a_time(wallet: Wallet) -> None:
    from django.db import IntegrityError, transaction

    Subscription.objects.create(wallet=wallet, plan=plan("pro"), status="active")
    for status in ("trialing", "active", "past_due", "unpaid"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Subscription.objects.create(wallet=wallet, plan=plan("creator"), status=status)
    Subscription.objects.create(wallet=wallet, plan=plan("creator"), status="canceled")
    Subscription.objects.create(wallet=wallet, plan=plan("creator"), status="incomplete")
    assert Subscription.objects.live().count() == 1


# --- given by the operator ---------------------------------------------------------------------------------------------
def test_a_given_plan_brings_its_credits_each_month(team: Team, wallet: Wallet, operator: User, in_march: Any) -> None:
    plans.assign(wallet, plan("creator"), by=operator)
    assert (plan_of(team).slug, credits_of(wallet), wallet.lots.get().expires_at) == (
        "creator",
        [1000],
        month_after(at(9.5), 1) + plans.RENEWAL,
    )
    plans.daily()
    assert credits_of(wallet) == [1000]
    in_march.move_to(month_after(at(9.5), 1) + timedelta(minutes=5))
    plans.daily()
    plans.daily()
    assert credits_of(wallet) == [1000, 1000]
    wallet.refresh_from_db()
    assert wallet.available == 1_000_000  # those of the month before have expired
    in_march.move_to(month_after(at(9.5), 4))  # two months were slept through, and bring nothing
    plans.daily()
    assert credits_of(wallet) == [1000, 1000, 1000]
    assert Subscription.objects.get().period_end == month_after(at(9.5), 5)
    assert list(disagreements()) == []


def test_a_given_plan_that_becomes_another(team: Team, wallet: Wallet, operator: User, in_march: Any) -> None:
    plans.assign(wallet, plan("creator"), by=operator)
    in_march.shift(timedelta(days=15))
    plans.assign(wallet, plan("pro"), by=operator)
    plans.assign(wallet, plan("pro"), by=operator)
    assert (plan_of(team).slug, credits_of(wallet)) == ("pro", [1000, 775])
    in_march.shift(timedelta(hours=1))
    plans.assign(wallet, plan("creator"), by=operator)
    assert (plan_of(team).slug, credits_of(wallet)) == ("creator", [1000, 775])
    assert Subscription.objects.count() == 1
    assert plans.assign(wallet, plan("studio"), by=operator) is None
    assert (plan_of(team).slug, Subscription.objects.get().status) == ("studio", "canceled")


def test_a_plan_that_is_paid_for_is_not_taken_over(team: Team, wallet: Wallet, operator: User, selling: Any) -> None:
    row = begun(wallet)
    subscriptions.hear(stands(row), gateway="card")
    with pytest.raises(PlanRefused, match="has to cancel that plan first"):
        plans.assign(wallet, plan("pro"), by=operator)
    assert (plan_of(team).slug, credits_of(wallet)) == ("creator", [])


def test_who_pays_has_no_given_plan_any_more(team: Team, wallet: Wallet, operator: User, selling: Any) -> None:
    given = plans.assign(wallet, plan("creator"), by=operator)
    assert given is not None
    row = begun(wallet, "pro")
    subscriptions.hear(stands(row, plan="pro"), gateway="card")
    given.refresh_from_db()
    assert (plan_of(team).slug, given.status, given.end_wanted) == ("pro", "canceled", "")


def test_a_given_plan_ends_with_its_team(team: Team, alice: User, wallet: Wallet, operator: User, in_march: Any) -> None:
    from accounts import ending

    plans.assign(wallet, plan("creator"), by=operator)
    ending.delete_team(team, by=alice)
    in_march.move_to(month_after(at(9.5), 1))
    plans.daily()
    assert (credits_of(wallet), Subscription.objects.get().status) == ([1000], "canceled")


# --- the default plan --------------------------------------------------------------------------------------------------
def test_the_default_plan_brings_credits_to_people(
    team: Team, alice: User, bob: User, wallet: Wallet, operator: User, settings: Any, in_march: Any
) -> None:
    settings.DEFAULT_PLAN = "free"
    own = [wallets.wallet_of(Team.objects.get(is_personal=True, members=person)) for person in (alice, bob)]
    plans.assign(own[1], plan("pro"), by=operator)
    plans.daily()
    plans.daily()
    assert (credits_of(own[0]), credits_of(own[1]), credits_of(wallet)) == ([25], [2500], [])
    [lot] = own[0].lots.filter(source="plans")
    assert lot.expires_at == datetime(2026, 4, 1, tzinfo=UTC) + plans.RENEWAL
    in_march.move_to(datetime(2026, 4, 1, tzinfo=UTC))
    plans.daily()
    own[0].refresh_from_db()
    assert (credits_of(own[0]), own[0].available) == ([25, 25], (settings.WELCOME_CREDITS + 25) * 1000)


def test_a_default_plan_without_credits_brings_none(team: Team, wallet: Wallet) -> None:
    plans.daily()
    assert not wallet.entries.filter(account="plans").exists()


# --- months, sizes -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("start", "now", "expected"),
    [
        ((2026, 1, 31), (2026, 2, 1), ((2026, 1, 31), (2026, 2, 28))),
        ((2026, 1, 31), (2026, 2, 28), ((2026, 2, 28), (2026, 3, 31))),
        ((2026, 1, 31), (2026, 3, 30), ((2026, 2, 28), (2026, 3, 31))),
        ((2025, 12, 15), (2026, 1, 14), ((2025, 12, 15), (2026, 1, 15))),
        ((2025, 12, 15), (2027, 1, 15), ((2027, 1, 15), (2027, 2, 15))),
    ],
)
def test_months_from_any_day(start: tuple[int, ...], now: tuple[int, ...], expected: tuple[tuple[int, ...], ...]) -> None:
    moments = [datetime(*given, tzinfo=UTC) for given in (start, now, *expected)]  # type: ignore[misc, arg-type]
    assert period_at(moments[0], moments[1]) == (moments[2], moments[3])


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 bytes"), (900, "900 bytes"), (1536, "1.5 kB"), (20 * 1024**3, "20 GB"), (150 * 1024**4, "150 TB")]
)
def test_sizes_in_words(number: int, words: str) -> None:
    assert size(number) == words
