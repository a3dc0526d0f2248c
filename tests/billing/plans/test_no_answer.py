"""A change of plan that was done, or not, without an answer."""

from __future__ import annotations

import pytest

from accounts.models import Team
from billing.gateways.errors import GatewayUnavailable
from billing.models import Wallet
from billing.services import subscriptions
from billing.services.plans import plan_of
from tests.billing.plans.gateway import CardGateway
from tests.billing.plans.telling import at, hear, price, running, stands

pytestmark = pytest.mark.usefixtures("selling")


def test_a_smaller_plan_does_not_begin_at_once_because_nobody_answered(team: Team, wallet: Wallet, selling: CardGateway) -> None:
    row, selling.is_mute = running(wallet, selling, "pro"), True
    with pytest.raises(GatewayUnavailable, match="not known whether this was done"):
        subscriptions.downgrade(row, price("creator"))
    hear(stands(row, plan="creator", as_of=at(5)))  # it was done
    row.refresh_from_db()
    assert (plan_of(team).slug, row.next_plan and row.next_plan.slug) == ("pro", "creator")


def test_what_was_not_done_is_not_said_for_long(wallet: Wallet, selling: CardGateway) -> None:
    row, selling.fails = running(wallet, selling, "pro"), True
    with pytest.raises(GatewayUnavailable):
        subscriptions.downgrade(row, price("creator"))
    selling.fails = False
    subscriptions.hourly()
    row.refresh_from_db()
    assert row.next_plan is None


def test_a_smaller_plan_does_not_begin_at_once_because_keeping_was_not_answered(team: Team, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling, "pro")
    subscriptions.downgrade(row, price("creator"))
    row.refresh_from_db()
    selling.fails = True
    with pytest.raises(GatewayUnavailable):
        subscriptions.keep(row)
    selling.fails = False
    subscriptions.hourly()
    row.refresh_from_db()
    assert (plan_of(team).slug, row.next_plan and row.next_plan.slug) == ("pro", "creator")


def test_an_upgrade_that_was_done_is_done_when_its_invoices_cannot_be_read(
    team: Team, wallet: Wallet, selling: CardGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = running(wallet, selling)

    def silent(subscription_id: str) -> list[object]:
        raise GatewayUnavailable

    monkeypatch.setattr(selling, "invoices", silent)
    subscriptions.upgrade(row, price("pro"), as_of=at(5))
    assert plan_of(team).slug == "pro"
