"""The web process of the scaled mode: uvicorn on sockets that several processes accept from, and an end at which no request fails."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import structlog
import uvicorn
from django.urls import get_resolver
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from studio.processes.child import is_orphaned, leave_output_if_orphaned, say_ready

log = structlog.get_logger(__name__)

LARGEST_MESSAGE = 65536
"""Bytes of one websocket message from a browser, which has nothing to say there."""

KEEP_ALIVE_SECONDS = 75
"""An idle connection is ended after so long: later than proxies do it (nginx after 60 s), as whoever closes first loses no request."""

IDLE_SECONDS = 6.0
"""So long a process that leaves still answers on connections that were idle. A request may be on its way there, and a POST that finds
the connection closed is the client's failure. Clients that end idle connections themselves, most after 5 s, have done so by then."""

FINISH_SECONDS = 300
"""How long requests in flight may take once the process was told to leave: a program may wait for its picture
(STUDIO_API_ANSWER_SECONDS). Whoever is in a hurry, such as an orchestrator, kills it sooner."""

HURRIED_SECONDS = 30
"""The same when everything stops, and no other process takes over."""

LOOK_SECONDS = 0.02
"""A websocket whose handshake was under way is told to come back so soon after it."""


class LastAnswers:
    """ASGI middleware: once the process is `leaving`, each answer ends its connection, and the client's next request goes to another."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.leaving = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def last(message: dict[str, Any]) -> None:
            if self.leaving and message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        await self.app(scope, receive, last if scope["type"] == "http" else send)


class LeavingServer(uvicorn.Server):
    """Uvicorn, but for its end: it closes idle connections at once, and with them those whose request is still on its way (its issue 2757).

    SIGTERM: another process takes over; stay until nobody can lose a request. SIGINT: everything stops; finish what is in flight.
    """

    def __init__(self, config: uvicorn.Config, answers: LastAnswers) -> None:
        super().__init__(config)
        self.answers = answers
        self.hurried = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        say_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Uvicorn would raise the signal again once it has ended in good order: its exit status would look like an accident."""
        orphaned = is_orphaned()
        leave_output_if_orphaned()
        self.force_exit = self.should_exit and self.hurried and sig == signal.SIGINT
        self.hurried = self.hurried or sig == signal.SIGINT or orphaned
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.answers.leaving = True
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        closing_at = loop.time() + IDLE_SECONDS
        while self.server_state.connections and loop.time() < closing_at and not self.hurried:
            self._send_pages_away()
            await asyncio.sleep(LOOK_SECONDS)
        self._send_pages_away()
        self.config.timeout_graceful_shutdown = HURRIED_SECONDS if self.hurried else FINISH_SECONDS
        await super().shutdown(sockets)

    def _send_pages_away(self) -> None:
        """Websockets are closed with 1012, service restart, after which htmx comes back by itself and finds a snapshot."""
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, WebSocketsSansIOProtocol) and connection.handshake_complete and not connection.transport.is_closing():
                connection.shutdown()


def serve(sockets: Sequence[socket.socket]) -> None:
    """Run the studio's site on some listening sockets until a signal ends it."""
    from studio.asgi import application

    # What cannot be imported must show before the supervisor hears that this process is ready, and the first visitor need not wait for it.
    _ = get_resolver().url_patterns
    # Views compute in threads while the loop forwards progress: it should not wait 5 ms (Python's own choice) for each of its turns.
    sys.setswitchinterval(0.001)
    log.info("web_started", embedded=False)
    answers = LastAnswers(application)
    config = uvicorn.Config(
        answers,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        lifespan="off",
        proxy_headers=False,  # Django reads them, and from as many proxies as it is told to trust (STUDIO_TRUSTED_PROXIES)
        server_header=False,
        access_log=False,
        log_config=None,
    )
    LeavingServer(config, answers).run(list(sockets))
