"""What rooms that have never heard of webhooks tell them, by dotted paths in the settings; inside the transaction in which it happened."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.mails import absolute
from billing.money import money
from billing.services.alerts import Alert
from billing.services.payment_news import Payment
from studio.generation.facts import batch_facts, decimal, job_facts
from studio.generation.models import Job
from studio.generation.services.deciding import described
from studio.generation.services.news import with_addresses
from studio.webhooks.models import Event
from studio.webhooks.services import listeners, publish, publish_all


def approval_asked(job: Job, what: str) -> None:
    """One of `settings.APPROVAL_LISTENERS`. Of a batch one job stands for all: what is told is the batch."""
    if what != "asked":
        return
    endpoints = [one for one in listeners(job.team_id) if Event.APPROVAL_ASKED in one.events]
    if not endpoints:
        return
    _, amount = described(job)
    about: dict[str, Any] = {
        "reason": job.approval,
        "asked_by": str(job.user or ""),
        "credits": decimal(amount),
        "url": absolute(reverse("wallet_approval", args=[job.pk])),
    }
    facts = batch_facts(job.batch) if job.batch else job_facts(Job.objects.for_programs().get(pk=job.pk))
    publish_all(endpoints, Event.APPROVAL_ASKED, [{**with_addresses(facts), "approval": about}])


def wallet_alert(alert: Alert) -> None:
    """One of `settings.WALLET_ALERTS`; what expires is not told to programs, who cannot use it up for its sake."""
    if alert.kind != "low":
        return
    wallet = alert.wallet
    about = {
        "object": "wallet",
        "credits": {"left": decimal(wallet.left), "held": decimal(wallet.held), "warn_below": decimal(wallet.low_below or 0)},
        "message": alert.text,
        "url": absolute(reverse("wallet_of_team", args=[wallet.team_id])),
    }
    publish(wallet.team_id, Event.WALLET_LOW, about)


def paid(payment: Payment) -> None:
    """`settings.PAYMENT_LISTENER`."""
    about = {
        "object": "payment",
        "id": payment.reference,
        "kind": payment.kind,
        "name": payment.what,
        "amount": payment.amount,
        "currency": payment.currency,
        "price": money(payment.amount, payment.currency),
        "credits": decimal(payment.millicredits),
        "url": absolute(reverse("wallet_of_team", args=[payment.wallet.team_id])),
    }
    publish(payment.wallet.team_id, Event.PAYMENT_RECEIVED, about)
