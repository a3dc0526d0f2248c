"""What becomes of a plan, and of the customer at the gateway, when a team or an account is erased."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import ending
from accounts.models import Team, User
from billing.models import Reversal, Subscription, Wallet
from billing.services import subscriptions
from billing.services.wallets import wallet_of
from studio.privacy.erasing import erase_account
from tests.billing.plans.buyer import Buyer
from tests.billing.plans.gateway import CardGateway
from tests.billing.plans.telling import at, begun, hear, invoice, price, running, stands


def erased(team: Team, alice: User) -> None:
    ending.delete_team(team, by=alice)
    ending.erase_team(team)


def test_the_gateway_forgets_the_customer_once_nothing_is_paid(
    team: Team, alice: User, wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    first = begun(wallet)
    hear(stands(first, status="canceled", ended_at=at(1)))
    row = begun(wallet)
    selling.has[f"sub_{row.pk}"] = stands(row, cancel_at_period_end=True)
    hear(stands(row), invoice(row))
    erased(team, alice)
    assert [call for call in selling.asked if call[0] in ("cancel", "forget")] == [("cancel", f"sub_{row.pk}", False), ("forget", "cus_1")]
    assert set(Subscription.objects.values_list("status", "customer_id", "end_wanted", "forget_wanted")) == {("canceled", "", "", False)}
    hear(stands(row, status="canceled", as_of=at(20), ended_at=at(20)))  # the news of it come late
    assert set(Subscription.objects.values_list("customer_id", flat=True)) == {""}
    subscriptions.hourly()
    assert [call[0] for call in selling.asked].count("forget") == 1


def test_it_is_told_again_within_the_hour(team: Team, alice: User, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling)
    selling.fails = True
    erased(team, alice)
    assert team.memberships.count() == 0, "all else is erased nevertheless"
    assert not [call for call in selling.asked if call[0] == "forget"], "the customer of a plan that goes on is not forgotten"
    subscriptions.hourly()
    selling.fails = False
    subscriptions.hourly()
    row.refresh_from_db()
    assert (row.status, row.customer_id, selling.asked[-1]) == ("canceled", "", ("forget", "cus_1"))


def test_what_is_paid_for_a_deleted_team_goes_back(
    team: Team, alice: User, wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    """The pay page was open in another tab while the team was deleted: nobody of it could cancel."""
    row = begun(wallet)
    ending.delete_team(team, by=alice)
    selling.has[f"sub_{row.pk}"] = stands(row)
    with django_capture_on_commit_callbacks(execute=True):
        hear(stands(row), invoice(row, payment_id="pi_1"))
    row.refresh_from_db()
    wallet.refresh_from_db()
    assert (row.status, selling.has[f"sub_{row.pk}"].status, wallet.balance) == ("canceled", "canceled", 0)
    assert selling.asked[-1] == ("refund", "pi_1", 1000)


def test_what_is_paid_for_an_erased_team_ends_at_once(
    team: Team, alice: User, wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    row = begun(wallet)
    erased(team, alice)
    selling.has[f"sub_{row.pk}"] = stands(row)
    with django_capture_on_commit_callbacks(execute=True):
        hear(stands(row), invoice(row, payment_id="pi_1"))
    assert [call for call in selling.asked if call[0] == "refund"] == [("refund", "pi_1", 1000)]
    assert Reversal.objects.get().reason == "Paid for a team that was deleted"
    subscriptions.hourly()
    row.refresh_from_db()
    assert (row.status, row.customer_id, selling.asked[-1]) == ("canceled", "", ("forget", "cus_1"))


def test_a_deleted_team_has_no_pay_page(
    team: Team, alice: User, wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    subscriptions.start(wallet, price("creator"), selling, by=alice, success_url="", cancel_url="")
    with django_capture_on_commit_callbacks(execute=True):
        ending.delete_team(team, by=alice)
    assert (selling.asked[-1][0], Subscription.objects.count()) == ("end checkout", 0)


def test_an_account_takes_its_own_teams_customer_along(alice: User, selling: CardGateway) -> None:
    own = wallet_of(Team.objects.get(is_personal=True, members=alice))
    running(own, selling)
    erase_account(alice, leaves_work=False)
    assert selling.asked[-1] == ("forget", "cus_1")


def test_at_stripe_the_customer_is_gone(buyer: Buyer, team: Team, alice: User) -> None:
    buyer.start("creator")
    buyer.hear()
    erased(team, alice)
    [plan] = buyer.stripe.all("subscription")
    assert (plan["status"], buyer.stripe.all("customer")) == ("canceled", [])
    buyer.hear()
    assert Subscription.objects.get().customer_id == ""


@pytest.mark.django_db
def test_a_customer_that_stripe_does_not_know_is_forgotten(stripe_gateway: Any) -> None:
    stripe_gateway.forget_customer("cus_gone")
