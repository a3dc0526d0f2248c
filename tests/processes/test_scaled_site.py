"""How a web process of the scaled mode leaves: whoever is connected to it loses no request, and comes back to another one."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from studio.processes import scaled_site
from studio.processes.listen import open_sockets
from studio.processes.scaled_site import LastAnswers, LeavingServer

PATIENCE = 60
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Site:
    """A server with an application that answers when it is let, and its clients."""

    def __init__(self) -> None:
        [self.socket] = open_sockets("127.0.0.2", 0)
        self.port = self.socket.getsockname()[1]
        self.go = asyncio.Event()
        self.go.set()
        self.asked = asyncio.Event()
        self.answers = LastAnswers(self.app)
        config = uvicorn.Config(self.answers, ws="websockets-sansio", lifespan="off", log_config=None)
        self.server = LeavingServer(config, self.answers)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.set()
        if scope["type"] == "websocket":
            assert (await receive())["type"] == "websocket.connect"
            await self.go.wait()
            await send({"type": "websocket.accept"})
            assert (await receive())["type"] == "websocket.disconnect"
            return
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.01)

    async def start(self) -> None:
        self.task = asyncio.create_task(self.server._serve([self.socket]))
        await self.until(lambda: self.server.started)

    async def leave(self, number: int = signal.SIGTERM) -> None:
        """Told to leave, and at it."""
        self.server.handle_exit(number, None)
        await self.until(lambda: self.answers.leaving)

    async def over(self) -> None:
        await asyncio.wait_for(self.task, PATIENCE)

    async def line(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that the server has accepted."""
        known = len(self.server.server_state.connections)
        made = await asyncio.open_connection("127.0.0.2", self.port)
        await self.until(lambda: len(self.server.server_state.connections) > known)
        return made


async def ask(line: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
    """One request and the head of its answer; empty when the connection was closed instead."""
    reader, writer = line
    writer.write(ASK)
    async with asyncio.timeout(PATIENCE):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        assert await reader.readexactly(2) == b"ok"
    return head


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.start()
    yield site
    site.go.set()
    site.server.handle_exit(signal.SIGINT, None)
    site.server.force_exit = True
    await site.over()


async def test_connections_that_were_idle_get_one_more_answer(site):
    """Both the one that was used before, and the one that has not said anything yet."""
    used, fresh = await site.line(), await site.line()
    assert b"connection: close" not in await ask(used)
    await site.leave()
    for line in (used, fresh):
        assert b"connection: close" in await ask(line)
        assert await line[0].read() == b""
    await site.over()


async def test_idle_connections_are_waited_for_and_then_ended(site, monkeypatch):
    monkeypatch.setattr(scaled_site, "IDLE_SECONDS", 0.1)
    reader, _ = await site.line()
    await site.leave()
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    await site.over()


async def test_when_everything_stops_idle_connections_are_ended_at_once_and_requests_are_answered(site, monkeypatch):
    monkeypatch.setattr(scaled_site, "IDLE_SECONDS", 10 * PATIENCE)
    idle, busy = await site.line(), await site.line()
    site.go.clear()
    answer = asyncio.create_task(ask(busy))
    await site.asked.wait()
    await site.leave(signal.SIGINT)
    assert await asyncio.wait_for(idle[0].read(), PATIENCE) == b""
    site.go.set()
    assert b"200 OK" in await answer
    await site.over()


async def test_a_request_in_flight_is_answered_however_long_idle_connections_are_waited_for(site, monkeypatch):
    monkeypatch.setattr(scaled_site, "IDLE_SECONDS", 0.0)
    line = await site.line()
    site.go.clear()
    answer = asyncio.create_task(ask(line))
    await site.asked.wait()
    await site.leave()
    await site.until(lambda: not site.server.servers[0].is_serving())
    site.go.set()
    assert b"connection: close" in await answer
    await site.over()


async def test_what_takes_too_long_is_cut_off(site, monkeypatch):
    monkeypatch.setattr(scaled_site, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(scaled_site, "FINISH_SECONDS", 0.1)
    line = await site.line()
    site.go.clear()
    line[1].write(ASK)
    await site.asked.wait()
    await site.leave()
    await site.over()
    assert (await asyncio.wait_for(line[0].read(), PATIENCE)).startswith(b"HTTP/1.1 500 ")


async def test_open_pages_are_told_to_come_back(site):
    async with connect(f"ws://127.0.0.2:{site.port}/") as page:
        await site.leave()
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(page.recv(), PATIENCE)
    assert closed.value.rcvd.code == 1012
    await site.over()


async def test_a_page_that_was_just_coming_is_told_so_too(site):
    site.go.clear()
    coming = asyncio.create_task(connect(f"ws://127.0.0.2:{site.port}/").__aenter__())
    await site.asked.wait()
    await site.leave()
    site.go.set()
    page = await asyncio.wait_for(coming, PATIENCE)
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(page.recv(), PATIENCE)
    assert closed.value.rcvd.code == 1012
    await site.over()
