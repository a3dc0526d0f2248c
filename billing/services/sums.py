"""What work takes from budgets, as running sums, so that a hold late in a busy month costs no more than the first.

A sum is counted from the holds when a limit first asks for it behind the wallet's lock. From then on every change of a hold moves it, in
the same transaction and under the same lock, until its day or month is over. Whoever looks without the lock and finds none counts without
keeping it. So a sum that is not there is never wrong, and may be forgotten at any time. It is known by the moments between which it
counts: in another time zone other sums are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Case, F, Q, Sum, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from billing.models import Hold, Spent, Wallet
from billing.periods import Period

COST = Case(When(status=Hold.Status.ACTIVE, then=F("amount")), default=F("captured") - F("refunded"))
"""What a piece of work takes from a budget."""

_MOVE = """
    UPDATE billing_spent SET amount = amount + %s
    WHERE wallet_id = %s AND (member_id = %s OR member_id IS NULL) AND begins <= %s AND ends > %s
"""
"""By hand: every hold and every end of one waits for it behind the lock, and to write it takes Django twice what the database takes."""

Key = tuple[int | None, datetime, datetime]
"""Of whom (None: of the whole team), from when until before when, in UTC: other zones compare badly where clocks are changed."""


def spent(wallet: Wallet, asked: Iterable[tuple[int | None, Period]], *, keep: bool = False) -> dict[tuple[int | None, str], int]:
    """Millicredits that each of these people (by key; None for the whole team) spent in a period, by the person and the period's kind.

    `keep` the sums that are not kept yet: only for whoever has the wallet's row locked.
    """
    keys = {(member, one.kind): (member, one.begins.astimezone(UTC), one.ends.astimezone(UTC)) for member, one in asked}
    rows = Spent.objects.filter(_of(member for member, _, _ in keys.values()), wallet=wallet)
    known: dict[Key, int] = {(row.member_id, row.begins, row.ends): row.amount for row in rows}
    missing = {key: _counted(wallet, *key) for key in keys.values() if key not in known}
    if missing and keep:
        Spent.objects.filter(wallet=wallet, ends__lte=timezone.now()).delete()
        Spent.objects.bulk_create(
            Spent(wallet=wallet, member_id=member, begins=begins, ends=ends, amount=amount)
            for (member, begins, ends), amount in missing.items()
        )
    return {name: known[key] if key in known else missing[key] for name, key in keys.items()}


def add(hold: Hold, amount: int) -> None:
    """The hold takes `amount` more from budgets from now on, less when negative. Called with the wallet's row locked."""
    if amount:
        at = connection.ops.adapt_datetimefield_value(hold.created_at)
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, (amount, hold.wallet_id, hold.actor_id, at, at))


def add_many(holds: Iterable[Hold], sign: int) -> None:
    """The holds, all of one wallet, take what they hold from budgets (`sign` 1), or give it back (-1). As `add`, with few queries."""
    amounts: dict[tuple[int, int | None, datetime], int] = {}
    for hold in holds:
        # Days and months begin at whole seconds.
        key = (hold.wallet_id, hold.actor_id, hold.created_at.replace(microsecond=0))
        amounts[key] = amounts.get(key, 0) + hold.amount
    for (wallet_id, actor_id, moment), amount in amounts.items():
        add(Hold(wallet_id=wallet_id, actor_id=actor_id, created_at=moment), sign * amount)


def by_kind(spans: Sequence[Period]) -> dict[str, Any]:
    """Aggregates over holds: what was spent in each of these periods, by its kind."""
    return {one.kind: Coalesce(Sum(COST, filter=Q(created_at__gte=one.begins)), 0) for one in spans}


def _of(members: Iterable[int | None]) -> Q:
    people = set(members)
    of_people = Q(member__in=people - {None})
    return of_people | Q(member=None) if None in people else of_people


def _counted(wallet: Wallet, member: int | None, begins: datetime, ends: datetime) -> int:
    holds = Hold.objects.filter(wallet=wallet, created_at__gte=begins, created_at__lt=ends)
    mine = holds if member is None else holds.filter(actor=member)
    return int(mine.aggregate(total=Coalesce(Sum(COST), 0))["total"])
