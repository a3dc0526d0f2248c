"""What becomes of a delivery after a call: it has arrived, waits for the next try, or is parked. And of an endpoint that takes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from accounts import audit, mails
from accounts.access import people_who_may
from studio.webhooks.models import Delivery, Endpoint
from studio.webhooks.schedule import wait_after
from studio.webhooks.sending import Answer
from studio.webhooks.services import TEST, named

log = structlog.get_logger(__name__)

LINES = 24
"""Tries that a delivery's log keeps."""
ENOUGH = 6
"""Tries of one delivery, some three hours, before it says that an endpoint is dead: nothing may have been sent there for a week before."""
PAGE = "/developers/webhooks/"

Status = Delivery.Status


@transaction.atomic
def record(delivery: Delivery, answer: Answer, *, at: datetime) -> bool:
    """Write down what came of the call that began at `at`. False when the lease was lost, to another courier or a person who deleted it."""
    line = {"at": at.isoformat(), "status": answer.status, "ms": answer.ms, "said": answer.said, "error": answer.problem}
    changes: dict[str, Any] = {"lease_until": None, "log": [*delivery.log, line][-LINES:]}
    ended = at + timedelta(milliseconds=answer.ms)
    wait = wait_after(delivery.attempts, asked=answer.retry_after)
    if answer.is_delivered:
        changes |= {"status": Status.DELIVERED, "ended_at": ended}
    elif answer.is_gone or wait is None or delivery.event == TEST:
        changes |= {"status": Status.PARKED, "ended_at": ended}
    else:
        changes |= {"next_at": ended + wait}
    held = Delivery.objects.filter(pk=delivery.pk, status=Status.WAITING, lease_until=delivery.lease_until)
    if not held.update(**changes):
        return False
    for name, value in changes.items():
        setattr(delivery, name, value)
    _note(delivery, answer, at)
    return True


def _note(delivery: Delivery, answer: Answer, at: datetime) -> None:
    """What this says of the endpoint. That a test failed says nothing of it: people test what is not built yet."""
    endpoint = Endpoint.objects.filter(pk=delivery.endpoint_id)
    if answer.is_delivered:
        endpoint.exclude(failing_since=None).update(failing_since=None)
    elif delivery.event == TEST:
        return
    elif answer.is_gone:
        _switch_off(delivery.endpoint, at, "answered that it is gone for good (410)")
    else:
        endpoint.filter(failing_since=None).update(failing_since=at)
        days = settings.WEBHOOK_OFF_AFTER_DAYS
        if delivery.attempts >= ENOUGH and endpoint.filter(failing_since__lte=at - timedelta(days=days)).exists():
            _switch_off(delivery.endpoint, at, f"took nothing for {days} day{'' if days == 1 else 's'}")


def _switch_off(endpoint: Endpoint, at: datetime, why: str) -> None:
    if not Endpoint.objects.filter(pk=endpoint.pk, is_active=True).update(is_active=False, switched_off_at=at):
        return
    audit.record(endpoint.team, None, "webhook.switched_off", f"switched off the endpoint {named(endpoint)}, which {why}")
    log.warning("webhook_endpoint_off", endpoint=str(endpoint.pk), team=endpoint.team_id)
    transaction.on_commit(partial(_write, endpoint, why), robust=True)


def _write(endpoint: Endpoint, why: str) -> None:
    """A letter to those who can do something about it."""
    team = mails.one_line(str(endpoint.team))
    body = (
        f"The endpoint {mails.one_line(named(endpoint))} of {team} {why}. It was switched off, and is told nothing more.\n\n"
        "What was not delivered waits for it. Look at what it answered, mend it, and switch it on again:\n\n"
        f"{mails.absolute(PAGE)}\n\n"
        "Whoever administers the team gets this letter."
    )
    letters = [
        mails.from_text(person.email, f"A webhook endpoint of {team} was switched off", body, button="Open the endpoints")
        for person in people_who_may(endpoint.team, "administer")
    ]
    mails.send(letters)
