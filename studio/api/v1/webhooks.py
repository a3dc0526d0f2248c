"""Webhooks by program: where the studio calls when something happened, what it sent, and a test."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Literal

from django.http import Http404
from ninja import Field, Query, Router, Schema, Status

from accounts.access import require
from accounts.keys import Caller
from studio.api.auth import Key, ProgramRequest
from studio.api.problems import statuses
from studio.api.v1 import paging
from studio.api.v1.asked import Asked
from studio.api.v1.paging import NEXT, Paged
from studio.webhooks import services
from studio.webhooks.access import delivery_for, endpoint_for
from studio.webhooks.models import Delivery, Endpoint, Event

router = Router()

USES = Key("webhooks")
ENDPOINT = "0193f5c3-5e6f-7a71-8c8d-9e0f1a2b3c4d"
DELIVERY = "0193f5c4-6f70-7b82-9d9e-0f1a2b3c4d5e"
EVENTS = [str(one) for one in Event]
URL = "https://shop.example/hooks/atelier"


class EndpointOut(Schema):
    """An address of the team's own server."""

    id: uuid.UUID = Field(description="Stays the same for good.", examples=[ENDPOINT])
    object: Literal["webhook"] = Field(description="What kind of object this is.", examples=["webhook"])
    url: str = Field(description="Where the studio posts to.", examples=[URL])
    description: str = Field(description="What the team calls it.", examples=["The shop"])
    events: list[str] = Field(description="What it is told of.", examples=[["job.succeeded", "job.failed"]])
    is_active: bool = Field(description="Whether anything is sent to it.", examples=[True])
    failing_since: datetime | None = Field(description="Since when nothing has arrived; null while it does.", examples=[None])
    switched_off_at: datetime | None = Field(
        description="When the studio switched it off, after days without an answer; null where it did not.", examples=[None]
    )
    old_secret_until: datetime | None = Field(
        description="Until when the secret before the last change signs as well.", examples=["2026-11-28T09:30:00Z"]
    )
    created_at: datetime = Field(description="When it was made.", examples=["2026-11-27T09:30:00Z"])


class EndpointMade(EndpointOut):
    """With its secret, which is told here and never again."""

    secret: str = Field(
        description="What signs the deliveries, as the Standard Webhooks libraries take it. Keep it: it is told this once.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )


class Endpoints(Schema):
    items: list[EndpointOut] = Field(description="The newest first.")
    next: str | None = Field(description=NEXT, examples=[None])


class EndpointIn(Asked):
    url: str = Field(max_length=2000, description="Https, at a public address.", examples=[URL])
    events: list[str] = Field(
        max_length=50, description=f"What to tell it of: {', '.join(EVENTS)}.", examples=[["job.succeeded", "job.failed"]]
    )
    description: str = Field("", max_length=120, description="What the team calls it.", examples=["The shop"])


class EndpointChange(Asked):
    """What is left out stays as it is."""

    url: str | None = Field(None, max_length=2000, description="Where to post to from now on, also what waits.", examples=[URL])
    events: list[str] | None = Field(None, max_length=50, description="What to tell it of from now on.", examples=[["batch.finished"]])
    description: str | None = Field(None, max_length=120, description="What the team calls it.", examples=["The shop"])
    is_active: bool | None = Field(None, description="Switch it on or off. What happens meanwhile is not told later.", examples=[True])


class Rotation(Asked):
    overlap_hours: int = Field(24, ge=0, le=168, description="So long the secret of now signs as well; 0 ends it at once.", examples=[24])


class Secret(Schema):
    secret: str = Field(description="The new one, which is told here and never again.", examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    endpoint: EndpointOut = Field(description="The endpoint as it is now.")


class Try(Schema):
    """One try to deliver."""

    at: str = Field(description="When it was sent.", examples=["2026-11-27T09:30:01.204+00:00"])
    status: int | None = Field(description="What the server answered; null where it did not.", examples=[200])
    ms: int = Field(description="How long it took, in milliseconds.", examples=[84])
    said: str = Field(description="The beginning of the answer.", examples=["ok"])
    error: str = Field(description="What went wrong on the way, in words; empty where nothing did.", examples=[""])


class DeliveryOut(Schema):
    """An event on its way to an endpoint."""

    id: uuid.UUID = Field(description="Stays the same for good.", examples=[DELIVERY])
    object: Literal["delivery"] = Field(description="What kind of object this is.", examples=["delivery"])
    endpoint: uuid.UUID = Field(description="Whom it is for.", examples=[ENDPOINT])
    event: str = Field(description="What happened; `test` for a test.", examples=["job.succeeded"])
    status: Literal["waiting", "delivered", "parked"] = Field(description="`parked` is given up, after two days.", examples=["delivered"])
    attempts: int = Field(description="Tries so far.", examples=[1])
    next_at: datetime | None = Field(description="When it is tried next; null when it is not.", examples=[None])
    payload: dict[str, Any] = Field(
        description="What is sent, as JSON; its `id` is the same for every endpoint and every try.",
        examples=[{"id": "evt_5f0d2c", "type": "job.succeeded", "timestamp": "2026-11-27T09:30:00Z", "team": "org-h4", "data": {}}],
    )
    log: list[Try] = Field(description="The tries, the first one first.")
    created_at: datetime = Field(description="When it happened.", examples=["2026-11-27T09:30:00Z"])
    ended_at: datetime | None = Field(description="When it was delivered or given up.", examples=["2026-11-27T09:30:01Z"])


class Deliveries(Schema):
    items: list[DeliveryOut] = Field(description="The newest first. They are kept for 30 days.")
    next: str | None = Field(description=NEXT, examples=[None])


class DeliverySearch(Paged):
    status: Literal["", "waiting", "delivered", "parked"] = Field("", description="Only those that stand so.", examples=["parked"])


def endpoint_of(caller: Caller, endpoint_id: uuid.UUID) -> Endpoint:
    """An endpoint of the team that the key works in. Raises Http404."""
    endpoint = endpoint_for(caller.user, endpoint_id)
    if endpoint.team_id != caller.team.pk:
        raise Http404
    return endpoint


def delivery_of(caller: Caller, delivery_id: uuid.UUID) -> Delivery:
    """Raises Http404."""
    delivery = delivery_for(caller.user, delivery_id)
    if delivery.endpoint.team_id != caller.team.pk:
        raise Http404
    return delivery


def endpoint_facts(endpoint: Endpoint) -> dict[str, Any]:
    same = ("url", "description", "events", "is_active", "failing_since", "switched_off_at", "old_secret_until", "created_at")
    return {"id": endpoint.pk, "object": "webhook"} | {name: getattr(endpoint, name) for name in same}


def delivery_facts(delivery: Delivery) -> dict[str, Any]:
    is_waiting = delivery.status == Delivery.Status.WAITING
    same = ("event", "status", "attempts", "payload", "created_at", "ended_at")
    return {
        "id": delivery.pk,
        "object": "delivery",
        "endpoint": delivery.endpoint_id,
        "next_at": delivery.next_at if is_waiting else None,
        "log": [
            {"at": str(one.get("at") or ""), "status": one.get("status"), "ms": one.get("ms") or 0}
            | {name: str(one.get(name) or "") for name in ("said", "error")}
            for one in delivery.log
        ],
        **{name: getattr(delivery, name) for name in same},
    }


def _fresh(endpoint: Endpoint) -> dict[str, Any]:
    endpoint.refresh_from_db()
    return endpoint_facts(endpoint)


@router.get("/webhooks", auth=USES, response={200: Endpoints, **statuses()}, summary="List endpoints")
def webhooks(request: ProgramRequest, paged: Query[Paged]) -> dict[str, Any]:
    """Where the studio calls for this team."""
    caller, before = request.caller, paging.opened(paged.cursor, paging.id_of)
    require(caller.user, caller.team, "administer")
    found = Endpoint.objects.filter(team=caller.team).order_by("-pk")
    if before:
        found = found.filter(pk__lt=before)
    return paging.page(list(found[: paged.limit + 1]), paged.limit, endpoint_facts)


@router.post("/webhooks", auth=USES, response={201: EndpointMade, **statuses(409)}, summary="Add an endpoint")
def webhook_make(request: ProgramRequest, body: EndpointIn) -> Status[dict[str, Any]]:
    """From now on the studio posts these events there, signed as Standard Webhooks says. The answer has the secret, this once."""
    caller = request.caller
    require(caller.user, caller.team, "administer")
    made = services.make_endpoint(caller.team, by=caller.user, url=body.url, events=body.events, description=body.description)
    return Status(201, {**endpoint_facts(made), "secret": made.secret})


@router.get("/webhooks/{uuid:endpoint_id}", auth=USES, response={200: EndpointOut, **statuses()}, summary="Look at an endpoint")
def webhook_one(request: ProgramRequest, endpoint_id: uuid.UUID) -> dict[str, Any]:
    """What it is told of, and whether anything arrives."""
    return endpoint_facts(endpoint_of(request.caller, endpoint_id))


@router.patch("/webhooks/{uuid:endpoint_id}", auth=USES, response={200: EndpointOut, **statuses()}, summary="Change an endpoint")
def webhook_change(request: ProgramRequest, endpoint_id: uuid.UUID, body: EndpointChange) -> dict[str, Any]:
    """Another address, other events, on or off."""
    endpoint = endpoint_of(request.caller, endpoint_id)
    given = body.dict(exclude_unset=True)
    services.change_endpoint(endpoint, by=request.caller.user, **given)
    return _fresh(endpoint)


@router.delete("/webhooks/{uuid:endpoint_id}", auth=USES, response={204: None, **statuses()}, summary="Delete an endpoint")
def webhook_delete(request: ProgramRequest, endpoint_id: uuid.UUID) -> Status[None]:
    """With all that waits for it and its log. That cannot be taken back."""
    services.delete_endpoint(endpoint_of(request.caller, endpoint_id), by=request.caller.user)
    return Status(204, None)


@router.post("/webhooks/{uuid:endpoint_id}/secret", auth=USES, response={200: Secret, **statuses()}, summary="Change the secret")
def webhook_rotate(request: ProgramRequest, endpoint_id: uuid.UUID, body: Rotation) -> dict[str, Any]:
    """A new secret signs from now on; the old one signs as well for a while, so that no delivery is refused meanwhile."""
    endpoint = endpoint_of(request.caller, endpoint_id)
    secret = services.rotate_secret(endpoint, by=request.caller.user, overlap=timedelta(hours=body.overlap_hours))
    return {"secret": secret, "endpoint": _fresh(endpoint)}


@router.post("/webhooks/{uuid:endpoint_id}/test", auth=USES, response={201: DeliveryOut, **statuses(409)}, summary="Send a test")
def webhook_test(request: ProgramRequest, endpoint_id: uuid.UUID) -> Status[dict[str, Any]]:
    """A delivery of the event `test`, also to one that is switched off. Look at it again to see what came of it."""
    return Status(201, delivery_facts(services.send_test(endpoint_of(request.caller, endpoint_id), by=request.caller.user)))


@router.get("/webhooks/{uuid:endpoint_id}/deliveries", auth=USES, response={200: Deliveries, **statuses()}, summary="List deliveries")
def webhook_deliveries(request: ProgramRequest, endpoint_id: uuid.UUID, search: Query[DeliverySearch]) -> dict[str, Any]:
    """What was sent to an endpoint, what waits and what was given up."""
    endpoint, before = endpoint_of(request.caller, endpoint_id), paging.opened(search.cursor, paging.id_of)
    found = Delivery.objects.filter(endpoint=endpoint).order_by("-pk")
    if search.status:
        found = found.filter(status=search.status)
    if before:
        found = found.filter(pk__lt=before)
    return paging.page(list(found[: search.limit + 1]), search.limit, delivery_facts)


@router.get("/webhooks/deliveries/{uuid:delivery_id}", auth=USES, response={200: DeliveryOut, **statuses()}, summary="Look at a delivery")
def webhook_delivery(request: ProgramRequest, delivery_id: uuid.UUID) -> dict[str, Any]:
    """What was sent, and what came of each try."""
    return delivery_facts(delivery_of(request.caller, delivery_id))


@router.post(
    "/webhooks/deliveries/{uuid:delivery_id}/redeliver", auth=USES, response={200: DeliveryOut, **statuses(409)}, summary="Send it again"
)
def webhook_redeliver(request: ProgramRequest, delivery_id: uuid.UUID) -> dict[str, Any]:
    """Once more, with the same id, so that a receiver knows it by that. One that waits is sent now."""
    return delivery_facts(services.redeliver(delivery_of(request.caller, delivery_id), by=request.caller.user))
