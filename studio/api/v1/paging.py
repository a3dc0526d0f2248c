"""Lists by cursor: `{"items": […], "next": "…"}`. A cursor names the last thing of a page, so what comes meanwhile moves nothing."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, TypeVar

from ninja import Field
from pydantic import AfterValidator

from studio.api.errors import FieldsRefused
from studio.api.v1.asked import Asked

MOST = 100
"""Things on a page, at most."""
USUAL = 50
LONGEST = 200
"""Characters of a cursor."""
NEXT = "The `cursor` of the page that follows; null on the last one."
EXAMPLE = "MDE5M2Y1YzAtOGExYi03YzNkLTllNGYtNWE2YjdjOGQ5ZTBm"

T = TypeVar("T")

NO_DAY = "A day lies between the years 1970 and 9998."


def _is_kept(day: date) -> date:
    if not 1970 <= day.year < 9999:
        raise ValueError(NO_DAY.removesuffix("."))
    return day


Day = Annotated[date, AfterValidator(_is_kept)]
"""A day that pages would pass over where nothing can have happened on it; a program is told, by the name of the field."""


class Paged(Asked):
    """What every list takes."""

    limit: int = Field(USUAL, ge=1, le=MOST, description=f"How many things a page has, from 1 to {MOST}.", examples=[20])
    cursor: str = Field(
        "",
        max_length=LONGEST,
        description="The `next` of the page before; leave it out for the first page. What comes meanwhile moves nothing.",
        examples=[EXAMPLE],
    )


def sealed(place: object) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def opened(cursor: str, read: Callable[[str], T]) -> T | None:
    """The place that a cursor names, None for no cursor. `read` raises ValueError for what makes no sense; then this raises
    `FieldsRefused`."""
    if not cursor:
        return None
    try:
        return read(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode())
    except (ValueError, OverflowError):
        said = "This is no cursor of ours. Send the “next” of the page before as it came, or leave it out."
        raise FieldsRefused(said, {"cursor": said}) from None


def number(text: str) -> int:
    """The key of a row. Raises ValueError."""
    found = int(text)
    if not 0 < found < 1 << 63:
        raise ValueError(text)
    return found


def page(rows: Sequence[T], limit: int, told: Callable[[T], Any], place: Callable[[T], object] = lambda row: row.pk) -> dict[str, Any]:  # type: ignore[attr-defined]
    """A page out of `limit` + 1 rows, or fewer where nothing follows."""
    shown = rows[:limit]
    return {"items": [told(one) for one in shown], "next": sealed(place(shown[-1])) if len(rows) > limit else None}


def id_of(text: str) -> uuid.UUID:
    """Raises ValueError."""
    return uuid.UUID(text)
