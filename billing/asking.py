"""What somebody wants to see of a wallet, as it stands in an address: filters of the statement, and which chart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.utils import timezone

from billing.models import LedgerEntry, Wallet
from billing.models.wallets import LedgerQuerySet

SPANS = {"30": "30 days", "90": "90 days", "12": "12 months"}
"""How much a chart shows, by its word in addresses."""
SPLITS = {"engine": "By engine", "mode": "By mode", "person": "By person"}
"""What the bars of a chart are split into."""
KINDS = {kind.value: kind.label for kind in LedgerEntry.Kind if kind is not LedgerEntry.Kind.HOLD}
NAMES = {"person": "by", "product": "engine", "since": "from", "until": "to"}
"""Fields of `Asked` that have another name in addresses."""
FILTERS = ("person", "product", "kind", "since", "until")
_LARGEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """Empty means any. `person` is a key, `product` a hold's, `since` and `until` are days in the studio's time zone, both within."""

    person: int | None = None
    product: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    span: str = "30"
    split: str = "engine"

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        """Read an address. What makes no sense (no date, an unknown kind, a NUL) is as if it were not there."""
        word = {one.name: query.get(NAMES.get(one.name, one.name), "").replace("\0", " ").strip() for one in fields(cls)}
        return cls(
            person=_number(word["person"]),
            product=word["product"][:120],
            kind=word["kind"] if word["kind"] in KINDS else "",
            since=_day(word["since"]),
            until=_day(word["until"]),
            span=word["span"] if word["span"] in SPANS else "30",
            split=word["split"] if word["split"] in SPLITS else "engine",
        )

    @property
    def is_filtered(self) -> bool:
        return any(getattr(self, name) for name in FILTERS)

    def of_wallet(self, wallet: Wallet) -> LedgerQuerySet:
        """The lines of its statement that the filters leave, newest first."""
        after = self.until + timedelta(days=1) if self.until else None
        return wallet.entries.statement().matching(
            person=self.person,
            holds=wallet.holds.filter(product=self.product) if self.product else None,
            kind=self.kind,
            since=midnight(self.since),
            until=midnight(after),
        )

    def words(self) -> dict[str, str]:
        """The parameters of an address, without those that mean what is usual."""
        given = {NAMES.get(one.name, one.name): getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        return {name: value.isoformat() if isinstance(value, date) else str(value) for name, value in given.items()}

    def query(self, **changes: str) -> str:
        """The query string with other words, `?` and all, or nothing: `query(kind="capture", by="")`. Its words have one order."""
        words = self.words() | changes
        order = [*(NAMES.get(one.name, one.name) for one in fields(self)), *changes]
        usual = {one.name: one.default for one in fields(self)}
        found = {name: words[name] for name in order if words.get(name) and words[name] != usual.get(name)}
        return f"?{urlencode(found)}" if found else ""

    @property
    def without_filters(self) -> str:
        return self.query(**{NAMES.get(name, name): "" for name in FILTERS})

    @property
    def filter_query(self) -> str:
        """The query string of the filters alone."""
        return self.query(span="", split="")


def midnight(day: date | None) -> datetime | None:
    """When a day begins in the studio's time zone."""
    return timezone.make_aware(datetime.combine(day, time())) if day else None


def _number(word: str) -> int | None:
    return int(word) if re.fullmatch(r"[0-9]{1,19}", word) and 0 < int(word) <= _LARGEST else None


def _day(word: str) -> date | None:
    try:
        day = date.fromisoformat(word)
    except ValueError:
        return None
    return day if 1970 <= day.year < 9999 else None
