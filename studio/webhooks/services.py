"""Every write to an endpoint or a delivery but a courier's own: what is told, where to, and what is sent again.

Rights are asked by whoever calls (`access.endpoint_for`, or "administer" in the team for a new one); the team's log is written here.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.keys import organization_id
from accounts.models import Team, User
from studio.generation.dispatch import doorbell
from studio.ids import uuid7_at
from studio.webhooks import addresses
from studio.webhooks.errors import AddressRefused, EndpointOff, EndpointRefused
from studio.webhooks.models import Delivery, Endpoint, Event
from studio.webhooks.signing import new_secret

QUEUE = "webhooks"
"""The name by which couriers are rung for."""
MOST = 20
"""Endpoints of a team."""
OVERLAP = timedelta(hours=24)
"""How long what a new secret replaces signs as well."""
KEPT = timedelta(days=30)
"""Then a delivery is forgotten, whatever became of it."""
AT_ONCE = 500
"""Rows of a statement that deletes."""
TEST = "test"

Status = Delivery.Status

# --- what is told ----------------------------------------------------------------------------------------------------


def listeners(team_id: int) -> list[Endpoint]:
    """The endpoints to which something of the team may be told; none of a team that is being deleted. One query, by the index of teams.

    They stay until this transaction is over: one that somebody deletes before the commit would let the whole of it fail there, with a
    picture that is paid for.
    """
    known = Endpoint.objects.filter(team_id=team_id, is_active=True, team__deleted_at=None).select_related("team")
    return list(known.order_by("id").select_for_update(no_key=True, of=("self",)))


def publish(team_id: int, event: Event, data: Mapping[str, Any]) -> int:
    """Write down that something happened, for every endpoint of the team that chose the event; returns how many.

    Within the transaction in which it happened: both are committed, or neither is. Couriers are rung for when it is.
    """
    return publish_all(listeners(team_id), event, [data])


def publish_all(endpoints: Sequence[Endpoint], event: Event, happened: Collection[Mapping[str, Any]]) -> int:
    """As `publish`, for several things that happened at once in the team of these `listeners`."""
    chosen = [one for one in endpoints if event in one.events]
    now = timezone.now()
    deliveries = []
    for data in happened if chosen else ():
        event_id = uuid.uuid4()
        payload = _payload(chosen[0].team, event_id, event, data, now)
        deliveries += [Delivery(endpoint=one, event_id=event_id, event=event, payload=payload, next_at=now) for one in chosen]
    if deliveries:
        Delivery.objects.bulk_create(deliveries, batch_size=AT_ONCE)
        _ring()
    return len(deliveries)


def _payload(team: Team, event_id: uuid.UUID, event: str, data: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    about = {"id": f"evt_{event_id.hex}", "type": str(event), "timestamp": at.isoformat(), "team": organization_id(team)}
    return {**about, "data": dict(data)}


def _ring() -> None:
    """When this transaction is committed. A ring that is lost is made up for by the couriers' sweep."""
    transaction.on_commit(partial(doorbell().wake, QUEUE))


def ring_due() -> None:
    """One of `settings.DUE_CHORES`: ring for a courier when something waits whose time has come."""
    if Delivery.objects.due(timezone.now()).exists():
        doorbell().wake(QUEUE)


# --- endpoints -------------------------------------------------------------------------------------------------------


def make_endpoint(team: Team, *, by: User, url: str, events: Collection[str], description: str = "") -> Endpoint:
    """Tell `url` of the team's `events` from now on. Raises EndpointRefused, with `fields`."""
    values = _checked(url=url, events=events, description=description)  # it looks a name up: nothing may be locked meanwhile
    with transaction.atomic():
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)  # of two who make the last one that is allowed, one is told so
        if Endpoint.objects.of_team(team).count() >= MOST:
            raise EndpointRefused(f"A team has {MOST} endpoints at most. Delete one that is not needed any more.")
        endpoint = Endpoint.objects.create(team=team, made_by=by, secret=new_secret(), **values)
        audit.record(team, by, "webhook.made", f"added the endpoint {named(endpoint)}")
    return endpoint


def change_endpoint(
    endpoint: Endpoint,
    *,
    by: User,
    url: str | None = None,
    events: Collection[str] | None = None,
    description: str | None = None,
    is_active: bool | None = None,
) -> Endpoint:
    """Change what is given. What waits for it goes to the new address. Raises EndpointRefused, with `fields`; then nothing changed."""
    given = {"url": url, "events": events, "description": description}
    changes: dict[str, Any] = _checked(**{name: value for name, value in given.items() if value is not None})
    if is_active is not None and is_active != endpoint.is_active:
        changes |= {"is_active": is_active, "switched_off_at": None, "failing_since": None}
    if not changes:
        return endpoint
    with transaction.atomic():
        Endpoint.objects.filter(pk=endpoint.pk).update(**changes)
        endpoint.refresh_from_db()
        audit.record(endpoint.team, by, "webhook.changed", f"changed the endpoint {named(endpoint)}{_switched(is_active, changes)}")
        if changes.get("is_active"):
            _ring()
    return endpoint


def _switched(is_active: bool | None, changes: Mapping[str, Any]) -> str:
    if "is_active" not in changes:
        return ""
    return ": switched it on" if is_active else ": switched it off"


def switch_on(endpoint: Endpoint, *, by: User) -> Endpoint:
    """Send to it again, what waits for it first. Nothing when it is on."""
    return change_endpoint(endpoint, by=by, is_active=True)


@transaction.atomic
def delete_endpoint(endpoint: Endpoint, *, by: User) -> None:
    """And all that waits for it or was sent to it."""
    was = named(endpoint)
    Endpoint.objects.select_for_update().filter(pk=endpoint.pk).first()  # after whoever tells it something just now
    Delivery.objects.filter(endpoint=endpoint).delete()
    if Endpoint.objects.filter(pk=endpoint.pk).delete()[0]:
        audit.record(endpoint.team, by, "webhook.deleted", f"deleted the endpoint {was}")


@transaction.atomic
def rotate_secret(endpoint: Endpoint, *, by: User, overlap: timedelta = OVERLAP) -> str:
    """Sign with a new secret, which is returned, and for `overlap` with the one before as well."""
    locked = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    now = timezone.now()
    endpoint.old_secret, endpoint.old_secret_until = (locked.secret, now + overlap) if overlap else ("", None)
    endpoint.secret = new_secret()
    endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
    audit.record(endpoint.team, by, "webhook.rotated", f"made a new secret for the endpoint {named(endpoint)}")
    return endpoint.secret


def _checked(**given: Any) -> dict[str, Any]:
    """What may be written into an endpoint. Raises EndpointRefused."""
    wrong: dict[str, str] = {}
    values = dict(given)
    if "url" in given:
        values["url"] = str(given["url"]).strip()
        try:
            addresses.check(values["url"])
        except AddressRefused as error:
            wrong["url"] = error.message
    if "events" in given:
        known = {str(one) for one in Event}
        named = {str(one) for one in given["events"]}
        values["events"] = [str(one) for one in Event if str(one) in named]
        if named - known:
            wrong["events"] = f"There is no event {sorted(named - known)[0]}. There are: {', '.join(str(one) for one in Event)}."
        elif not named:
            wrong["events"] = "Choose at least one event."
    if "description" in given:
        values["description"] = " ".join(str(given["description"]).split())
        if len(values["description"]) > 120:
            wrong["description"] = "A description has 120 characters at most."
    if wrong:
        raise EndpointRefused(next(iter(wrong.values())), wrong)
    return values


def named(endpoint: Endpoint) -> str:
    """The endpoint in the team's log: without its path, which may hold a word that lets in."""
    target = addresses.read(endpoint.url)
    return f"“{endpoint.description}” at {target.origin}" if endpoint.description else f"at {target.origin}"


# --- deliveries ------------------------------------------------------------------------------------------------------


@transaction.atomic
def send_test(endpoint: Endpoint, *, by: User) -> Delivery:
    """Send it a test, once, also while it is switched off."""
    event_id = uuid.uuid4()
    data = {"object": "test", "message": tested_by(by), "endpoint": str(endpoint.pk)}
    payload = _payload(endpoint.team, event_id, TEST, data, timezone.now())
    delivery = Delivery.objects.create(endpoint=endpoint, event_id=event_id, event=TEST, payload=payload)
    _ring()
    return delivery


def tested_by(person: User) -> str:
    """What a test says."""
    return f"{person} tests this endpoint."


@transaction.atomic
def redeliver(delivery: Delivery, *, by: User) -> Delivery:
    """Send it once more, with the same id and as often as a new one; one that waits is sent now, one that is just being sent stays so.

    Raises EndpointOff.
    """
    if not delivery.endpoint.is_active and delivery.event != TEST:
        raise EndpointOff
    now = timezone.now()
    ended = Delivery.objects.filter(pk=delivery.pk).exclude(status=Status.WAITING)
    again = {"status": Status.WAITING, "next_at": now, "attempts": 0, "lease_until": None, "ended_at": None}
    if ended.update(**again):
        audit.record(
            delivery.endpoint.team, by, "webhook.sent_again", f"sent {delivery.event} again to the endpoint {named(delivery.endpoint)}"
        )
        _ring()
    elif Delivery.objects.free(now).filter(pk=delivery.pk).update(next_at=now):
        _ring()
    delivery.refresh_from_db()
    return delivery


def forget_old(now: datetime | None = None) -> int:
    """One of `settings.DAILY_CHORES`: delete deliveries that were written more than `KEPT` ago; returns how many."""
    old = Delivery.objects.filter(pk__lt=uuid7_at((now or timezone.now()) - KEPT)).order_by("pk")
    gone = 0
    while ids := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        gone += Delivery.objects.filter(pk__in=ids).delete()[0]
    return gone
