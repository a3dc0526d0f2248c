"""The same news from several sides at the same moment: written down once, granted once."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Team
from billing.ledger import disagreements
from billing.models import Plan, Subscription
from billing.services import subscriptions
from billing.services.wallets import wallet_of
from tests.billing.plans.telling import begun, invoice, stands
from tests.billing.race import at_once


@pytest.mark.django_db(transaction=True)
def test_deliveries_at_the_same_moment(team: Team, settings: Any) -> None:
    Plan.objects.get_or_create(slug="creator", defaults={"name": "Creator", "credits": 1_000_000})
    Plan.objects.get_or_create(slug="pro", defaults={"name": "Pro", "credits": 2_500_000})
    wallet = wallet_of(team)
    one, other = begun(wallet), begun(wallet, "pro")
    told = [stands(one), invoice(one), stands(other, plan="pro"), invoice(other, plan="pro")]

    def bring(fact: Any) -> bool:
        return subscriptions.hear(fact, gateway="card")

    assert at_once(*[(lambda fact=fact: fact, bring) for fact in told * 4]) == [True] * 16
    amounts = sorted(entry.amount for entry in wallet.entries.filter(kind="grant"))
    assert amounts == [1_000_000, 2_500_000]
    assert Subscription.objects.live().count() == 1
    assert list(disagreements()) == []
