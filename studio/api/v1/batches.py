"""Batches: many requests under one id. What is wrong with one is said of it; the others are made, or none if they cannot be paid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router
from ninja.params.functions import Query
from pydantic import ValidationError

from accounts.access import require
from accounts.keys import Caller
from billing.services.plans import plan_of
from studio.api import access, asking
from studio.api.auth import Key, ProgramRequest
from studio.api.errors import FieldsRefused, NotPossible
from studio.api.once import once
from studio.api.problems import statuses
from studio.api.v1 import paging
from studio.api.v1.answers import Wait, answer, when_over
from studio.api.v1.jobs import IDEMPOTENT, SEES
from studio.api.v1.paging import Paged
from studio.api.v1.schemas import Ask, Batches, BatchIn, BatchItems, BatchMade, BatchOut
from studio.generation.errors import BatchRefused, GenerationError
from studio.generation.facts import batch_facts, job_facts
from studio.generation.models import Batch
from studio.generation.services import Item, cancel_rest, go_on, pause, refused_items, retry_failed, submit_batch

router = Router()

REFUSED = "refused"
"""Where `Batch.axes` keeps what was said of the items of which no job was made, by their places in the request."""


@dataclass(slots=True)
class Sorted:
    """The items of a request: those that can be made, by their places in it, and what is wrong with the others."""

    good: dict[int, Item] = field(default_factory=dict)
    bad: dict[int, dict[str, Any]] = field(default_factory=dict)

    def refuse(self, place: int, code: str, detail: str, errors: dict[str, str] | None = None) -> None:
        self.good.pop(place, None)
        self.bad[place] = {"code": code, "detail": detail, "errors": errors or {}}


def sort(caller: Caller, items: Sequence[Any]) -> Sorted:
    """Check each by itself. Nothing is held, and no file kept but those that the items start from."""
    found, shop, plan = Sorted(), asking.Shop.open(caller), plan_of(caller.team)
    for place, item in enumerate(items):
        try:
            wish = asking.wish(shop, Ask.model_validate(item))
            if no := asking.closed(caller, plan, wish.engine):
                found.refuse(place, "engine_not_allowed", no, {"engine": no})
                continue
            kept = wish.keep_inputs()
        except ValidationError as error:
            wrong = {
                ".".join(map(str, one["loc"])) or "item": f"{one['msg']}." for one in error.errors(include_url=False, include_input=False)
            }
            found.refuse(place, "invalid", "This item cannot be read. What is wrong stands in “errors”.", wrong)
        except FieldsRefused as error:
            found.refuse(place, error.code, error.message, error.fields)
        except GenerationError as error:
            found.refuse(place, error.code, error.message, dict(error.fields))
        else:
            found.good[place] = Item(wish.request, inputs=kept, parent=wish.parent, **wish.remembered)
    places = list(found.good)
    for number, said in (refused_items(caller.team, list(found.good.values())) if places else {}).items():
        found.refuse(places[number], "words_refused", said)
    return found


@router.post("/batches", auth=Key("generate"), response={201: BatchMade, 200: BatchMade, **statuses(402, 409)}, openapi_extra=IDEMPOTENT)
def submit_batch_of_jobs(request: ProgramRequest, body: BatchIn) -> HttpResponse:
    """Ask for up to 500 things at once. The price of all that can be made is held together, or nothing is made (402).

    `errors` of the answer are the items of which no job was made. Only where that is every one of them, the whole is refused (422).
    """
    caller = request.caller

    def make(key: str) -> Batch:
        found = sort(caller, body.items)
        if not found.good:
            raise BatchRefused(
                "Not one of these can be made. “items” says why of each.", {at: one["detail"] for at, one in found.bad.items()}
            )
        axes = {
            "rows": [at + 1 for at in found.good],
            "left_out": [at + 1 for at in found.bad],
            REFUSED: {str(at): one for at, one in found.bad.items()},
        }
        return submit_batch(
            user=caller.user,
            team=caller.team,
            items=list(found.good.values()),
            kind=Batch.Kind.PROGRAM,
            title=_title(body.title, found.good.values()),
            idempotency_key=key,
            axes=axes,
            api_key=caller.key,
        )

    done = once(request, caller, body.model_dump(mode="json"), make)
    assert isinstance(done.made, Batch)
    headers = {"Location": f"/api/v1/batches/{done.made.pk}"} | ({"Idempotency-Replayed": "true"} if done.is_replay else {})
    batch = access.batch_for(caller, done.made.pk)
    errors = [{"index": int(at), "error": one} for at, one in sorted(_refused(batch).items(), key=lambda one: int(one[0]))]
    return answer(_facts(batch) | {"errors": errors}, 201 if done.is_new else 200, headers)


def _title(title: str, items: Iterable[Item]) -> str:
    """Printable, and on one line; else the first of the prompts."""
    text = "".join(letter if letter.isprintable() else " " for letter in title)
    return " ".join(text.split()) or next((one.request.prompt for one in items if one.request.prompt), "") or "From a program"


def _refused(batch: Batch) -> dict[str, Any]:
    refused: dict[str, Any] = (batch.axes or {}).get(REFUSED, {})
    return refused


def _facts(batch: Batch) -> dict[str, Any]:
    return batch_facts(batch) | {"refused": len(_refused(batch))}


@router.get("/batches", auth=SEES, response={200: Batches, **statuses()})
def list_batches(request: ProgramRequest, asked: Annotated[Paged, Query()]) -> HttpResponse:
    """Batches of the team, newest first, also those that people made; without `library:read` those of this key."""
    batches = access.batches_of(request.caller).select_related("api_key").order_by("-pk")
    if after := paging.opened(asked.cursor, paging.id_of):
        batches = batches.filter(pk__lt=after)
    return answer(paging.page(list(batches[: asked.limit + 1]), asked.limit, _facts))


@router.get("/batches/{uuid:batch_id}", auth=SEES, response={200: BatchOut, **statuses()})
def show_batch(request: ProgramRequest, batch_id: UUID, wait: Wait = 0) -> HttpResponseBase:
    """A batch as it stands; with `wait`, when each of its jobs is over or the time is."""
    caller = request.caller
    batch = access.batch_for(caller, batch_id)
    left = batch.jobs.open().values_list("pk", flat=True) if wait else []
    return when_over(left, wait, lambda: answer(_facts(access.batch_for(caller, batch_id))))


@router.get("/batches/{uuid:batch_id}/items", auth=SEES, response={200: BatchItems, **statuses()})
def list_items(request: ProgramRequest, batch_id: UUID, asked: Annotated[Paged, Query()]) -> HttpResponse:
    """The items in the order of the request, each with its job or with why there is none."""
    batch = access.batch_for(request.caller, batch_id)
    after = paging.opened(asked.cursor, paging.number) or 0  # the number of the last item, counted from 1
    refused = {int(place): one for place, one in _refused(batch).items()}
    made = [number - 1 for number in (batch.axes or {}).get("rows") or range(1, batch.size + 1)]
    wanted = sorted([*refused, *made])
    here = [place for place in wanted if place >= after][: asked.limit]
    at = {place: number for number, place in enumerate(made)}
    jobs = batch.jobs.for_programs().filter(batch_place__in=[at[place] for place in here if place in at])
    told = {job.batch_place: job_facts(job) for job in jobs}
    items = [{"index": place, "job": told.get(at.get(place)), "error": refused.get(place)} for place in here]
    more = bool(here) and here[-1] < wanted[-1]
    return answer({"items": items, "next": paging.sealed(here[-1] + 1) if more else None})


def _mine(caller: Caller, batch_id: UUID) -> Batch:
    """For whoever may pause and stop it: what somebody else asked for takes `library:write` too. Raises as `access.batch_for`."""
    batch = access.batch_for(caller, batch_id)
    if batch.user_id != caller.user.pk:
        caller.require("library:write")
        require(caller.user, caller.team, "curate")
    return batch


@router.post("/batches/{uuid:batch_id}/pause", auth=Key("generate"), response={200: BatchOut, **statuses(409)})
def pause_batch(request: ProgramRequest, batch_id: UUID) -> HttpResponse:
    """Begin nothing more of it; what runs ends. Its credits stay set aside, 30 days at most."""
    batch = _mine(request.caller, batch_id)
    if not pause(batch, by=request.caller.user) and not batch.paused_at:
        raise NotPossible("nothing_to_pause", "Nothing of this batch waits any more.")
    return answer(_facts(access.batch_for(request.caller, batch_id)))


@router.post("/batches/{uuid:batch_id}/resume", auth=Key("generate"), response={200: BatchOut, **statuses()})
def resume_batch(request: ProgramRequest, batch_id: UUID) -> HttpResponse:
    """Go on with it; one that is not paused stays as it is."""
    go_on(_mine(request.caller, batch_id), by=request.caller.user)
    return answer(_facts(access.batch_for(request.caller, batch_id)))


@router.post("/batches/{uuid:batch_id}/cancel", auth=Key("generate"), response={200: BatchOut, **statuses()})
def cancel_batch(
    request: ProgramRequest, batch_id: UUID, running: Annotated[bool, Query(description="Stop what runs too; otherwise it ends.")] = False
) -> HttpResponse:
    """Cancel what waits, and release what was held for it. What is made stays."""
    cancel_rest(_mine(request.caller, batch_id), by=request.caller.user, running=running)
    return answer(_facts(access.batch_for(request.caller, batch_id)))


@router.post(
    "/batches/{uuid:batch_id}/retry",
    auth=Key("generate"),
    response={201: BatchOut, 200: BatchOut, **statuses(402, 409)},
    openapi_extra=IDEMPOTENT,
)
def retry_batch(request: ProgramRequest, batch_id: UUID) -> HttpResponse:
    """Make what failed of it once more, at today's price: a batch of its own."""
    caller = request.caller
    batch = access.batch_for(caller, batch_id)
    done = once(request, caller, None, lambda key: retry_failed(batch, by=caller.user, key=key, api_key=caller.key))
    assert isinstance(done.made, Batch)
    headers = {"Location": f"/api/v1/batches/{done.made.pk}"} | ({"Idempotency-Replayed": "true"} if done.is_replay else {})
    return answer(_facts(access.batch_for(caller, done.made.pk)), 201 if done.is_new else 200, headers)
