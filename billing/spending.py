"""What was spent from one day to another, added up: by day or month, and by engine, mode, person or the key of a program."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import CharField, Sum, Value
from django.db.models.functions import Cast, Coalesce

from accounts.models import ApiKey, User
from billing import spans
from billing.asking import midnight
from billing.models import Wallet
from billing.spans import Span

LONGEST = 366
"""Days that one question may be about."""
COLUMNS = {"engine": "hold__product", "mode": "hold__operation", "person": "hold__actor", "key": "hold__api_key"}
"""What sums are split by -> the column of an entry that says so."""
NOBODY = {"engine": "Without an engine", "mode": "Without a mode", "person": "Somebody who left", "key": "Without a key"}
"""What the part is called that has no name: work that people asked for on a page has no key."""


@dataclass(frozen=True, slots=True)
class Part:
    """`amount` is the millicredits that were charged within `span`, less those refunded in it. `id` is empty for what has no name."""

    span: Span
    id: str
    label: str
    amount: int


def spans_within(since: date, until: date, unit: str) -> list[Span]:
    """The days, or the calendar months cut to the two days, or ("all") the whole of it as one."""
    if unit == "day":
        return spans.days(since, until)
    if unit == "month":
        return [Span(max(one.first, since), min(one.last, until)) for one in spans.months(since, until)]
    return [Span(since, until)]


def spending(wallet: Wallet, shown: Sequence[Span], split: str = "") -> list[Part]:
    """What is not nothing, the earliest first and in a span the dearest first; two queries at most.

    `shown` follow each other without a gap; `split` is one of `COLUMNS`, or empty.
    """
    entries = wallet.entries.charges().filter(
        created_at__gte=midnight(shown[0].first), created_at__lt=midnight(shown[-1].last + timedelta(days=1))
    )
    part = Coalesce(Cast(COLUMNS[split], CharField()), Value("")) if split else Value("")
    rows = entries.annotate(place=spans.which(shown), part=part).order_by().values_list("part", "place").annotate(total=Sum("amount"))
    found = sorted(((place, name, -total) for name, place, total in rows if total), key=lambda row: (row[0], -row[2], row[1]))
    labels = _labels(split, {name for _, name, _ in found})
    return [Part(shown[place], *labels[name], amount) for place, name, amount in found]


def _labels(split: str, names: Collection[str]) -> dict[str, tuple[str, str]]:
    """Id and label of each part. People go by their row, keys by their public part."""
    if not split:
        return dict.fromkeys(names, ("", ""))
    labels = {name: (name, name or NOBODY[split]) for name in names}
    rows = [name for name in names if name]
    if split == "person":
        people = {str(user.pk): str(user) for user in User.objects.filter(pk__in=rows)}
        return {name: (name, people.get(name, NOBODY[split])) for name in names}
    if split == "key":
        keys = {str(key.pk): (key.public_id, key.name) for key in ApiKey.objects.filter(pk__in=rows)}
        return {name: keys.get(name, ("", NOBODY[split])) for name in names}
    return labels
