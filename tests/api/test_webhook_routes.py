"""Webhooks by program: added, changed, tested, read, deleted; the secret is told once, and other teams' are not there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Team, User
from accounts.services import create_team
from studio.webhooks import services
from studio.webhooks.models import Delivery, Endpoint, Event
from tests.api.conftest import problem

pytestmark = pytest.mark.django_db

Makes = Callable[..., Any]
URL = "https://93.184.215.14/hooks"
"""A public address that needs no look-up."""


def make(team: Team, by: User, **more: Any) -> Endpoint:
    return services.make_endpoint(team, by=by, **{"url": URL, "events": ["job.succeeded"], **more})


def test_an_endpoint_is_added_changed_and_deleted(alice: User, team: Team, program: Makes) -> None:
    robot = program(alice)
    made = robot.post("/webhooks", {"url": URL, "events": ["job.failed", "job.succeeded"], "description": " The  shop "})
    assert made.status_code == 201, made.content
    told = made.json()
    endpoint = Endpoint.objects.get()
    assert told.pop("secret") == endpoint.secret
    assert {name: value for name, value in told.items() if name != "created_at"} == {
        "id": str(endpoint.pk),
        "object": "webhook",
        "url": URL,
        "description": "The shop",
        "events": ["job.succeeded", "job.failed"],
        "is_active": True,
        "failing_since": None,
        "switched_off_at": None,
        "old_secret_until": None,
    }
    address = f"/webhooks/{endpoint.pk}"
    assert robot.get(address).json() == told
    assert robot.get("/webhooks").json() == {"items": [told], "next": None}
    assert robot.patch(address, {"is_active": False, "events": ["wallet.low"]}).json() == {
        **told,
        "is_active": False,
        "events": ["wallet.low"],
    }
    assert robot.patch(address, {}).json()["events"] == ["wallet.low"]
    assert robot.delete(address).status_code == 204
    problem(robot.get(address), 404, "not_found")
    entries = AuditEntry.objects.filter(action__startswith="webhook.").order_by("id")
    assert [(one.action, one.api_key_id) for one in entries] == [
        ("webhook.made", robot.key.pk),
        ("webhook.changed", robot.key.pk),
        ("webhook.deleted", robot.key.pk),
    ]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"url": "http://127.0.0.1/x", "events": ["job.failed"]}, {"url"}),
        ({"url": "https://127.0.0.1/x", "events": ["job.failed"]}, {"url"}),
        ({"url": "nonsense", "events": ["job.failed"]}, {"url"}),
        ({"url": URL, "events": []}, {"events"}),
        ({"url": URL, "events": ["job.exploded"]}, {"events"}),
        ({"url": URL, "events": ["job.failed"], "description": "x" * 121}, {"description"}),
        ({"events": ["job.failed"]}, {"url"}),
    ],
)
def test_what_is_no_endpoint_is_named(alice: User, team: Team, program: Makes, body: dict[str, Any], fields: set[str]) -> None:
    answer = program(alice).post("/webhooks", body)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, fields)
    assert not Endpoint.objects.exists()


def test_the_secret_changes_with_an_overlap(alice: User, team: Team, program: Makes) -> None:
    endpoint, robot = make(team, alice), program(alice)
    before = endpoint.secret
    told = robot.post(f"/webhooks/{endpoint.pk}/secret", {"overlap_hours": 2}).json()
    endpoint.refresh_from_db()
    assert (told["secret"], endpoint.old_secret) == (endpoint.secret, before)
    assert endpoint.secret != before
    assert endpoint.old_secret_until is not None
    assert timedelta(hours=1) < endpoint.old_secret_until - timezone.now() <= timedelta(hours=2)
    robot.post(f"/webhooks/{endpoint.pk}/secret", {"overlap_hours": 0})
    endpoint.refresh_from_db()
    assert endpoint.old_secret == ""
    problem(robot.post(f"/webhooks/{endpoint.pk}/secret", {"overlap_hours": 1000}), 422, "invalid")


def test_deliveries_are_read_and_sent_again(alice: User, team: Team, program: Makes) -> None:
    """A test is one; what was given up goes once more, with the same id."""
    endpoint, robot = make(team, alice), program(alice)
    test = robot.post(f"/webhooks/{endpoint.pk}/test")
    assert (test.status_code, test.json()["event"], test.json()["status"]) == (201, "test", "waiting")
    services.publish(team.pk, Event.JOB_SUCCEEDED, {"id": "x"})
    delivery = Delivery.objects.get(event="job.succeeded")
    log = [{"at": "2026-11-27T09:30:00+00:00", "status": 500, "ms": 12, "said": "no", "error": ""}]
    Delivery.objects.filter(pk=delivery.pk).update(status="parked", attempts=9, log=log, ended_at=timezone.now())
    address = f"/webhooks/deliveries/{delivery.pk}"
    told = robot.get(address).json()
    assert (told["status"], told["attempts"], told["next_at"], told["log"]) == ("parked", 9, None, log)
    assert told["payload"]["data"] == {"id": "x"}
    of_endpoint = f"/webhooks/{endpoint.pk}/deliveries"
    assert [one["event"] for one in robot.get(of_endpoint, {"status": "parked"}).json()["items"]] == ["job.succeeded"]
    first = robot.get(of_endpoint, {"limit": 1}).json()
    rest = robot.get(of_endpoint, {"limit": 1, "cursor": first["next"]}).json()
    assert {one["id"] for one in first["items"] + rest["items"]} == {test.json()["id"], str(delivery.pk)}
    again = robot.post(f"{address}/redeliver").json()
    assert (again["status"], again["payload"]["id"]) == ("waiting", told["payload"]["id"])
    Delivery.objects.filter(pk=delivery.pk).update(status="parked")
    robot.patch(f"/webhooks/{endpoint.pk}", {"is_active": False})
    problem(robot.post(f"{address}/redeliver"), 409, "endpoint_off")


ROUTES = (
    ("get", "/webhooks/{id}"),
    ("patch", "/webhooks/{id}"),
    ("delete", "/webhooks/{id}"),
    ("post", "/webhooks/{id}/secret"),
    ("post", "/webhooks/{id}/test"),
    ("get", "/webhooks/{id}/deliveries"),
    ("get", "/webhooks/deliveries/{delivery}"),
    ("post", "/webhooks/deliveries/{delivery}/redeliver"),
)


@pytest.mark.parametrize(("method", "address"), ROUTES)
def test_what_is_not_ones_own_is_not_there(
    alice: User, team: Team, other_team: Team, mallory: User, program: Makes, method: str, address: str
) -> None:
    robot = program(alice, team)
    body = None if method == "get" else {}
    for one in (make(other_team, mallory), make(create_team("Second", alice), alice)):
        delivery = services.send_test(one, by=alice)
        problem(robot.ask(method, address.format(id=one.pk, delivery=delivery.pk), body), 404, "not_found")
    problem(robot.ask(method, address.format(id=uuid.uuid4(), delivery=uuid.uuid4()), body), 404, "not_found")
    assert (Endpoint.objects.count(), Delivery.objects.count()) == (2, 2)
    assert robot.get("/webhooks").json()["items"] == []


@pytest.mark.parametrize(("method", "address"), [("get", "/webhooks"), ("post", "/webhooks"), *ROUTES])
def test_a_route_needs_its_scope_and_the_right(alice: User, bob: User, team: Team, program: Makes, method: str, address: str) -> None:
    """Whoever does not run the team has no key that does this."""
    endpoint = make(team, alice)
    path = address.format(id=endpoint.pk, delivery=services.send_test(endpoint, by=alice).pk)
    others = ("generate", "library:read", "library:write", "templates", "billing:read")
    for robot in (program(alice, scopes=others), program(bob)):
        problem(robot.ask(method, path, {}), 403, "scope_missing")
    assert (Endpoint.objects.count(), Delivery.objects.count()) == (1, 1)
