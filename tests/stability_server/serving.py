"""Runs an ASGI application on a port of the loopback, in a thread: real HTTP for the clients, no process to look after."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

ASGI = Callable[..., Awaitable[None]]
GRACE = 1
"""Seconds that a request may take to end when the server stops: one that is delayed on purpose is cut off."""


class Connection(H11Protocol):
    """Gives the application a hand on the connection, so that it can hang up: `scope["transport"]`, and `scope["closed"]` when it is."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.closed = asyncio.Event()
        app = self.app

        async def within_reach(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            await app(scope | {"transport": transport, "closed": self.closed}, receive, send)

        self.app = within_reach

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.closed.set()


def listening(port: int) -> socket.socket:
    """The protocol is named, since asyncio sets TCP_NODELAY only then: without it each answer waits 40 ms for a delayed ACK."""
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
        one.listen(256)
    except OSError:
        one.close()
        raise
    return one


class Server:
    """One server on 127.0.0.1. Clients may connect as soon as it is made: the socket listens, and the thread answers when it runs."""

    def __init__(self, app: ASGI, port: int = 0) -> None:
        self._socket = listening(port)
        self.port: int = self._socket.getsockname()[1]
        options = {"lifespan": "off", "log_config": None, "log_level": "critical", "access_log": False, "server_header": False}
        config = uvicorn.Config(app, http=Connection, ws="none", loop="asyncio", timeout_graceful_shutdown=GRACE, **options)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="stability-standin", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def wait(self) -> None:
        """Until somebody stops it."""
        self._thread.join()
