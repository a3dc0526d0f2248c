"""Two plans of one team: two pay pages at once, two that were paid, and what was begun and came to nothing."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db.migrations.exceptions import IrreversibleError
from structlog.testing import capture_logs

from accounts.models import Team, User
from billing.errors import PlanRefused
from billing.gateways.errors import GatewayRefused, KeyRefused
from billing.ledger import disagreements
from billing.models import Reversal, Subscription, Wallet
from billing.plan_page import meters
from billing.services import subscriptions
from billing.services.plans import plan_of
from tests.billing.plans.gateway import CardGateway
from tests.billing.plans.telling import at, begun, granted, hear, invoice, price, running, stands

pytestmark = pytest.mark.usefixtures("selling")


def paid(wallet: Wallet, selling: CardGateway) -> Subscription:
    """Creator, with its payment pi_1."""
    row = running(wallet, selling)
    hear(invoice(row, payment_id="pi_1"))
    return row


def pay_for_pro(wallet: Wallet) -> None:
    """From the other pay page, a day later."""
    hear(stands(begun(wallet, "pro"), plan="pro", as_of=at(1)))


def test_a_second_plan_takes_the_place_of_the_first(
    team: Team, wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    """Two pay pages that were both paid: the plan begun first is ended at the gateway, and its payment goes back with its credits."""
    first = paid(wallet, selling)
    second = begun(wallet, "pro")
    with django_capture_on_commit_callbacks(execute=True):
        hear(stands(second, plan="pro", as_of=at(1)), invoice(second, plan="pro"))
    first.refresh_from_db()
    assert (first.status, first.end_wanted, plan_of(team).slug) == ("canceled", "", "pro")
    assert selling.asked == [("subscription", f"sub_{first.pk}"), ("cancel", f"sub_{first.pk}", False), ("refund", "pi_1", 1000)]
    assert [amount for _, amount in granted(wallet)] == [1000, 2500]
    wallet.refresh_from_db()
    assert wallet.balance == 2_500_000
    assert list(disagreements()) == []
    hear(stands(first, as_of=at(3)))  # late news of the older one bring nothing back
    assert (plan_of(team).slug, Subscription.objects.live().count()) == ("pro", 1)


def test_credits_that_went_back_are_not_shown_as_used(
    wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    paid(wallet, selling)
    second = begun(wallet, "pro")
    with django_capture_on_commit_callbacks(execute=True):
        hear(stands(second, plan="pro", as_of=at(1)), invoice(second, plan="pro"))
    used = meters(wallet, second.plan)[0]
    assert (used.label, used.used, used.limit) == ("Plan credits used", "0", "2,500")


def test_the_plan_begun_last_stays_whichever_is_heard_of_first(
    team: Team, wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    first, second = begun(wallet), begun(wallet, "pro")
    selling.has = {f"sub_{first.pk}": stands(first), f"sub_{second.pk}": stands(second, plan="pro")}
    with django_capture_on_commit_callbacks(execute=True):
        hear(stands(second, plan="pro"), invoice(second, plan="pro", payment_id="pi_2"))
        hear(invoice(first, payment_id="pi_1"), stands(first))
    assert (plan_of(team).slug, [call for call in selling.asked if call[0] == "refund"]) == ("pro", [("refund", "pi_1", 1000)])
    wallet.refresh_from_db()
    assert wallet.balance == 2_500_000
    assert selling.has[f"sub_{first.pk}"].status == "canceled"


def test_money_that_could_not_go_back_at_once_goes_within_the_hour(
    wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    paid(wallet, selling)
    selling.fails = True
    with django_capture_on_commit_callbacks(execute=True):
        pay_for_pro(wallet)
    wallet.refresh_from_db()
    assert wallet.balance == 0, "they could be spent while the money is under way"
    selling.fails = False
    selling.asked.clear()
    subscriptions.hourly()
    subscriptions.hourly()
    assert [call for call in selling.asked if call[0] == "refund"] == [("refund", "pi_1", 1000)]
    [row] = Reversal.objects.all()
    assert (row.status, row.amount, row.reason) == ("succeeded", 1000, "Paid beside another plan")


def test_what_is_not_paid_yet_goes_back_once_it_is(wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any) -> None:
    """A bank debit: the plan is in force, its invoice is open for days. Nothing is asked over and over meanwhile."""
    first = begun(wallet)
    debit = invoice(first, status="open", amount_paid=0, payment_id="")
    selling.has[f"sub_{first.pk}"], selling.bills = stands(first), [debit]
    hear(stands(first), debit)
    with django_capture_on_commit_callbacks(execute=True):
        pay_for_pro(wallet)
        subscriptions.hourly()
    assert [call[0] for call in selling.asked] == ["subscription", "cancel", "invoices", "invoices"]
    with django_capture_on_commit_callbacks(execute=True):
        hear(invoice(first, payment_id="pi_1", as_of=at(3)))
    assert selling.asked[-1] == ("refund", "pi_1", 1000)
    wallet.refresh_from_db()
    assert wallet.balance == 0


def test_a_refused_key_is_no_answer_about_the_money(
    wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = paid(wallet, selling)

    def refuse(order: Any) -> Any:
        raise KeyRefused("Tell the operator.")

    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(selling, "refund", refuse)
        pay_for_pro(wallet)
    Subscription.objects.filter(pk=first.pk).update(created_at=at(-90))  # what is owed is not forgotten
    subscriptions.hourly()
    assert (Reversal.objects.get().status, selling.asked[-1]) == ("succeeded", ("refund", "pi_1", 1000))


def test_a_refusal_leaves_the_credits_and_is_told_to_the_operator(
    wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(wallet, selling)

    def refuse(order: Any) -> Any:
        raise GatewayRefused("No.")

    monkeypatch.setattr(selling, "refund", refuse)
    with capture_logs() as logs, django_capture_on_commit_callbacks(execute=True):
        pay_for_pro(wallet)
    wallet.refresh_from_db()
    assert (wallet.balance, Reversal.objects.get().status) == (1_000_000, "failed")
    assert [one["event"] for one in logs if one["log_level"] == "error"] == ["plan_not_given_back"]


def test_a_second_pay_page_closes_the_first(wallet: Wallet, alice: User, selling: CardGateway) -> None:
    given = {"by": alice, "success_url": "https://studio/ok", "cancel_url": "https://studio/no"}
    subscriptions.start(wallet, price("creator"), selling, **given)
    first = Subscription.objects.get()
    subscriptions.start(wallet, price("pro"), selling, **given)
    assert [call[:2] for call in selling.asked] == [("start", str(first.key)), ("end checkout", f"cs_{first.key}"), selling.asked[2][:2]]
    assert [row.plan.slug for row in Subscription.objects.all()] == ["pro"]


def test_no_second_pay_page_where_the_first_was_paid(team: Team, wallet: Wallet, alice: User, selling: CardGateway) -> None:
    given = {"by": alice, "success_url": "https://studio/ok", "cancel_url": "https://studio/no"}
    subscriptions.start(wallet, price("creator"), selling, **given)
    row = Subscription.objects.get()
    selling.paid_for[f"cs_{row.key}"] = stands(row)
    with pytest.raises(PlanRefused, match="The payment for Creator has just come"):
        subscriptions.start(wallet, price("pro"), selling, **given)
    assert (plan_of(team).slug, Subscription.objects.count()) == ("creator", 1)


def test_of_two_pay_pages_begun_at_one_moment_one_is_closed(
    wallet: Wallet, alice: User, selling: CardGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one was begun while the gateway was making the first."""
    made = selling.start_subscription

    def meanwhile(order: Any) -> Any:
        begun(wallet, "pro")
        return made(order)

    monkeypatch.setattr(selling, "start_subscription", meanwhile)
    with pytest.raises(PlanRefused, match="begun at the same moment"):
        subscriptions.start(wallet, price("creator"), selling, by=alice, success_url="", cancel_url="")
    assert [row.plan.slug for row in Subscription.objects.all()] == ["pro"]
    assert selling.asked[-1][0] == "end checkout"


def test_what_was_begun_and_not_paid_is_forgotten(wallet: Wallet, alice: User, selling: CardGateway, in_march: Any) -> None:
    given = {"by": alice, "success_url": "", "cancel_url": ""}
    subscriptions.start(wallet, price("creator"), selling, **given)
    subscriptions.hourly()
    assert Subscription.objects.count() == 1
    in_march.shift(timedelta(hours=2))
    selling.fails = True
    subscriptions.hourly()
    assert Subscription.objects.count() == 1, "nobody said that it is not paid"
    selling.fails = False
    subscriptions.hourly()
    assert Subscription.objects.count() == 0
    begun(wallet)
    in_march.shift(timedelta(hours=47))
    subscriptions.hourly()
    assert Subscription.objects.count() == 1
    in_march.shift(timedelta(hours=2))
    subscriptions.hourly()
    assert Subscription.objects.count() == 0


def test_an_end_that_the_gateway_did_not_hear_of_is_told_again(
    wallet: Wallet, selling: CardGateway, django_capture_on_commit_callbacks: Any
) -> None:
    first = paid(wallet, selling)
    selling.fails = True
    with django_capture_on_commit_callbacks(execute=True):
        pay_for_pro(wallet)
    first.refresh_from_db()
    assert (first.status, first.end_wanted) == ("canceled", "now")
    selling.fails = False
    subscriptions.hourly()
    first.refresh_from_db()
    assert first.end_wanted == ""
    assert selling.has[f"sub_{first.pk}"].status == "canceled"
    count = len(selling.asked)
    subscriptions.hourly()
    assert len(selling.asked) == count


def test_there_is_no_way_back_behind_money_that_went_back(wallet: Wallet, selling: CardGateway) -> None:
    migration = import_module("billing.migrations.0016_plan_money")
    migration.refuse(apps, None)
    row = running(wallet, selling)
    Reversal.objects.create(invoice=row.invoices.get(), kind="refund", status="succeeded", amount=1)
    with pytest.raises(IrreversibleError):
        migration.refuse(apps, None)
