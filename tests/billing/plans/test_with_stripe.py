"""Plans with the official library against the stand-in: what people press, and what its webhooks then tell."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Team
from billing.ledger import disagreements
from billing.models import GatewayEvent, Subscription, Wallet
from billing.services import plans, subscriptions, wallets
from billing.services.plans import plan_of
from tests.billing.plans.buyer import URL, Buyer, credits
from tests.billing.shop import way_out
from tests.stripe_server import plans as theirs

MONTH = timedelta(days=30)


def row() -> Subscription:
    return Subscription.objects.select_related("plan", "next_plan").get()


def test_a_plan_from_its_start_to_its_end(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any, settings: Any) -> None:
    buyer.start("creator")
    assert (plan_of(team).slug, credits(wallet)) == ("free", 0)
    buyer.hear()
    assert (plan_of(team).slug, credits(wallet), row().price) == ("creator", 1000, "$10.00")

    in_march.shift(timedelta(days=12))
    asked = buyer.browser.get(f"{URL}to/pro/", {"currency": "usd"})
    assert (asked.context["total"], asked.context["more"]) == (900, 900_000)  # 15 dollars, and 1,500 credits, for 18 of 30 days
    assert buyer.change("pro").status_code == 302
    assert (plan_of(team).slug, credits(wallet)) == ("pro", 1900)
    buyer.hear()
    assert (plan_of(team).slug, credits(wallet)) == ("pro", 1900)

    in_march.shift(timedelta(days=18))
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    assert credits(wallet) == 2500  # those of the month before have expired
    end = row().period_end
    assert buyer.browser.post(f"{URL}cancel/").status_code == 302
    in_march.shift(MONTH)
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    ended = row()
    assert (ended.status, ended.ended_at, plan_of(team).slug) == ("canceled", end, "free")
    assert not GatewayEvent.objects.filter(processed_at=None).exists()
    assert list(disagreements()) == []


@pytest.mark.parametrize("seed", range(8))
def test_webhooks_in_any_order_some_twice(seed: int, buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    dice = random.Random(seed)
    buyer.start("creator")
    buyer.hear(dice)
    in_march.shift(timedelta(days=10))
    buyer.change("pro")
    in_march.shift(timedelta(days=20))
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    buyer.hear(dice)
    assert sum(entry.amount for entry in wallet.entries.filter(kind="grant")) == 1_000_000 + 1_000_000 + 2_500_000
    assert (plan_of(team).slug, row().status) == ("pro", "active")
    assert list(disagreements()) == []


def test_a_downgrade_costs_nothing_and_waits(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    buyer.start("pro")
    buyer.hear()
    in_march.shift(timedelta(days=10))
    assert buyer.change("creator").status_code == 302
    buyer.hear()
    found = row()
    assert (found.plan.slug, found.next_plan.slug if found.next_plan else "", plan_of(team).slug) == ("pro", "creator", "pro")
    assert [one["amount_due"] for one in buyer.stripe.all("invoice")] == [2500, 0]
    in_march.shift(timedelta(days=20))
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    assert (plan_of(team).slug, row().next_plan, row().amount) == ("creator", None, 1000)
    assert [one["amount_paid"] for one in buyer.stripe.all("invoice")] == [2500, 0, 1000]
    assert sum(entry.amount for entry in wallet.entries.filter(kind="grant")) == 3_500_000


def test_a_downgrade_thought_better_of_costs_nothing(buyer: Buyer, team: Team, in_march: Any) -> None:
    buyer.start("pro")
    buyer.hear()
    in_march.shift(timedelta(days=10))
    buyer.change("creator")
    in_march.shift(timedelta(hours=1))
    assert buyer.browser.post(f"{URL}keep/").status_code == 302
    buyer.hear()
    in_march.shift(timedelta(days=20))
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    assert (plan_of(team).slug, row().next_plan) == ("pro", None)
    assert [one["amount_paid"] for one in buyer.stripe.all("invoice")] == [2500, 0, 0, 2500]


def test_a_card_that_is_declined_when_changing(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    buyer.start("creator")
    buyer.hear()
    buyer.stripe.failing.add(buyer.theirs["customer"])
    in_march.shift(timedelta(days=10))
    answer = buyer.change("pro")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    buyer.hear()
    assert (plan_of(team).slug, credits(wallet), row().amount) == ("creator", 1000, 1000)


def test_a_payment_that_fails_and_is_paid_later(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any, settings: Any) -> None:
    buyer.start("creator")
    buyer.hear()
    buyer.stripe.failing.add(buyer.theirs["customer"])
    in_march.shift(MONTH)
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    assert (row().status, plan_of(team).slug) == ("past_due", "creator")
    page = buyer.browser.get(URL)
    assert "The last payment for Creator failed." in page.content.decode()
    assert "tried again on" in page.content.decode()
    address = buyer.browser.get(f"{URL}pay/")["Location"]
    assert address.startswith(f"{buyer.stripe.url}/p/")
    in_march.shift(settings.PLAN_GRACE)
    assert plan_of(team).slug == "free"
    buyer.stripe.failing.clear()
    theirs.retry(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    assert (row().status, row().failing_since, plan_of(team).slug) == ("active", None, "creator")
    assert sum(entry.amount for entry in wallet.entries.filter(kind="grant")) == 2_000_000


def test_webhooks_that_never_come(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    buyer.start("creator")
    buyer.hear()
    in_march.shift(MONTH + timedelta(hours=3))
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    subscriptions.hourly()
    assert sum(entry.amount for entry in wallet.entries.filter(kind="grant")) == 2_000_000
    assert (row().status, plan_of(team).slug) == ("active", "creator")
    buyer.hear()
    assert sum(entry.amount for entry in wallet.entries.filter(kind="grant")) == 2_000_000


def test_what_the_studio_was_never_told_of_is_read_by_reconciling(buyer: Buyer, team: Team, wallet: Wallet) -> None:
    from billing.gateways.registry import gateway
    from billing.services.reconciling import reconcile

    buyer.start("creator")
    assert plan_of(team).slug == "free"
    reconcile(gateway("stripe"))
    assert (plan_of(team).slug, credits(wallet)) == ("creator", 1000)


def test_two_tabs_pay_one_plan(buyer: Buyer, team: Team, wallet: Wallet) -> None:
    pages = [way_out(buyer.browser.post(f"{URL}to/{slug}/", {"currency": "usd"})).rsplit("/", 1)[1] for slug in ("creator", "pro")]
    assert [buyer.stripe.approve(page)["status"] for page in pages] == ["expired", "complete"]
    buyer.hear()
    assert (plan_of(team).slug, credits(wallet), len(buyer.stripe.all("subscription"))) == ("pro", 2500, 1)


def test_a_tab_that_was_paid_is_heard_by_the_other(buyer: Buyer, team: Team) -> None:
    buyer.start("creator")
    answer = buyer.browser.post(f"{URL}to/pro/", {"currency": "usd"})
    assert answer.status_code == 422
    assert "The payment for Creator has just come" in answer.content.decode()
    assert (plan_of(team).slug, len(buyer.stripe.all("checkout.session"))) == ("creator", 1)


@pytest.mark.parametrize("seed", range(6))
def test_two_that_are_paid_nevertheless(
    seed: int, buyer: Buyer, team: Team, wallet: Wallet, django_capture_on_commit_callbacks: Any
) -> None:
    """Pay pages of before their ids were kept: nobody can close them."""
    pages = []
    for slug in ("creator", "pro"):
        pages.append(way_out(buyer.browser.post(f"{URL}to/{slug}/", {"currency": "usd"})).rsplit("/", 1)[1])
        Subscription.objects.update(checkout_id="")
    dice = random.Random(seed)
    for page in dice.sample(pages, 2):
        buyer.stripe.approve(page)
    with django_capture_on_commit_callbacks(execute=True):
        buyer.hear(dice)
    with django_capture_on_commit_callbacks(execute=True):
        buyer.hear(dice)
    subscriptions.hourly()
    assert (plan_of(team).slug, credits(wallet), buyer.theirs["metadata"]) == ("pro", 2500, {"subscription": str(live().key)})
    [refund] = buyer.stripe.all("refund")
    assert refund["amount"] == 1000
    assert list(disagreements()) == []


def live() -> Subscription:
    return Subscription.objects.live().get()


def test_there_is_no_hour_without_credits(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    """Stripe has a renewal paid an hour after the month has ended: the old month's credits last until then, and no longer."""
    buyer.start("creator")
    buyer.hear()
    in_march.shift(MONTH + timedelta(seconds=1))
    theirs.renew(buyer.stripe, buyer.theirs["id"], draft=True)
    buyer.hear()
    in_march.shift(timedelta(minutes=59))
    plans.daily()
    hold = wallets.place_hold(wallet, 600_000, reference="work", description="Work in the first hour")
    in_march.shift(timedelta(minutes=1))
    theirs.bill(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    wallets.capture(hold, 600_000)
    wallets.expire(wallet)
    assert credits(wallet) == 1000, "the 400 that were left have ended with their month"
    assert list(disagreements()) == []


def test_who_does_not_pay_has_none_after_that(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    buyer.start("creator")
    buyer.hear()
    buyer.stripe.failing.add(buyer.theirs["customer"])
    in_march.shift(MONTH)
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    in_march.shift(timedelta(hours=4, seconds=-1))
    wallets.expire(wallet)
    assert credits(wallet) == 1000
    in_march.shift(timedelta(seconds=1))
    wallets.expire(wallet)
    assert credits(wallet) == 0
