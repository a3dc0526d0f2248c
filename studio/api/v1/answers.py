"""What operations of the own API have in common: answers that wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, JsonResponse
from django.http.response import HttpResponseBase
from ninja.params.functions import Query

from studio.api import problems
from studio.api.waiting import until_over
from studio.waiting import Waiting

MOST_WAIT = 60
"""Seconds that one request waits at most: what stands between the studio and a program often gives up soon after that."""

Wait = Annotated[int, Query(ge=0, le=MOST_WAIT, description="Seconds to wait for the end, then it is told as it stands.")]


def answer(told: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> JsonResponse:
    return JsonResponse(told, status=status, headers=dict(headers or {}), json_dumps_params={"ensure_ascii": False})


def when_over(job_ids: Iterable[UUID], seconds: float, then: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer of `then`: at once where there is nothing to wait for, else when the jobs are over or the time is. No thread waits."""
    ids = list(job_ids)
    if not (ids and seconds):
        return then()

    async def over() -> None:
        await until_over(ids, seconds)

    return Waiting(over, lambda: _told(then))


def _told(then: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer, or the problem that became of it. Ninja, which makes problems of errors, is not there any more after the wait."""
    try:
        return then()
    except (Http404, ObjectDoesNotExist):
        return problems.nothing()
    except Exception as error:  # noqa: BLE001 - as Ninja does it
        return problems.broken(error)
