"""What people do with endpoints and deliveries, and what of it stands in the team's log."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.http import Http404
from django.utils import timezone

from accounts.models import AuditEntry, Team, User
from studio.ids import uuid7_at
from studio.webhooks import services, signing
from studio.webhooks.access import delivery_for, endpoint_for
from studio.webhooks.errors import EndpointOff, EndpointRefused
from studio.webhooks.models import Delivery, Endpoint, Event
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.django_db


def log_of(team: Team) -> list[str]:
    return [str(one) for one in AuditEntry.objects.of_team(team).filter(action__startswith="webhook.").order_by("id")]


def test_made(team: Team, alice: User, receiver: Receiver) -> None:
    made = services.make_endpoint(
        team, by=alice, url=f" {receiver.url} ", events=["job.failed", "job.succeeded", "job.failed"], description="  Our   own  "
    )
    made.refresh_from_db()
    assert (made.url, made.events, made.description) == (receiver.url, ["job.succeeded", "job.failed"], "Our own")
    assert (made.is_active, made.made_by) == (True, alice)
    assert len(base64.b64decode(made.secret.removeprefix("whsec_"))) == 32
    assert log_of(team) == [f"Alice Harbour added the endpoint “Our own” at 127.0.0.1:{receiver.port}"]


@pytest.mark.django_db(transaction=True)
def test_nobody_deletes_what_something_is_just_being_told_to(endpoint: Endpoint, team: Team, alice: User) -> None:
    """Else the transaction in which it happened would fail at its commit: a delivery to nobody."""

    def delete() -> str:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '100ms'" if connection.vendor == "postgresql" else "PRAGMA busy_timeout = 100")
            services.delete_endpoint(endpoint, by=alice)
        except OperationalError:
            return "locked"
        finally:
            if connection.vendor == "postgresql":  # it goes back to the pool, and on to another test
                connection.cursor().execute("RESET lock_timeout")
            connection.close()
        return "deleted"

    with ThreadPoolExecutor(1) as beside, transaction.atomic():
        found = services.listeners(team.pk)
        assert beside.submit(delete).result() == "locked"
        assert services.publish_all(found, Event.JOB_FAILED, [{"id": "one"}]) == 1
    services.delete_endpoint(endpoint, by=alice)
    assert not Endpoint.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_a_name_is_looked_up(team: Team, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SQLite a transaction that writes keeps all others waiting, and a look-up may take seconds."""
    held: list[bool] = []
    monkeypatch.setattr(services.addresses, "check", lambda url: held.append(connection.in_atomic_block))
    made = services.make_endpoint(team, by=alice, url="https://example.com/", events=["job.failed"])
    services.change_endpoint(made, by=alice, url="https://example.com/other")
    assert held == [False, False]
    assert made.url == "https://example.com/other"


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (
            {"url": "https://10.0.0.1/"},
            {"url": "This leads to a computer that is not public. Give the address of a server on the internet."},
        ),
        ({"events": []}, {"events": "Choose at least one event."}),
        ({"description": "x" * 121}, {"description": "A description has 120 characters at most."}),
        (
            {"url": "x", "events": []},
            {"url": "Write the whole address, like https://example.com/hooks.", "events": "Choose at least one event."},
        ),
    ],
)
def test_refused(team: Team, alice: User, receiver: Receiver, given: dict[str, Any], fields: dict[str, str]) -> None:
    values = {"url": receiver.url, "events": ["job.failed"], **given}
    with pytest.raises(EndpointRefused) as refused:
        services.make_endpoint(team, by=alice, **values)
    assert (refused.value.fields, refused.value.message) == (fields, next(iter(fields.values())))
    assert not Endpoint.objects.exists()


def test_an_unknown_event_is_named(team: Team, alice: User, receiver: Receiver) -> None:
    with pytest.raises(EndpointRefused, match=r"There is no event job\.begun\. There are: job\.succeeded, "):
        services.make_endpoint(team, by=alice, url=receiver.url, events=["job.begun", "job.failed"])


def test_a_team_has_twenty(team: Team, alice: User, receiver: Receiver) -> None:
    for _ in range(services.MOST):
        services.make_endpoint(team, by=alice, url=receiver.url, events=["job.failed"])
    with pytest.raises(EndpointRefused, match="20 endpoints at most"):
        services.make_endpoint(team, by=alice, url=receiver.url, events=["job.failed"])


def test_changed(endpoint: Endpoint, alice: User, receiver: Receiver) -> None:
    services.change_endpoint(endpoint, by=alice, events=["wallet.low"], description="Bells", is_active=False)
    endpoint.refresh_from_db()
    assert (endpoint.events, endpoint.description, endpoint.is_active, endpoint.url) == (["wallet.low"], "Bells", False, receiver.url)
    with pytest.raises(EndpointRefused):
        services.change_endpoint(endpoint, by=alice, url="https://127.0.0.2/", description="Other")
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description) == (receiver.url, "Bells")
    services.switch_on(endpoint, by=alice)
    services.switch_on(endpoint, by=alice)
    where = f"127.0.0.1:{receiver.port}"
    assert log_of(endpoint.team) == [
        f"Alice Harbour added the endpoint at {where}",
        f"Alice Harbour changed the endpoint “Bells” at {where}: switched it off",
        f"Alice Harbour changed the endpoint “Bells” at {where}: switched it on",
    ]


def test_a_new_secret_signs_beside_the_old_one_for_a_day(endpoint: Endpoint, alice: User) -> None:
    first = endpoint.secret
    second = services.rotate_secret(endpoint, by=alice)
    endpoint.refresh_from_db()
    assert endpoint.secret == second != first
    now = timezone.now()
    assert signing.secrets_of(endpoint, now) == [second, first]
    assert signing.secrets_of(endpoint, now + timedelta(hours=25)) == [second]
    third = services.rotate_secret(endpoint, by=alice, overlap=timedelta())
    endpoint.refresh_from_db()
    assert signing.secrets_of(endpoint, now) == [third]


def test_deleted_with_what_it_was_told(endpoint: Endpoint, alice: User, team: Team) -> None:
    services.publish(team.pk, Event.JOB_FAILED, {"id": "x"})
    services.delete_endpoint(endpoint, by=alice)
    assert (Endpoint.objects.count(), Delivery.objects.count()) == (0, 0)
    assert log_of(team)[-1].startswith("Alice Harbour deleted the endpoint at 127.0.0.1:")


def test_who_may(endpoint: Endpoint, alice: User, bob: User, carol: User, mallory: User, team: Team) -> None:
    services.publish(team.pk, Event.JOB_FAILED, {"id": "x"})
    [delivery] = Delivery.objects.all()
    assert endpoint_for(alice, endpoint.pk) == endpoint
    assert delivery_for(alice, delivery.pk) == delivery
    for person, error in ((bob, PermissionDenied), (carol, PermissionDenied), (mallory, Http404)):
        with pytest.raises(error):
            endpoint_for(person, endpoint.pk)
        with pytest.raises(error):
            delivery_for(person, delivery.pk)
    for find in (endpoint_for, delivery_for):
        with pytest.raises(Http404):
            find(alice, uuid7_at(timezone.now()))


# --- publishing ------------------------------------------------------------------------------------------------------


def test_told_to_those_who_chose_it(endpoint: Endpoint, team: Team, other_team: Team, alice: User, receiver: Receiver) -> None:
    low = services.make_endpoint(team, by=alice, url=receiver.url, events=["wallet.low"])
    off = services.make_endpoint(team, by=alice, url=receiver.url, events=["job.failed"])
    services.change_endpoint(off, by=alice, is_active=False)
    services.make_endpoint(other_team, by=alice, url=receiver.url, events=["job.failed"])
    assert services.publish(team.pk, Event.JOB_FAILED, {"id": "one"}) == 1
    assert services.publish(team.pk, Event.WALLET_LOW, {"id": "two"}) == 2
    rows = list(Delivery.objects.order_by("event").values_list("endpoint", "event", "status"))
    assert rows[0] == (endpoint.pk, "job.failed", "waiting")
    assert sorted(rows[1:]) == sorted([(endpoint.pk, "wallet.low", "waiting"), (low.pk, "wallet.low", "waiting")])
    assert Delivery.objects.filter(event="wallet.low").values("event_id").distinct().count() == 1


def test_the_payload(endpoint: Endpoint, team: Team) -> None:
    with time_machine.travel("2026-11-27T10:00:00Z", tick=False):
        services.publish(team.pk, Event.JOB_FAILED, {"id": "one", "object": "job"})
    [delivery] = Delivery.objects.all()
    assert delivery.payload == {
        "id": f"evt_{delivery.event_id.hex}",
        "type": "job.failed",
        "timestamp": "2026-11-27T10:00:00+00:00",
        "team": f"org-{team.public_id}",
        "data": {"id": "one", "object": "job"},
    }


def test_nobody_listens_costs_one_query(team: Team, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert services.publish(team.pk, Event.JOB_FAILED, {"id": "one"}) == 0


def test_a_deleted_team_is_told_nothing(endpoint: Endpoint, team: Team) -> None:
    Team.objects.filter(pk=team.pk).update(deleted_at=timezone.now())
    assert services.publish(team.pk, Event.JOB_FAILED, {"id": "one"}) == 0


# --- again -----------------------------------------------------------------------------------------------------------


def test_a_test_is_sent_to_one_that_is_off_too(endpoint: Endpoint, alice: User) -> None:
    services.change_endpoint(endpoint, by=alice, is_active=False)
    test = services.send_test(endpoint, by=alice)
    assert (test.event, test.payload["type"], test.payload["data"]["message"]) == ("test", "test", "Alice Harbour tests this endpoint.")
    assert list(Delivery.objects.due(timezone.now())) == [test]


def test_sent_again_with_the_same_id(endpoint: Endpoint, team: Team, alice: User) -> None:
    services.publish(team.pk, Event.JOB_FAILED, {"id": "one"})
    [delivery] = Delivery.objects.all()
    now = timezone.now()
    Delivery.objects.update(status="parked", attempts=10, ended_at=now, next_at=now - timedelta(days=2), log=[{"status": 500}])
    again = services.redeliver(Delivery.objects.get(), by=alice)
    assert (again.status, again.attempts, again.ended_at, again.event_id, again.log) == (
        "waiting",
        0,
        None,
        delivery.event_id,
        [{"status": 500}],
    )
    assert list(Delivery.objects.due(timezone.now())) == [again]
    assert log_of(team)[-1].startswith("Alice Harbour sent job.failed again to the endpoint at ")


def test_one_that_waits_is_sent_now_and_one_that_is_out_stays_so(endpoint: Endpoint, team: Team, alice: User) -> None:
    services.publish(team.pk, Event.JOB_FAILED, {"id": "one"})
    later = timezone.now() + timedelta(hours=5)
    Delivery.objects.update(next_at=later, attempts=3)
    again = services.redeliver(Delivery.objects.get(), by=alice)
    assert again.next_at <= timezone.now()
    assert again.attempts == 3
    Delivery.objects.update(next_at=later, lease_until=later)
    assert services.redeliver(Delivery.objects.get(), by=alice).next_at == later


def test_nothing_is_sent_again_to_one_that_is_off(endpoint: Endpoint, team: Team, alice: User) -> None:
    services.publish(team.pk, Event.JOB_FAILED, {"id": "one"})
    Delivery.objects.update(status="parked")
    services.change_endpoint(endpoint, by=alice, is_active=False)
    with pytest.raises(EndpointOff, match="Switch it on"):
        services.redeliver(Delivery.objects.select_related("endpoint").get(), by=alice)
    assert Delivery.objects.get().status == "parked"


def test_old_ones_are_forgotten(endpoint: Endpoint, team: Team) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=30, minutes=1)):
        services.publish(team.pk, Event.JOB_FAILED, {"id": "old"})
    services.publish(team.pk, Event.JOB_FAILED, {"id": "new"})
    assert services.forget_old() == 1
    assert [one.payload["data"]["id"] for one in Delivery.objects.all()] == ["new"]
