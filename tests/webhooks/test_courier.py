"""Deliveries on their way: taken by one courier, signed, tried again, parked; and what becomes of an endpoint that takes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from accounts.models import AuditEntry, Membership, Role, Team, User
from studio.webhooks import courier, ending, schedule, services
from studio.webhooks.courier import Courier, deliver, take
from studio.webhooks.models import Delivery, Endpoint, Event
from studio.webhooks.querysets import DeliveryQuerySet
from studio.webhooks.sending import Answer
from tests.billing.race import at_once
from tests.conftest import make_user
from tests.webhooks.receiver import Receiver, answering

pytestmark = pytest.mark.django_db

OK, BAD, GONE = Answer(5, 200, "thanks"), Answer(7, 500, "oh"), Answer(3, 410)


def publish(team: Team, what: str = "one") -> Delivery:
    with transaction.atomic():
        services.publish(team.pk, Event.JOB_FAILED, {"id": what})
    return Delivery.objects.order_by("-created_at", "-id").first()  # type: ignore[return-value]


def turn(answer: Answer, now: datetime | None = None) -> Delivery:
    """Take what is due and write down this answer."""
    now = now or timezone.now()
    delivery = take(now)
    assert delivery is not None
    assert ending.record(delivery, answer, at=now)
    return Delivery.objects.select_related("endpoint__team").get(pk=delivery.pk)


# --- one delivery ----------------------------------------------------------------------------------------------------


def test_delivered_and_signed(endpoint: Endpoint, team: Team, receiver: Receiver) -> None:
    publish(team)
    receiver.answer = answering(200, b"thanks")
    delivery = take(timezone.now())
    assert delivery is not None
    deliver(delivery)
    got = receiver.next()
    told = Webhook(endpoint.secret).verify(got.body, got.headers)
    delivery.refresh_from_db()
    assert told == delivery.payload
    assert list(told) == ["id", "type", "timestamp", "team", "data"]
    assert got.headers["webhook-id"] == told["id"] == f"evt_{delivery.event_id.hex}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"].startswith("Atelier/")
    assert (delivery.status, delivery.attempts, delivery.lease_until) == ("delivered", 1, None)
    assert delivery.ended_at is not None
    [line] = delivery.log
    assert (line["status"], line["said"], line["error"]) == (200, "thanks", "")
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(got.body + b" ", got.headers)


def test_both_secrets_sign_while_a_new_one_is_learnt(endpoint: Endpoint, team: Team, alice: User, receiver: Receiver) -> None:
    old = endpoint.secret
    new = services.rotate_secret(endpoint, by=alice)
    publish(team)
    delivery = take(timezone.now())
    assert delivery is not None
    deliver(delivery)
    got = receiver.next()
    for secret in (new, old):
        assert Webhook(secret).verify(got.body, got.headers)["type"] == "job.failed"
    assert len(got.headers["webhook-signature"].split(" ")) == 2


def test_the_id_stays_and_the_signature_does_not(endpoint: Endpoint, team: Team, receiver: Receiver) -> None:
    publish(team)
    receiver.answer = answering(500)
    for wait in (timedelta(), timedelta(minutes=1)):
        with time_machine.travel(timezone.now() + wait):
            delivery = take(timezone.now())
            assert delivery is not None
            deliver(delivery)
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_a_failure_is_logged_and_tried_again_later(endpoint: Endpoint, team: Team) -> None:
    publish(team)
    now = timezone.now()
    delivery = turn(BAD, now)
    assert (delivery.status, delivery.attempts, delivery.lease_until) == ("waiting", 1, None)
    assert timedelta(seconds=4) <= delivery.next_at - now <= timedelta(seconds=5.1)
    assert delivery.log == [{"at": now.isoformat(), "status": 500, "ms": 7, "said": "oh", "error": "It answered 500."}]
    assert take(now) is None
    assert delivery.endpoint.failing_since == now
    delivery = turn(OK, now + timedelta(seconds=6))
    assert (delivery.status, len(delivery.log), delivery.endpoint.failing_since) == ("delivered", 2, None)


def test_parked_after_two_days(endpoint: Endpoint, team: Team) -> None:
    publish(team)
    began = now = timezone.now()
    tries = 0
    while Delivery.objects.filter(status="waiting").exists():
        delivery = turn(BAD, now)
        tries += 1
        now = max(now, delivery.next_at)
    assert (delivery.status, tries, delivery.attempts, len(delivery.log)) == ("parked", 10, 10, 10)
    assert timedelta(days=1, hours=12) < now - began <= timedelta(days=2)
    assert take(now + timedelta(days=9)) is None
    assert delivery.endpoint.is_active


def test_a_receiver_may_ask_for_an_hour_at_most(endpoint: Endpoint, team: Team) -> None:
    publish(team)
    now = timezone.now()
    assert turn(Answer(0, 429, retry_after=600), now).next_at == now + timedelta(minutes=10)
    later = now + timedelta(minutes=11)
    assert turn(Answer(0, 503, retry_after=999_999), later).next_at == later + timedelta(hours=1)


def test_gone_switches_the_endpoint_off(endpoint: Endpoint, team: Team, django_capture_on_commit_callbacks: Any) -> None:
    publish(team)
    with django_capture_on_commit_callbacks(execute=True):
        delivery = turn(GONE)
    assert (delivery.status, delivery.endpoint.is_active) == ("parked", False)
    assert delivery.endpoint.switched_off_at is not None
    assert services.publish(team.pk, Event.JOB_FAILED, {"id": "two"}) == 0
    where = endpoint.url.split("/")[2]
    said = str(AuditEntry.objects.of_team(team).first())
    assert said == f"The studio switched off the endpoint at {where}, which answered that it is gone for good (410)"
    [letter] = mail.outbox
    assert (letter.to, letter.subject) == (["alice@harbour.example"], "A webhook endpoint of Harbour Street was switched off")
    assert f"{where} of Harbour Street answered that it is gone for good (410)" in " ".join(letter.body.split())


# --- an endpoint that takes nothing ----------------------------------------------------------------------------------


def test_switched_off_after_days_and_a_letter_to_those_who_administer(
    endpoint: Endpoint, team: Team, bob: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    Membership.objects.create(team=team, user=make_user("Dora Admin"), role=Role.ADMIN)
    publish(team)
    began = timezone.now()
    turn(BAD, began)
    Delivery.objects.update(attempts=5, next_at=began)
    with django_capture_on_commit_callbacks(execute=True):
        assert turn(BAD, began + timedelta(days=4, hours=23)).endpoint.is_active
    assert mail.outbox == []
    with time_machine.travel(began + timedelta(days=5, hours=1)), django_capture_on_commit_callbacks(execute=True):
        Delivery.objects.update(attempts=5, next_at=began)
        waits = publish(team, "two")
        Delivery.objects.filter(pk=waits.pk).update(next_at=began + timedelta(days=9))
        assert not turn(BAD).endpoint.is_active
    assert sorted(letter.to[0] for letter in mail.outbox) == ["alice@harbour.example", "dora@harbour.example"]
    assert "took nothing for 5 days" in " ".join(mail.outbox[0].body.split())
    assert take(began + timedelta(days=20)) is None
    services.switch_on(Endpoint.objects.get(), by=team.members.first())  # type: ignore[arg-type]
    assert take(began + timedelta(days=20)) is not None


def test_one_failure_after_a_quiet_week_switches_nothing_off(endpoint: Endpoint, team: Team) -> None:
    publish(team)
    began = timezone.now()
    Endpoint.objects.update(failing_since=began - timedelta(days=8))
    for _ in range(5):
        assert turn(BAD, began).endpoint.is_active
        Delivery.objects.update(next_at=began)
    assert not turn(BAD, began).endpoint.is_active


def test_one_that_arrives_now_and_then_stays_on(endpoint: Endpoint, team: Team) -> None:
    began = timezone.now()
    for day in range(12):
        with time_machine.travel(began + timedelta(days=day), tick=False):
            publish(team)
            turn(OK if day % 3 == 2 else BAD)
            Delivery.objects.all().delete()
    assert Endpoint.objects.get().is_active


def test_a_test_is_tried_once_and_says_nothing_of_the_endpoint(endpoint: Endpoint, alice: User) -> None:
    services.send_test(endpoint, by=alice)
    delivery = turn(BAD)
    assert (delivery.status, delivery.endpoint.failing_since) == ("parked", None)
    services.send_test(endpoint, by=alice)
    assert turn(Answer(1, 410)).endpoint.is_active


# --- the lease -------------------------------------------------------------------------------------------------------


def test_what_one_courier_has_no_other_takes_until_its_lease_is_over(endpoint: Endpoint, team: Team) -> None:
    publish(team)
    now = timezone.now()
    first = take(now)
    assert first is not None
    assert take(now + courier.LEASE - timedelta(seconds=1)) is None
    second = take(now + courier.LEASE)
    assert second is not None
    assert (second.pk, second.attempts) == (first.pk, 2)
    assert not ending.record(first, BAD, at=now)
    assert ending.record(second, OK, at=now)
    delivery = Delivery.objects.get()
    assert (delivery.status, len(delivery.log)) == ("delivered", 1)


def test_the_lease_outlasts_a_call() -> None:
    from studio.webhooks import addresses, sending

    assert courier.LEASE.total_seconds() > 2 * (addresses.LOOKUP_SECONDS + sending.WHOLE_SECONDS + sending.BODY_SECONDS)


def test_another_courier_was_quicker(endpoint: Endpoint, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the UPDATE. Seen to fail when that does not ask whether the row is free: then both have it."""
    publish(team, "first")
    publish(team, "second")
    now = timezone.now()
    due, quicker = DeliveryQuerySet.due, []

    class Looked(list[Delivery]):
        def select_related(self, *names: str) -> Looked:
            return self

    def look(self: DeliveryQuerySet, moment: datetime, **options: Any) -> Any:
        seen = Looked(due(self, moment, **options).select_related("endpoint__team"))
        with monkeypatch.context() as patch:
            patch.setattr(DeliveryQuerySet, "due", due)
            quicker.append(take(moment))
        return seen

    monkeypatch.setattr(DeliveryQuerySet, "due", look)
    slower = take(now)
    assert slower is not None
    assert [one.payload["data"]["id"] for one in (*quicker, slower)] == ["first", "second"]


@pytest.mark.django_db(transaction=True)
def test_couriers_at_the_same_moment_take_each_delivery_once(endpoint: Endpoint, team: Team) -> None:
    for number in range(3):
        publish(team, str(number))
    now = timezone.now()
    taken = at_once(*((lambda: None, lambda _: take(now)) for _ in range(6)))
    found = [one.pk for one in taken if isinstance(one, Delivery)]
    assert sorted(found) == sorted(set(found))
    assert {type(one) for one in taken} <= {Delivery, type(None)}
    left = {take(now) for _ in range(3)} - {None}
    assert len(found) + len(left) == 3


def test_nothing_is_taken_for_a_deleted_team_or_a_full_endpoint(endpoint: Endpoint, team: Team) -> None:
    publish(team)
    now = timezone.now()
    assert take(now, but_not_to=frozenset({endpoint.pk})) is None
    Team.objects.filter(pk=team.pk).update(deleted_at=now)
    assert take(now) is None
    Team.objects.filter(pk=team.pk).update(deleted_at=None)
    assert take(now) is not None


# --- the schedule ----------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=9, max_size=9))
def test_waits_grow_and_end_within_two_days(parts: list[float]) -> None:
    waits = [schedule.wait_after(number + 1, part=part) for number, part in enumerate(parts)]
    known = [wait for wait in waits if wait is not None]
    assert len(known) == 9
    assert known[0] <= timedelta(seconds=5)
    assert all(earlier < later or number >= 7 for number, (earlier, later) in enumerate(pairwise(known)))
    assert timedelta(days=1, hours=12) < sum(known, timedelta()) <= timedelta(days=2)
    assert schedule.wait_after(10) is None


@given(st.integers(1, 9), st.floats(0, 1e6))
def test_what_was_asked_for_makes_no_wait_shorter(tries: int, asked: float) -> None:
    wait, plain = schedule.wait_after(tries, asked=asked, part=1.0), schedule.wait_after(tries, part=1.0)
    assert wait is not None
    assert plain is not None
    assert plain <= wait <= max(plain, timedelta(hours=1))


# --- a courier at work -----------------------------------------------------------------------------------------------


@pytest.fixture
def at_work(settings: Any) -> Iterator[Courier]:
    settings.JOB_SWEEP_SECONDS = 0.05
    one = Courier()
    one.start()
    yield one
    one.stop()
    assert one.join(60)


@pytest.mark.django_db(transaction=True)
def test_rung_for_and_delivered(endpoint: Endpoint, team: Team, receiver: Receiver, at_work: Courier) -> None:
    for number in range(20):
        publish(team, str(number))
    assert {receiver.next().payload["data"]["id"] for _ in range(20)} == {str(number) for number in range(20)}
    at_work.stop()
    assert at_work.join(60)
    assert set(Delivery.objects.values_list("status", "attempts")) == {("delivered", 1)}
    assert len(receiver.got) == 20


@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_does_not_hold_up_others(endpoint: Endpoint, team: Team, alice: User, receiver: Receiver, at_work: Courier) -> None:
    slow = Receiver()
    slow.answer = slow.hold
    services.make_endpoint(team, by=alice, url=slow.url, events=["job.failed"])
    for number in range(12):
        publish(team, str(number))
    for _ in range(12):
        receiver.next()
    assert slow.connections == courier.PER_ENDPOINT
    slow.let_go.set()
    assert {slow.next().payload["data"]["id"] for _ in range(12)} == {str(number) for number in range(12)}
    slow.close()


@pytest.mark.django_db(transaction=True)
def test_one_that_fails_gets_one_call_at_a_time(endpoint: Endpoint, team: Team, receiver: Receiver, at_work: Courier) -> None:
    Endpoint.objects.update(failing_since=timezone.now())
    receiver.answer = receiver.hold
    for number in range(3):
        publish(team, str(number))
    receiver.next()
    assert threading.Event().wait(0.3) is False
    assert receiver.connections == 1
    receiver.let_go.set()
    for _ in range(2):
        receiver.next()


@pytest.mark.django_db(transaction=True)
def test_a_fault_of_ours_does_not_end_it(
    endpoint: Endpoint, team: Team, receiver: Receiver, at_work: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def fail(*args: Any, **options: Any) -> None:
        failed.set()
        raise RuntimeError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr(courier, "take", fail)
        assert failed.wait(60)
    publish(team)
    assert receiver.next().payload["data"]["id"] == "one"
