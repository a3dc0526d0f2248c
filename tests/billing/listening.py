"""A listener for `settings.BILLING_LISTENER`, and what stands in for the functions that billing is told of by other dotted paths."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import connection

from billing.models import Wallet
from billing.services.alerts import Alert

heard: list[tuple[int, int, int]] = []


def hear(wallet: Wallet) -> None:
    assert connection.in_atomic_block, "the listener belongs into the transaction of the change"
    heard.append((wallet.team_id, wallet.balance, wallet.held))


def refuse(wallet: Wallet) -> None:
    raise RuntimeError("The listener failed.")


def complain() -> Iterator[str]:
    yield "Job 7 is running, but its hold is voided."


def prices() -> Iterator[tuple[str, str]]:
    yield "Storybook", "1 credit a picture, up to 25 steps"
    yield "Atlas", "6.5 credits a picture"


def outcomes(holds: Collection[int]) -> Iterator[tuple[int, str]]:
    for hold in holds:
        yield hold, f"the work of hold {hold} came to nothing"


alerts: list[tuple[str, str]] = []


def be_alerted(alert: Alert) -> None:
    assert connection.in_atomic_block, "the alert belongs into the transaction that noticed it"
    alerts.append((alert.kind, alert.text))
