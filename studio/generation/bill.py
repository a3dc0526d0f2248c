"""What came back from a backend, as money: how many pictures were filtered, whether they are charged, what the provider took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings

from studio.backends.base import GeneratedMedia, Quote
from studio.backends.errors import BackendError


@dataclass(frozen=True, slots=True)
class Bill:
    """Columns of a job. `provider_cost` is in millicredits, None when nobody knows it."""

    filtered: int = 0
    filtered_charged: int = 0
    provider_cost: int | None = None

    @classmethod
    def of(cls, media: Sequence[GeneratedMedia], quote: Quote) -> Bill:
        """What the provider bills although it filtered it is charged only when the operator says so (`settings.CHARGE_FILTERED`).

        `quote` is the job's own: each result that is billed costs the record's price that it kept, so that a record that a release has
        changed while the job waited does not set cost and quote at odds. Quotes of old kept none: what the backend says counts.
        """
        filtered = [one for one in media if one.filtered]
        billed = sum(one.provider_cost > 0 for one in filtered)
        each = quote.record_per_image
        cost = sum(one.provider_cost if each is None else each for one in media if one.provider_cost > 0)
        return cls(len(filtered), billed if settings.CHARGE_FILTERED else 0, cost)

    @classmethod
    def of_failure(cls, error: BackendError, *, submitted: bool) -> Bill:
        """An error that answers a request tells that it cost nothing, unless the work had been taken on (`submitted`)."""
        return UNKNOWN if error.may_be_billed or submitted else cls(provider_cost=0)

    def waived(self) -> Bill:
        """The same where nobody pays: what was delivered was not kept, or not wanted any more."""
        return replace(self, filtered_charged=0)

    @property
    def columns(self) -> dict[str, Any]:
        return asdict(self)


UNKNOWN = Bill()
"""Of a job whose backend gave nothing back: nothing is charged, and what the provider took, if anything, is not known."""
