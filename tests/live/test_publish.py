"""Which way a message takes: the layer in the web process, the relay in a worker, one long-lived loop with Redis."""

import asyncio
import threading
import time

import pytest
from channels.layers import get_channel_layer
from structlog.testing import capture_logs

from studio.live import events, publish, relay
from studio.live.layer import RESYNC


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def sent(monkeypatch):
    """What went to the relay."""
    lines: list[tuple] = []

    class Client:
        def send(self, group, message, *, slot=""):
            lines.append((group, message, slot))

    monkeypatch.setattr(relay, "client", Client)
    return lines


@pytest.fixture
def homeless(monkeypatch, embedded):
    """This process serves no pages."""
    monkeypatch.setattr(get_channel_layer(), "home", None)


def test_a_worker_sends_through_the_relay(homeless, sent):
    events.job_updated(7, "0192")
    events.wallet_changed(7)
    updated = {"type": "job.updated", "job": "0192", "ended": False, "batch": ""}
    assert sent == [("team.7", updated, ""), ("team.7", {"type": "wallet.changed"}, "")]


def test_progress_has_a_slot_so_that_only_the_newest_waits(homeless, sent):
    events.job_progress(7, "0192", 2, 3, 20, "<div></div>")
    message = {"type": "job.progress", "job": "0192", "attempt": 2, "step": 3, "total": 20, "html": "<div></div>"}
    assert sent == [("team.7", message, "progress.0192")]


async def test_the_web_process_uses_its_own_layer(embedded, sent):
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("user.3", channel)
    thread = threading.Thread(target=events.access_changed, args=(3,))
    thread.start()
    async with asyncio.timeout(20):
        assert await layer.receive(channel) == {"type": "access.changed"}
    thread.join()
    assert sent == []
    await layer.group_discard("user.3", channel)


@pytest.fixture
def scaled(settings, monkeypatch):
    """With Redis: a layer that only writes down what it is given, and in which loop."""
    settings.EMBEDDED = False
    calls: list[tuple] = []
    reached = threading.Event()

    class Layer:
        fails = False

        async def group_send(self, group, message):
            if Layer.fails and not calls:
                calls.append(("failed",))
                raise ConnectionError("Redis is gone")
            calls.append((group, message, asyncio.get_running_loop()))
            if message.get("last"):
                reached.set()

    layer = Layer()
    monkeypatch.setattr(publish, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(publish, "_publisher", None)
    return Layer, calls, reached


def test_with_redis_one_loop_sends_everything_in_order(scaled):
    _, calls, reached = scaled
    for number in range(200):
        publish.publish("team.1", {"type": "job.updated", "number": number})
    publish.publish("team.1", {"type": "wallet.changed", "last": True})
    assert reached.wait(20)
    assert [message.get("number") for _, message, _ in calls] == [*range(200), None]
    assert len({loop for _, _, loop in calls}) == 1


def test_a_redis_that_fails_costs_the_messages_and_their_groups_hear_of_it(scaled):
    layer, calls, _ = scaled
    layer.fails = True
    publish.publish("team.1", {"type": "job.updated"})
    wait_for(lambda: len(calls) == 2)
    assert calls[0] == ("failed",)
    assert calls[1][:2] == ("team.1", RESYNC)
    publish.publish("team.1", {"type": "job.updated"})
    wait_for(lambda: len(calls) == 3)
    assert calls[2][:2] == ("team.1", {"type": "job.updated"})


def test_while_redis_is_away_nothing_waits_but_names(scaled, monkeypatch):
    """A worker goes on for hours, and says something many times a second."""
    layer, _, _ = scaled
    refused = threading.Semaphore(0)

    async def refuse(self, group, message):
        refused.release()
        raise ConnectionError("Redis is gone")

    monkeypatch.setattr(layer, "group_send", refuse)
    monkeypatch.setattr(publish.LoopPublisher, "PAUSE", 0.01)
    publisher = publish.loop_publisher()
    with capture_logs() as lines:
        for number in range(5000):
            publish.publish(f"team.{number % 3}", {"type": "job.updated", "html": "x" * 1000})
        for _ in range(20):
            assert refused.acquire(timeout=20)
    assert set(publisher._missed) <= {"team.0", "team.1", "team.2"}
    assert len(publisher._waiting) <= publisher.CAPACITY
    assert [line["event"] for line in lines] == ["service_away"]
    publisher._loop.call_soon_threadsafe(publisher._loop.stop)


def test_goodbye_waits_for_what_was_said_last(scaled):
    _, calls, _ = scaled
    for number in range(50):
        publish.publish("team.1", {"type": "job.updated", "number": number})
    publish.goodbye(20)
    assert sorted(message["number"] for _, message, _ in calls) == list(range(50))


@pytest.mark.django_db(transaction=True)
def test_the_wallet_listener_speaks_after_the_commit_and_not_after_a_rollback(monkeypatch, team):
    from django.db import transaction

    from billing.services import wallets

    told: list[int] = []
    wallet = wallets.wallet_of(team)
    monkeypatch.setattr(events, "wallet_changed", told.append)
    with transaction.atomic():
        wallets.grant(wallet, 1000, reference="a", description="For the test")
        assert told == []
    assert told == [team.pk]
    with transaction.atomic():
        wallets.grant(wallet, 1000, reference="b", description="For the test")
        transaction.set_rollback(True)
    assert told == [team.pk]
