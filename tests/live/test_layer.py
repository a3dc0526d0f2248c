"""The in-memory layer from threads that are not the server's, where the stock one is late and loses."""

import asyncio
import threading

import pytest
from asgiref.sync import async_to_sync

from studio.live.layer import RESYNC, HomeLoopLayer


@pytest.fixture
def layer() -> HomeLoopLayer:
    return HomeLoopLayer(capacity=1000)


async def joined(layer: HomeLoopLayer, group: str = "team.1") -> str:
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    return channel


async def read(layer: HomeLoopLayer, channel: str, count: int) -> list[dict]:
    async with asyncio.timeout(20):
        return [await layer.receive(channel) for _ in range(count)]


def in_a_thread(work) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


async def test_a_burst_of_1000_from_a_thread_wakes_an_idle_loop_and_arrives_whole_and_in_order(layer):
    channel = await joined(layer)
    reader = asyncio.create_task(read(layer, channel, 1000))
    await asyncio.sleep(0)  # the reader waits now, and the loop has nothing else to do and no timer

    def burst() -> None:
        for number in range(1000):
            async_to_sync(layer.group_send)("team.1", {"type": "job.updated", "number": number})

    thread = in_a_thread(burst)
    messages = await reader
    assert [message["number"] for message in messages] == list(range(1000))
    thread.join()


async def test_post_returns_at_once_and_keeps_the_order_of_its_thread(layer):
    channel = await joined(layer)
    in_a_thread(lambda: [layer.post("team.1", {"type": "job.updated", "number": number}) for number in range(1000)]).join()
    # Nothing has been read, as this coroutine did not let the loop go: post did not wait for it.
    messages = await read(layer, channel, 1000)
    assert [message["number"] for message in messages] == list(range(1000))


async def test_every_member_of_a_group_gets_its_own_message_and_nobody_else_any(layer):
    first, second, stranger = await joined(layer), await joined(layer), await joined(layer, "team.2")
    await layer.group_send("team.1", {"type": "job.updated", "job": "a"})
    [one] = await read(layer, first, 1)
    one["job"] = "changed by its reader"
    assert await read(layer, second, 1) == [{"type": "job.updated", "job": "a"}]
    await layer.group_send("team.2", {"type": "wallet.changed"})
    assert await read(layer, stranger, 1) == [{"type": "wallet.changed"}]


async def test_who_left_a_group_hears_nothing_and_leaves_nothing_behind(layer):
    channel = await joined(layer)
    await layer.group_discard("team.1", channel)
    await layer.group_send("team.1", {"type": "job.updated"})
    assert layer._queues == {}
    assert layer._groups == {}


async def test_a_reader_that_gives_up_outside_every_group_leaves_nothing_behind(layer):
    channel = await layer.new_channel()
    reader = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert layer._queues == {}


async def test_a_reader_that_is_too_slow_finds_one_resync_instead_of_silence():
    layer = HomeLoopLayer(capacity=10)
    channel = await joined(layer)
    for number in range(25):
        await layer.group_send("team.1", {"type": "job.updated", "number": number})
    # Ten wait; the next, and all before it, become one resync; nine more fit, and so on.
    assert await read(layer, channel, 5) == [RESYNC, *({"type": "job.updated", "number": number} for number in range(21, 25))]


async def test_a_channel_that_nobody_reads_any_more_leaves_its_groups():
    layer = HomeLoopLayer(capacity=2, expiry=0)
    await joined(layer)
    for _ in range(3):
        await layer.group_send("team.1", {"type": "job.updated"})
    assert layer._groups == {}


def test_post_without_a_server_is_silent(layer):
    layer.post("team.1", {"type": "job.updated"})
    assert layer.is_home is False


async def test_a_closed_loop_is_not_a_home(layer):
    old = asyncio.new_event_loop()
    layer.settle(old)
    assert layer.is_home
    old.close()
    assert not layer.is_home
    layer.post("team.1", {"type": "job.updated"})
    channel = await joined(layer)
    await layer.group_send("team.1", {"type": "job.updated"})
    assert await read(layer, channel, 1) == [{"type": "job.updated"}]


@pytest.mark.parametrize("group", ["team 1", "", "team:1", "x" * 101])
def test_names_that_channels_does_not_take_are_refused(layer, group):
    with pytest.raises(TypeError):
        layer.post(group, {"type": "job.updated"})
