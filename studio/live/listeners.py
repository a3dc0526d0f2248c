"""What other rooms call by dotted path (settings), so that they need not know this one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction

from studio.live import events

if TYPE_CHECKING:
    from billing.models import Wallet


def wallet_changed(wallet: Wallet) -> None:
    """`settings.BILLING_LISTENER`: called inside the transaction that changed a wallet; pages hear of it when it is committed."""
    transaction.on_commit(partial(events.wallet_changed, wallet.team_id))


def access_changed(user_ids: Iterable[int]) -> None:
    """`settings.ACCESS_LISTENER`: called inside the transaction that changed people's rights; their open pages ask anew afterwards."""
    for user_id in user_ids:
        transaction.on_commit(partial(events.access_changed, user_id))
