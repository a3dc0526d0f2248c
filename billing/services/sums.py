"""What work takes from budgets, as running sums, so that a hold late in a busy month costs no more than the first.

A sum is counted from the holds when a limit first asks for it behind the wallet's lock. From then on every change of a hold moves it, in
the same transaction and under the same lock, until its day or month is over. Whoever looks without the lock and finds none counts without
keeping it. So a sum that is not there is never wrong, and may be forgotten at any time. It is known by the moments between which it
counts: in another time zone other sums are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Case, F, Q, Sum, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import ApiKey
from billing.models import Hold, Spent, Wallet
from billing.periods import Period

COST = Case(When(status=Hold.Status.ACTIVE, then=F("amount")), default=F("captured") - F("refunded"))
"""What a piece of work takes from a budget."""

_MOVE = """
    UPDATE billing_spent SET amount = amount + %s
    WHERE wallet_id = %s AND (
        member_id = %s
        OR api_key_id = (SELECT COALESCE(origin_id, id) FROM accounts_apikey WHERE id = %s)
        OR (member_id IS NULL AND api_key_id IS NULL)
    ) AND begins <= %s AND ends > %s
"""
"""By hand: every hold and every end of one waits for it behind the lock, and to write it takes Django twice what the database takes."""


class Whose(NamedTuple):
    """Of whom a sum is, by their keys: of the whole team (neither), a person, or what a program asks with.

    `api_key` is the first of a line of keys (`ApiKey.first_id`): one that is replaced leaves what it spent to the next.
    """

    member: int | None = None
    api_key: int | None = None


Key = tuple[Whose, datetime, datetime]
"""Of whom, from when until before when, in UTC: other zones compare badly where clocks are changed."""


def spent(wallet: Wallet, asked: Iterable[tuple[Whose, Period]], *, keep: bool = False) -> dict[tuple[Whose, str], int]:
    """Millicredits that each of these spent in a period, by whose it is and the period's kind.

    `keep` the sums that are not kept yet: only for whoever has the wallet's row locked.
    """
    keys = {(whose, one.kind): (whose, *_utc(one)) for whose, one in asked}
    rows = Spent.objects.filter(_of(whose for whose, _, _ in keys.values()), wallet=wallet)
    known: dict[Key, int] = {(Whose(row.member_id, row.api_key_id), row.begins, row.ends): row.amount for row in rows}
    missing = {key: _counted(wallet, *key) for key in keys.values() if key not in known}
    if missing and keep:
        Spent.objects.filter(wallet=wallet, ends__lte=timezone.now()).delete()
        Spent.objects.bulk_create(
            Spent(wallet=wallet, member_id=whose.member, api_key_id=whose.api_key, begins=begins, ends=ends, amount=amount)
            for (whose, begins, ends), amount in missing.items()
        )
    return {name: known[key] if key in known else missing[key] for name, key in keys.items()}


def warn_once(wallet: Wallet, api_key: ApiKey, period: Period, limit: int) -> bool:
    """Whether people have to be told that most of this limit of a key is used: once, as long as the sum is kept. With the wallet locked."""
    begins, ends = _utc(period)
    mine = Spent.objects.filter(wallet=wallet, api_key=api_key.first_id, begins=begins, ends=ends)
    told = mine.filter(Q(warned_of=None) | ~Q(warned_of=limit))
    return told.update(warned_of=limit) == 1


def add(hold: Hold, amount: int) -> None:
    """The hold takes `amount` more from budgets from now on, less when negative. Called with the wallet's row locked."""
    if amount:
        at = connection.ops.adapt_datetimefield_value(hold.created_at)
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, (amount, hold.wallet_id, hold.actor_id, hold.api_key_id, at, at))


def add_many(holds: Iterable[Hold], sign: int) -> None:
    """The holds, all of one wallet, take what they hold from budgets (`sign` 1), or give it back (-1). As `add`, with few queries."""
    amounts: dict[tuple[int, int | None, int | None, datetime], int] = {}
    for hold in holds:
        # Days and months begin at whole seconds.
        key = (hold.wallet_id, hold.actor_id, hold.api_key_id, hold.created_at.replace(microsecond=0))
        amounts[key] = amounts.get(key, 0) + hold.amount
    for (wallet_id, actor_id, api_key_id, moment), amount in amounts.items():
        add(Hold(wallet_id=wallet_id, actor_id=actor_id, api_key_id=api_key_id, created_at=moment), sign * amount)


def by_kind(spans: Sequence[Period]) -> dict[str, Any]:
    """Aggregates over holds: what was spent in each of these periods, by its kind."""
    return {one.kind: Coalesce(Sum(COST, filter=Q(created_at__gte=one.begins)), 0) for one in spans}


def _utc(period: Period) -> tuple[datetime, datetime]:
    return period.begins.astimezone(UTC), period.ends.astimezone(UTC)


def _of(asked: Iterable[Whose]) -> Q:
    found = set(asked)
    members, api_keys = {one.member for one in found} - {None}, {one.api_key for one in found} - {None}
    wanted = Q(member__in=members)
    if api_keys:
        wanted |= Q(api_key__in=api_keys)
    return wanted | Q(member=None, api_key=None) if Whose() in found else wanted


def _counted(wallet: Wallet, whose: Whose, begins: datetime, ends: datetime) -> int:
    holds = Hold.objects.filter(wallet=wallet, created_at__gte=begins, created_at__lt=ends)
    if whose.api_key is not None:
        holds = holds.filter(Q(api_key=whose.api_key) | Q(api_key__origin=whose.api_key))
    elif whose.member is not None:
        holds = holds.filter(actor=whose.member)
    return int(holds.aggregate(total=Coalesce(Sum(COST), 0))["total"])
