"""What both sides' books say."""

from __future__ import annotations

from accounts.models import Team
from billing.services import wallets
from tests.stability_server.standin import StandIn


def money(team: Team) -> tuple[int, int]:
    """Balance and held part, in millicredits."""
    wallet = wallets.wallet_of(team)
    return wallet.balance, wallet.held


def posts(standin: StandIn) -> int:
    """How often something was asked for that costs."""
    return sum(request.method == "POST" for request in standin.requests)
