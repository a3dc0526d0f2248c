"""What operations of the own API have in common: answers that wait, pages by cursor."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db import models
from django.http import JsonResponse
from django.http.response import HttpResponseBase
from ninja.params.functions import Query

from studio.api.errors import FieldsRefused
from studio.api.waiting import until_over
from studio.waiting import Waiting

MOST_WAIT = 60
"""Seconds that one request waits at most: what stands between the studio and a program often gives up soon after that."""
PAGE, MOST_PAGE = 50, 200

Wait = Annotated[int, Query(ge=0, le=MOST_WAIT, description="Seconds to wait for the end, then it is told as it stands.")]
Limit = Annotated[int, Query(ge=1, le=MOST_PAGE, description="How many at most.")]
Cursor = Annotated[str, Query(max_length=100, description="`next` of the page before; empty for the first one.")]

Row = TypeVar("Row", bound=models.Model)


def answer(told: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> JsonResponse:
    return JsonResponse(told, status=status, headers=dict(headers or {}), json_dumps_params={"ensure_ascii": False})


def when_over(job_ids: Iterable[UUID], seconds: float, then: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer of `then`: at once where there is nothing to wait for, else when the jobs are over or the time is. No thread waits."""
    ids = list(job_ids)
    if not (ids and seconds):
        return then()

    async def over() -> None:
        await until_over(ids, seconds)

    return Waiting(over, then)


def page(rows: models.QuerySet[Row], limit: int, cursor: str) -> tuple[list[Row], str | None]:
    """The next rows, newest first, of a table whose ids grow, and the cursor of those after them. Raises FieldsRefused."""
    if cursor:
        rows = rows.filter(pk__lt=_opened(cursor))
    found = list(rows.order_by("-pk")[: limit + 1])
    return found[:limit], closed(str(found[limit - 1].pk)) if len(found) > limit else None


def closed(text: str) -> str:
    """A cursor: nothing that a program should read or make up."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def opened(cursor: str) -> str:
    """Raises FieldsRefused."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise FieldsRefused("This cursor is none that the studio gave.", {"cursor": "Give `next` of the page before."}) from None


def _opened(cursor: str) -> UUID:
    try:
        return UUID(opened(cursor))
    except ValueError:
        raise FieldsRefused("This cursor is none that the studio gave.", {"cursor": "Give `next` of the page before."}) from None
