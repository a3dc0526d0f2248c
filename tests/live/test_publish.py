"""Which way a message takes: the layer in the web process, the relay in a worker, one long-lived loop with Redis."""

import asyncio
import threading

import pytest
from channels.layers import get_channel_layer

from studio.live import events, publish, relay


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


def test_a_redis_that_fails_costs_a_message_and_nothing_else(scaled):
    layer, calls, reached = scaled
    layer.fails = True
    publish.publish("team.1", {"type": "job.updated"})
    publish.publish("team.1", {"type": "job.updated", "last": True})
    assert reached.wait(20)
    assert calls[0] == ("failed",)
    assert calls[1][:2] == ("team.1", {"type": "job.updated", "last": True})


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
