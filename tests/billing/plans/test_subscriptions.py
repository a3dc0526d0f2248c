"""What a gateway tells of a plan, in whatever order: the same end, and the same credits, every time."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts import ending
from accounts.models import Team, User
from billing.errors import PlanRefused
from billing.gateways.errors import GatewayRefused, GatewayUnavailable
from billing.gateways.facts import Paid
from billing.ledger import accounts, disagreements
from billing.models import LedgerEntry, Plan, Subscription, Wallet
from billing.services import plans, subscriptions
from billing.services.plans import plan_of
from tests.billing.plans.gateway import CardGateway
from tests.billing.plans.telling import AMOUNTS, END, NEXT, START, at, begun, granted, hear, invoice, price, running, stands

pytestmark = pytest.mark.usefixtures("selling")


# --- starting ------------------------------------------------------------------------------------------------------------
def test_a_plan_begins_with_what_the_gateway_tells(team: Team, wallet: Wallet) -> None:
    row = begun(wallet)
    assert (plan_of(team).slug, granted(wallet)) == ("free", [])
    hear(stands(row))
    row.refresh_from_db()
    assert (row.status, row.external_id, row.customer_id, row.period_end) == ("active", f"sub_{row.pk}", "cus_1", END)
    assert (plan_of(team).slug, granted(wallet)) == ("creator", [])
    hear(invoice(row))
    assert granted(wallet) == [("Creator plan, month until 1 April", 1000)]
    lot = wallet.lots.get()
    assert (lot.source, lot.expires_at, lot.remaining) == ("plans", END + plans.RENEWAL, 1_000_000)
    assert list(disagreements()) == []
    assert sum(accounts().values()) == 0


def test_a_delivery_that_comes_twice_changes_nothing(team: Team, wallet: Wallet) -> None:
    row = begun(wallet)
    hear(stands(row), invoice(row))
    before = Subscription.objects.values().get(), list(LedgerEntry.objects.values())
    hear(stands(row), invoice(row), invoice(row), stands(row))
    assert (Subscription.objects.values().get(), list(LedgerEntry.objects.values())) == before


def test_start_asks_the_gateway_once_for_one_pay_page(wallet: Wallet, alice: User, selling: CardGateway) -> None:
    given = {"by": alice, "success_url": "https://studio/ok", "cancel_url": "https://studio/no"}
    first = subscriptions.start(wallet, price("creator"), selling, **given)
    row = Subscription.objects.get()
    [(word, key, plan, email, customer, success, cancel)] = selling.asked
    assert (word, key, plan.key, plan.title, plan.amount, plan.currency) == ("start", str(row.key), "creator", "Creator plan", 1000, "usd")
    assert (email, customer, success, cancel) == (alice.email, "", "https://studio/ok", "https://studio/no")
    assert (row.status, row.gateway, row.started_by, row.external_id) == ("incomplete", "card", alice, None)
    assert subscriptions.start(wallet, price("creator"), selling, **given).url == first.url
    assert len(selling.asked) == 1
    assert subscriptions.start(wallet, price("pro"), selling, **given).url != first.url
    hear(stands(Subscription.objects.get(), plan="pro"))
    with pytest.raises(PlanRefused, match="This team is on the Pro plan"):
        subscriptions.start(wallet, price("creator"), selling, **given)


def test_nothing_is_started_where_the_gateway_does_not_answer(team: Team, wallet: Wallet, alice: User, selling: CardGateway) -> None:
    selling.fails = True
    with pytest.raises(GatewayUnavailable):
        subscriptions.start(wallet, price("creator"), selling, by=alice, success_url="", cancel_url="")
    selling.fails = False
    assert plan_of(team).slug == "free"
    again = subscriptions.start(wallet, price("creator"), selling, by=alice, success_url="", cancel_url="")
    assert again.url == f"https://pay.example/{Subscription.objects.latest('pk').key}"


def test_who_comes_back_is_the_same_customer(wallet: Wallet, alice: User, selling: CardGateway) -> None:
    row = running(wallet, selling)
    hear(stands(row, status="canceled", as_of=at(2), ended_at=at(2)))
    subscriptions.start(wallet, price("pro"), selling, by=alice, success_url="", cancel_url="")
    assert selling.asked[-1][4] == "cus_1"


# --- in any order --------------------------------------------------------------------------------------------------------
def story(row: Subscription) -> list[Any]:
    """Half a year: begun, upgraded on the 11th, a payment that failed and came, a downgrade, canceled, ended."""
    return [
        stands(row, status="incomplete"),
        invoice(row, status="open", amount_paid=0),
        stands(row, as_of=START + timedelta(seconds=1)),
        invoice(row),
        stands(row, plan="pro", as_of=at(10)),
        invoice(row, 2, plan="pro", reason="change", period_start=at(10), as_of=at(10), amount_due=1000, amount_paid=1000),
        stands(row, plan="pro", as_of=END, period_start=END, period_end=NEXT),
        invoice(row, 3, plan="pro", reason="period", status="open", amount_paid=0, period_start=END, period_end=NEXT, as_of=END),
        stands(row, plan="pro", as_of=END + timedelta(hours=1), period_start=END, period_end=NEXT, status="past_due"),
        invoice(row, 3, plan="pro", reason="period", period_start=END, period_end=NEXT, as_of=END + timedelta(days=3)),
        stands(row, plan="pro", as_of=END + timedelta(days=3), period_start=END, period_end=NEXT),
        stands(row, plan="pro", as_of=END + timedelta(days=9), period_start=END, period_end=NEXT, cancel_at_period_end=True),
        stands(row, plan="pro", as_of=NEXT, period_start=END, period_end=NEXT, status="canceled", ended_at=NEXT),
    ]


UPGRADED = 1_000_000 + 1_017_000
"""Creator's month, and the difference to Pro's for 21 of its 31 days (1,016.129), up to a whole credit."""


@pytest.mark.parametrize("seed", range(40))
def test_the_same_end_in_whatever_order(seed: int, team: Team, wallet: Wallet, in_march: Any) -> None:
    in_march.move_to(END + timedelta(days=4))
    row, dice = begun(wallet), random.Random(seed)
    told = story(row)
    told += dice.choices(told, k=6)
    dice.shuffle(told)
    hear(*told)
    row.refresh_from_db()
    assert (row.status, row.ended_at, row.failing_since) == ("canceled", NEXT, None)
    assert sum(entry.amount for entry in wallet.entries.filter(kind="grant", account="plans")) == UPGRADED + 2_500_000
    assert row.invoices.count() == 3
    assert set(row.invoices.values_list("status", flat=True)) == {"paid"}
    assert plan_of(team).slug == "free"
    assert list(disagreements()) == []


@pytest.mark.parametrize("seed", range(20))
def test_up_to_any_point_the_newest_news_hold(seed: int, team: Team, wallet: Wallet, in_march: Any) -> None:
    in_march.move_to(END + timedelta(days=4))
    row, dice = begun(wallet), random.Random(seed)
    told = story(row)[:-2]
    dice.shuffle(told)
    hear(*told)
    row.refresh_from_db()
    assert (row.status, row.plan.slug, row.period_end, row.failing_since) == ("active", "pro", NEXT, None)
    assert (row.told_at, row.amount, plan_of(team).slug) == (END + timedelta(days=3), 2500, "pro")


@pytest.mark.parametrize("turned", [False, True])
def test_news_of_the_same_second(turned: bool, wallet: Wallet) -> None:
    """Whatever comes first: paid after it was incomplete, the next period after the one before, failed after it began."""
    told = [
        stands(row := begun(wallet), status="incomplete"),
        stands(row),
        stands(row, period_start=END, period_end=NEXT),
        stands(row, period_start=END, period_end=NEXT, status="past_due"),
    ]
    hear(*(told[::-1] if turned else told))
    row.refresh_from_db()
    assert (row.status, row.period_end) == ("past_due", NEXT)


def test_our_own_question_knows_better_than_the_second_it_was_asked_in(wallet: Wallet) -> None:
    row = begun(wallet)
    asked = START + timedelta(milliseconds=700)
    hear(stands(row, as_of=asked), stands(row, cancel_at_period_end=True))
    row.refresh_from_db()
    assert (row.cancel_at_period_end, row.told_at) == (False, asked)
    hear(stands(row, status="past_due"))
    row.refresh_from_db()
    assert (row.status, row.told_at) == ("past_due", asked)


def test_what_has_ended_stays_ended(team: Team, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    hear(stands(row, status="canceled", as_of=at(5), ended_at=at(5)), stands(row, as_of=at(6)))
    row.refresh_from_db()
    assert (row.status, row.ended_at, plan_of(team).slug) == ("canceled", at(5), "free")


def test_facts_of_others_are_none_of_ours(wallet: Wallet, team: Team) -> None:
    row = begun(wallet)
    strangers = [
        (stands(row, key="not-a-uuid"), "card"),
        (replace(stands(row), key="00000000-0000-0000-0000-000000000000"), "card"),
        (stands(row), "another"),
        (Paid(key="x", payment_id="p", amount=1, currency="usd"), "card"),
    ]
    for fact, gateway in strangers:
        assert subscriptions.hear(fact, gateway=gateway) is False
        assert subscriptions.write_down(gateway, fact) == "It is of no plan here."
    row.refresh_from_db()
    assert (row.status, row.external_id, plan_of(team).slug, wallet.entries.count()) == ("incomplete", None, "free", 0)


def test_a_plan_that_is_not_known_here_changes_no_plan(wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    hear(replace(stands(row, as_of=at(2)), plan="gone"))
    row.refresh_from_db()
    assert (row.plan.slug, row.told_at) == ("creator", at(2))


# --- credits ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_two_upgrades_in_one_month(order: tuple[int, ...], wallet: Wallet) -> None:
    Plan.objects.create(slug="max", name="Max", credits=5_000_000)
    AMOUNTS["max"] = 5000
    row = begun(wallet)
    told = [
        invoice(row),
        invoice(row, 2, plan="pro", reason="change", period_start=at(10)),
        invoice(row, 3, plan="max", reason="change", period_start=at(20)),
    ]
    hear(stands(row), *(told[number] for number in order))
    total = sum(entry.amount for entry in wallet.entries.filter(kind="grant"))
    assert total == 1_000_000 + 1_017_000 + 888_000


def test_who_changes_at_once_has_whole_credits(wallet: Wallet) -> None:
    row = begun(wallet)
    hear(stands(row), invoice(row), invoice(row, 2, plan="pro", reason="change", period_start=START + timedelta(seconds=5)))
    assert sum(entry.amount for entry in wallet.entries.filter(kind="grant")) == 2_500_000


def test_down_and_up_again_brings_nothing_twice(wallet: Wallet) -> None:
    row = begun(wallet, "pro")
    hear(
        stands(row, plan="pro"),
        invoice(row, plan="pro"),
        invoice(row, 2, reason="change", period_start=at(10)),
        invoice(row, 3, plan="pro", reason="change", period_start=at(11)),
    )
    assert [amount for _, amount in granted(wallet)] == [2500]


@pytest.mark.parametrize("status", ["draft", "open", "void", "uncollectible"])
def test_what_is_not_paid_brings_nothing(status: Any, wallet: Wallet) -> None:
    row = begun(wallet)
    hear(stands(row), invoice(row, status=status, amount_paid=0))
    assert granted(wallet) == []
    hear(invoice(row), invoice(row, status=status, amount_paid=0, as_of=at(3)))
    assert [amount for _, amount in granted(wallet)] == [1000]
    assert row.invoices.get().status == "paid"


def test_who_is_heard_of_late_has_a_whole_month(wallet: Wallet, in_march: Any) -> None:
    row = begun(wallet)
    in_march.move_to(NEXT)
    hear(stands(row), invoice(row))
    assert wallet.lots.get().expires_at == NEXT + timedelta(days=31) + plans.RENEWAL


def test_a_plan_that_is_edited_changes_no_month_that_was_paid(wallet: Wallet) -> None:
    row = begun(wallet)
    hear(stands(row), invoice(row))
    Plan.objects.filter(slug="creator").update(credits=9_000_000)
    hear(invoice(row), invoice(row, 2, plan="pro", reason="change", period_start=at(10)))
    assert sum(entry.amount for entry in wallet.entries.filter(kind="grant")) == UPGRADED


# --- payments that fail ------------------------------------------------------------------------------------------------------
def test_a_plan_that_is_not_paid_stays_for_a_while(team: Team, wallet: Wallet, selling: CardGateway, in_march: Any, settings: Any) -> None:
    row = running(wallet, selling)
    failed = {"status": "past_due", "period_start": END, "period_end": NEXT}
    hear(stands(row, as_of=END, **failed), stands(row, as_of=END + timedelta(days=3), **failed))
    row.refresh_from_db()
    assert (row.failing_since, row.good_until) == (END, END + settings.PLAN_GRACE)
    in_march.move_to(END + settings.PLAN_GRACE - timedelta(seconds=1))
    assert plan_of(team).slug == "creator"
    in_march.move_to(END + settings.PLAN_GRACE)
    assert plan_of(team).slug == "free"
    hear(stands(row, as_of=timezone.now(), period_start=END, period_end=NEXT))
    row.refresh_from_db()
    assert (plan_of(team).slug, row.failing_since) == ("creator", None)


def test_a_letter_says_once_that_a_payment_failed(
    team: Team, alice: User, bob: User, wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    row = running(wallet, selling)
    with django_capture_on_commit_callbacks(execute=True):
        hear(stands(row, status="past_due", as_of=at(8)), stands(row, status="past_due", as_of=at(9)))
    [letter] = mail.outbox
    assert (letter.to, letter.subject) == ([alice.email], "The payment for the Creator plan failed")
    assert "The plan goes on until 16 March." in " ".join(str(letter.body).split())
    assert "http://localhost:8000/wallet/plan/" in letter.body
    with django_capture_on_commit_callbacks(execute=True):
        hear(stands(row, as_of=at(9.1)))
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("status", ["unpaid", "paused"])
def test_what_is_given_up_is_over_at_once(status: str, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    hear(stands(row, status=status, as_of=at(2)))
    row.refresh_from_db()
    assert (row.status, plan_of(team).slug) == ("unpaid", "free")


def test_nothing_is_changed_while_a_payment_is_open(wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    hear(stands(row, status="past_due", as_of=at(2)))
    row.refresh_from_db()
    for change in (
        lambda: subscriptions.preview(row, price("pro")),
        lambda: subscriptions.upgrade(row, price("pro"), as_of=at(3)),
        lambda: subscriptions.downgrade(row, price("creator")),
    ):
        with pytest.raises(PlanRefused, match="Pay what is open first"):
            change()
    assert selling.asked == []


# --- changing ----------------------------------------------------------------------------------------------------------------
def test_an_upgrade_is_now(team: Team, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    selling.bills = [invoice(row), invoice(row, 2, plan="pro", reason="change", period_start=at(10), as_of=at(10))]
    subscriptions.upgrade(row, price("pro"), as_of=at(10))
    assert selling.asked == [("change", f"sub_{row.pk}", "pro", at(10)), ("invoices", f"sub_{row.pk}")]
    assert plan_of(team).slug == "pro"
    assert granted(wallet)[1] == ("Pro plan, rest of the month until 1 April", 1017)
    assert sum(entry.amount for entry in wallet.entries.all()) == UPGRADED


def test_a_declined_card_changes_nothing(team: Team, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    selling.refuses = True
    with pytest.raises(GatewayRefused, match="use another card"):
        subscriptions.upgrade(row, price("pro"), as_of=at(10))
    assert (plan_of(team).slug, len(granted(wallet))) == ("creator", 1)


def test_a_downgrade_waits_for_the_end(team: Team, wallet: Wallet, selling: CardGateway, in_march: Any) -> None:
    row = running(wallet, selling, "pro")
    subscriptions.downgrade(row, price("creator"))
    row.refresh_from_db()
    assert selling.asked == [("change", f"sub_{row.pk}", "creator", END - timedelta(seconds=1))]
    assert (row.plan.slug, row.next_plan.slug if row.next_plan else "", row.amount) == ("pro", "creator", 2500)
    assert plan_of(team).slug == "pro"
    with pytest.raises(PlanRefused, match="Keep Pro first"):
        subscriptions.preview(row, price("pro"))
    hear(stands(row, as_of=at(12)))  # the same news once more, by webhook
    assert plan_of(team).slug == "pro"
    in_march.move_to(END)
    hear(stands(row, as_of=END, period_start=END, period_end=NEXT), invoice(row, 2, reason="period", period_start=END, period_end=NEXT))
    row.refresh_from_db()
    assert (plan_of(team).slug, row.next_plan, row.amount) == ("creator", None, 1000)
    assert [amount for _, amount in granted(wallet)] == [2500, 1000]


def test_a_downgrade_that_is_thought_better_of(team: Team, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling, "pro")
    subscriptions.downgrade(row, price("creator"))
    row.refresh_from_db()
    selling.now += timedelta(seconds=5)
    subscriptions.keep(row)
    row.refresh_from_db()
    assert selling.asked[-1] == ("change", f"sub_{row.pk}", "pro", END - timedelta(seconds=1))
    assert (row.plan.slug, row.next_plan, row.amount) == ("pro", None, 2500)
    assert [amount for _, amount in granted(wallet)] == [2500]


def test_a_downgrade_that_the_gateway_does_not_take_is_none(wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling, "pro")
    selling.refuses = True
    with pytest.raises(GatewayRefused):
        subscriptions.downgrade(row, price("creator"))
    row.refresh_from_db()
    assert (row.plan.slug, row.next_plan) == ("pro", None)


def test_cancel_and_undo(team: Team, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    subscriptions.cancel(row)
    row.refresh_from_db()
    assert (row.cancel_at_period_end, plan_of(team).slug) == (True, "creator")
    selling.now += timedelta(seconds=5)
    subscriptions.resume(row)
    row.refresh_from_db()
    assert (row.cancel_at_period_end, row.status) == (False, "active")
    assert [call[0] for call in selling.asked] == ["cancel", "resume"]


def test_what_is_not_paid_is_ended_at_once(wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    hear(stands(row, status="past_due", as_of=at(2)))
    row.refresh_from_db()
    subscriptions.cancel(row)
    row.refresh_from_db()
    assert (row.status, selling.asked) == ("canceled", [("cancel", f"sub_{row.pk}", False)])


# --- what was not told -------------------------------------------------------------------------------------------------------
def test_a_new_month_that_nobody_told_of_is_asked_for(team: Team, wallet: Wallet, selling: CardGateway, in_march: Any) -> None:
    row = running(wallet, selling)
    in_march.move_to(END + timedelta(hours=1))
    subscriptions.hourly()
    assert selling.asked == []
    in_march.move_to(END + timedelta(hours=3))
    selling.now = timezone.now()
    selling.has[f"sub_{row.pk}"] = stands(row, period_start=END, period_end=NEXT)
    selling.bills = [invoice(row), invoice(row, 2, reason="period", period_start=END, period_end=NEXT)]
    subscriptions.hourly()
    row.refresh_from_db()
    assert (row.period_end, [amount for _, amount in granted(wallet)]) == (NEXT, [1000, 1000])


def test_a_plan_of_which_nobody_tells_ends_some_day(team: Team, wallet: Wallet, selling: CardGateway, in_march: Any, settings: Any) -> None:
    running(wallet, selling)
    selling.fails = True
    in_march.move_to(END + settings.PLAN_GRACE)
    subscriptions.hourly()
    assert plan_of(team).slug == "free"


def test_a_deleted_team_stops_paying(
    team: Team, alice: User, wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    row = running(wallet, selling)
    with django_capture_on_commit_callbacks(execute=True):
        ending.delete_team(team, by=alice)
    row.refresh_from_db()
    assert (row.cancel_at_period_end, row.end_wanted) == (True, "")
    assert selling.asked == [("subscription", f"sub_{row.pk}"), ("cancel", f"sub_{row.pk}", True)]


def test_plans_are_found_in_one_query(team: Team, wallet: Wallet, selling: CardGateway, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert plan_of(team).slug == "free"
    running(wallet, selling)
    with django_assert_num_queries(1):
        assert plan_of(team).slug == "creator"
    assert plans.subscription_of(wallet) is not None
