"""Facts as a gateway tells them of a team's plan: Creator from 1 March to 1 April, unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from billing.gateways import facts
from billing.models import Plan, PlanPrice, Subscription, Wallet
from billing.services import subscriptions
from tests.billing.plans.gateway import CardGateway

START, END, NEXT = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))
GATEWAY = "card"
AMOUNTS = {"creator": 1000, "pro": 2500}


def at(day: float) -> datetime:
    """So many days into March."""
    return START + timedelta(days=day)


def begun(wallet: Wallet, slug: str = "creator") -> Subscription:
    """The row of a plan whose payment was begun."""
    plan = Plan.objects.get(slug=slug)
    return Subscription.objects.create(wallet=wallet, plan=plan, gateway=GATEWAY, currency="usd", amount=AMOUNTS[slug])


def stands(row: Subscription, *, plan: str = "creator", as_of: datetime = START, **given: Any) -> facts.Subscription:
    told: dict[str, Any] = {
        "key": str(row.key),
        "subscription_id": f"sub_{row.pk}",
        "customer_id": "cus_1",
        "status": "active",
        "plan": plan,
        "amount": AMOUNTS[plan],
        "currency": "usd",
        "period_start": START,
        "period_end": END,
        "as_of": as_of,
    }
    return facts.Subscription(**told | given)


def invoice(row: Subscription, number: int = 1, *, plan: str = "creator", reason: Any = "start", **given: Any) -> facts.Invoice:
    told: dict[str, Any] = {
        "key": str(row.key),
        "subscription_id": f"sub_{row.pk}",
        "invoice_id": f"in_{row.pk}_{number}",
        "status": "paid",
        "reason": reason,
        "plan": plan,
        "amount_due": AMOUNTS[plan],
        "amount_paid": AMOUNTS[plan],
        "currency": "usd",
        "period_start": START,
        "period_end": END,
        "as_of": START,
    }
    return facts.Invoice(**told | given)


def hear(*told: Any) -> None:
    for fact in told:
        assert subscriptions.hear(fact, gateway="card")


def price(slug: str) -> PlanPrice:
    return PlanPrice.objects.get(plan__slug=slug, currency="usd")


def granted(wallet: Wallet) -> list[tuple[str, int]]:
    rows = wallet.entries.filter(kind="grant", account="plans").order_by("id")
    return [(entry.description, entry.amount // 1000) for entry in rows]


def running(wallet: Wallet, selling: CardGateway, slug: str = "creator") -> Subscription:
    """A plan that is paid for this month, here and at the gateway."""
    row = begun(wallet, slug)
    selling.has[f"sub_{row.pk}"] = stands(row, plan=slug)
    hear(stands(row, plan=slug), invoice(row, plan=slug))
    row.refresh_from_db()
    return row
