"""From a worker to the web process: bursts, a web process that comes late or goes away, a full queue, a stale socket file."""

import asyncio
import contextlib
import json
import socket
import stat
import threading

import pytest

from studio.live.relay import MAX_LINE, RelayClient, RelayServer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "live.sock"


@pytest.fixture
def client(path):
    made = RelayClient(lambda: path)
    yield made
    made.close()


class Heard:
    """What a relay server delivered, and a way to wait for so much of it."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict]] = []
        self.changed = asyncio.Event()

    def __call__(self, group, message) -> None:
        self.messages.append((group, message))
        self.changed.set()

    async def at_least(self, count: int) -> list[tuple[str, dict]]:
        async with asyncio.timeout(20):
            while len(self.messages) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.messages


@pytest.fixture
async def heard(path):
    heard = Heard()
    server = RelayServer(path, heard)
    await server.start()
    yield heard
    await server.stop()


async def test_a_burst_of_1000_arrives_whole_and_in_order(heard, client):
    for number in range(1000):
        client.send("team.1", {"type": "job.updated", "number": number})
    messages = await heard.at_least(1000)
    assert messages == [("team.1", {"type": "job.updated", "number": number}) for number in range(1000)]


async def test_several_workers_at_once(heard, path):
    clients = [RelayClient(lambda: path) for _ in range(4)]

    def send(number: int) -> None:
        for step in range(200):
            clients[number].send(f"team.{number}", {"type": "job.updated", "step": step})

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    messages = await heard.at_least(800)
    for number in range(4):
        assert [message["step"] for group, message in messages if group == f"team.{number}"] == list(range(200))
    for client in clients:
        client.close()


async def test_what_was_said_before_the_web_process_came_is_delivered_when_it_comes(path, client):
    client.send("team.1", {"type": "job.updated", "job": "early"})
    heard = Heard()
    server = RelayServer(path, heard)
    await server.start()
    assert await heard.at_least(1) == [("team.1", {"type": "job.updated", "job": "early"})]
    await server.stop()


async def test_a_web_process_that_is_restarted_in_the_stream_gets_the_rest(path, client):
    first, second = Heard(), Heard()
    server = RelayServer(path, first)
    await server.start()
    client.send("team.1", {"type": "job.updated", "number": 0})
    await first.at_least(1)
    await server.stop()
    for number in range(1, 50):
        client.send("team.1", {"type": "job.updated", "number": number})
    server = RelayServer(path, second)
    await server.start()
    client.send("team.1", {"type": "job.updated", "number": 50})
    while (await second.at_least(1))[-1][1]["number"] != 50:
        second.changed.clear()
        async with asyncio.timeout(20):
            await second.changed.wait()
    numbers = [message["number"] for _, message in second.messages]
    assert numbers == list(range(51 - len(numbers), 51))  # in order, without a hole up to the newest
    await server.stop()


async def test_of_one_slot_only_the_newest_waits(path, client):
    for step in range(100):
        client.send("team.1", {"type": "job.progress", "step": step}, slot="progress.a")
    client.send("team.1", {"type": "job.updated"})
    heard = Heard()
    server = RelayServer(path, heard)
    await server.start()
    messages = [message for _, message in await heard.at_least(2)]
    assert messages[-2:] == [{"type": "job.progress", "step": 99}, {"type": "job.updated"}]
    assert len(messages) <= 3  # the very first may have been on its way already
    await server.stop()


async def test_a_full_queue_drops_progress_first_and_then_the_oldest(path):
    client = RelayClient(lambda: path, capacity=4)
    with client._changed:  # hold the thread back, so that everything waits
        client.send("team.1", {"type": "job.progress", "job": "a"}, slot="a")
        for number in range(5):
            client.send("team.1", {"type": "job.updated", "number": number})
        waiting = [json.loads(line)["message"] for line, _ in client._lines.values()]
    assert waiting == [{"type": "job.updated", "number": number} for number in range(1, 5)]
    client.close(0)


def test_sending_without_a_web_process_neither_blocks_nor_fails_nor_grows(path):
    client = RelayClient(lambda: path, capacity=50)
    for number in range(500):
        client.send("team.1", {"type": "job.updated", "number": number})
    assert client.flush(0) is False
    with client._changed:
        assert len(client._lines) <= 50
    client.close(0)
    client.send("team.1", {"type": "job.updated"})  # after the end: nothing happens
    assert client._lines == {} or len(client._lines) <= 50


async def test_a_socket_file_that_a_killed_predecessor_left_is_replaced(path, client):
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(path))
    left.close()
    heard = Heard()
    server = RelayServer(path, heard)
    await server.start()
    client.send("team.1", {"type": "job.updated"})
    await heard.at_least(1)
    await server.stop()
    assert not path.exists()


async def test_only_the_owner_may_talk_to_it(heard, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("line", [b"not json\n", b"[]\n", b'{"group": "team.1"}\n', b"x" * (MAX_LINE + 10) + b"\n"])
async def test_nonsense_ends_the_connection_and_nothing_else(heard, path, client, line):
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionResetError):  # closed with our bytes unread
            assert await reader.read() == b""
    writer.close()
    client.send("team.1", {"type": "job.updated"})
    assert await heard.at_least(1) == [("team.1", {"type": "job.updated"})]


async def test_a_socket_that_somebody_tidied_away_comes_back(path, monkeypatch):
    monkeypatch.setattr(RelayServer, "CHECK_SECONDS", 0.01)
    heard = Heard()
    server = RelayServer(path, heard)
    await server.start()
    path.unlink()
    async with asyncio.timeout(20):
        while not path.exists():
            await asyncio.sleep(0)
    client = RelayClient(lambda: path)
    client.send("team.1", {"type": "job.updated"})
    await heard.at_least(1)
    client.close()
    await server.stop()
