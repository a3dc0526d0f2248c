"""The web process: daphne with a cap on bodies, the relay from the workers on its loop, and an end that answers what is in flight."""

# daphne installs Twisted's asyncio reactor when it is imported, so it comes before anything of Twisted.
from daphne.server import Server, twisted_loop  # isort: skip
import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any
from urllib.parse import unquote

import structlog
from channels.layers import get_channel_layer
from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet import reactor

from studio.live import body_limit
from studio.live.layer import HomeLoopLayer
from studio.live.relay import RelayServer, relay_path
from studio.processes.child import leave_output_if_orphaned, say_ready

log = structlog.get_logger(__name__)

REQUEST_SECONDS = 300
"""A request that takes longer is ended: longest is a large download over a slow line."""

STOP_SECONDS = 6.0
"""How long requests in flight may take after the process was told to stop."""

SERVICE_RESTART = 1012
"""Websocket close code (RFC 6455 registry): the browser's htmx comes back by itself."""

LARGEST_MESSAGE = 1024 * 1024
"""Bytes of one websocket message, either way: autobahn holds what we send to the same limit, and a snapshot of 20 jobs has some 100 KB."""

_NONE_OF_ITS_OWN = "tcp:port=0"
"""Daphne ends at once without an endpoint, and its own kind for a descriptor knows no IPv6: it gets this one, which is taken away again."""


class CappedRequest(WebRequest):  # type: ignore[misc]
    """Daphne reads a whole body, to memory or disk, before it calls the application: the limit of `body_limit` has to stand here too."""

    received = 0
    too_large = False
    allowed: body_limit.Limit

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Twisted would take forms apart on the event loop, for seconds and for nobody: Django reads the raw body, in a thread.
        super().__init__(*args, **kwargs, parsePOSTFormSubmission=False)

    def gotLength(self, length: int | None) -> None:
        # Twisted tells the address to a request only when its body is there; the channel has read it with the first line.
        self.allowed = body_limit.limit(_path(self.channel._path))
        self.too_large = length is not None and length > self.allowed.bytes
        super().gotLength(0 if self.too_large else length)

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        if self.received > self.allowed.bytes:
            self.too_large = True
            if self.received > body_limit.DRAINED * self.allowed.bytes:
                self.channel.forceAbortClient()
        else:
            super().handleContentChunk(data)

    def process(self) -> Any:
        if not self.too_large:
            return super().process()
        headers = [(name, value) for name, values in self.requestHeaders.getAllRawHeaders() for value in values]
        refused = self.allowed.refusal(headers)
        self.setResponseCode(refused.status)
        for name, value in (*refused.headers, *body_limit.framing(refused)):
            self.setHeader(name, value)
        self.write(refused.body)
        self.finish()
        return None


def _path(target: bytes) -> str:
    """The address of a request as the application will see it."""
    return unquote(target.partition(b"?")[0].decode("latin-1"))


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """Autobahn lets a server close with 1000 and private codes only; htmx comes back after 1011 and 1012, and not after 1000."""

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=code or 1000)


class Site:
    """One web process on some listening sockets."""

    def __init__(self, application: Any, sockets: Sequence[socket.socket]) -> None:
        self.sockets = sockets
        self.ports: list[Any] = []
        self.relay: RelayServer | None = None
        self.stopping = False
        self.server = Server(
            application,
            endpoints=[_NONE_OF_ITS_OWN],
            signal_handlers=False,
            http_timeout=REQUEST_SECONDS,
            # Twisted's way to say "no limit"; the browser's tab decides how long it stays.
            websocket_timeout=-1,
            websocket_max_message_size=LARGEST_MESSAGE,
            websocket_max_frame_size=LARGEST_MESSAGE,
            ready_callable=self._ready,
            server_name="",
            verbosity=0,
        )
        self.server.endpoints = []

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)
        self.server.run()

    def _ready(self) -> None:
        factory = self.server.http_factory
        build = factory.buildProtocol

        def capped(address: Any) -> Any:
            protocol = build(address)
            protocol.requestFactory = CappedRequest
            return protocol

        factory.buildProtocol = capped
        self.server.ws_factory.protocol = Socket
        for one in self.sockets:
            self.ports.append(reactor.adoptStreamPort(one.fileno(), one.family, factory))  # type: ignore[attr-defined]
        layer = get_channel_layer()
        if isinstance(layer, HomeLoopLayer):
            layer.settle(twisted_loop)
            self.relay = RelayServer(relay_path(), layer.post)
            twisted_loop.create_task(self._start_relay(self.relay))
        say_ready()

    async def _start_relay(self, relay: RelayServer) -> None:
        try:
            await relay.start()
        except OSError as error:
            log.error("relay_unavailable", reason=str(error))  # pages poll instead

    # --- the end -----------------------------------------------------------------------------------------------------

    def _heard(self, number: int, frame: FrameType | None) -> None:
        leave_output_if_orphaned()
        if self.stopping:
            reactor.callFromThread(reactor.stop)  # type: ignore[attr-defined,misc]
        else:
            self.stopping = True
            twisted_loop.call_soon_threadsafe(lambda: twisted_loop.create_task(self._stop()))

    async def _stop(self) -> None:
        """Accept nothing new, tell open pages to come back, answer what is in flight, then end."""
        try:
            for port in self.ports:
                port.stopListening()
            for connection in tuple(self.server.connections):
                if isinstance(connection, Socket) and connection.state == Socket.STATE_OPEN:
                    connection.serverClose(code=SERVICE_RESTART)
            if self.relay:
                await self.relay.stop()
            deadline = twisted_loop.time() + STOP_SECONDS
            while self._in_flight() and twisted_loop.time() < deadline:
                await asyncio.sleep(0.02)
        finally:
            reactor.stop()  # type: ignore[attr-defined,misc]

    def _in_flight(self) -> int:
        return sum(
            1
            for protocol, details in self.server.connections.items()
            if isinstance(protocol, WebRequest) and "application_instance" in details and not details["application_instance"].done()
        )


def serve(sockets: Sequence[socket.socket]) -> None:
    """Run the studio's site on some listening sockets until a signal ends it."""
    from studio.asgi import application

    # Views compute in threads while the loop forwards progress: it should not wait 5 ms (Python's own choice) for each of its turns.
    sys.setswitchinterval(0.001)
    log.info("web_started", embedded=settings.EMBEDDED)
    Site(application, sockets).run()
