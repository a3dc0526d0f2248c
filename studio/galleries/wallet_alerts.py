"""What a wallet has to tell its people rings their bell (`settings.WALLET_ALERTS`)."""

from __future__ import annotations

from billing.services.alerts import Alert
from studio.galleries.notices import notify


def tell(alert: Alert) -> None:
    """Inside the transaction that noticed it."""
    notify(alert.people, team=alert.wallet.team, actor=None, kind="wallet", text=alert.text)
