"""Hand a message to the pages of a group: never waits, never raises, may lose.

In the web process the channel layer is at hand; a worker of the embedded mode goes through the relay; with Redis one long-lived loop
publishes (a new loop for each message would open a connection for each).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings

from studio.live import relay
from studio.live.layer import RESYNC, HomeLoopLayer
from studio.outages import Outage


def publish(group: str, message: dict[str, Any], *, slot: str = "") -> None:
    """Send `message` (JSON types; `type` names the consumer's handler) to a group. Of those with the same `slot` only the newest counts."""
    if settings.EMBEDDED:
        layer = get_channel_layer()
        if isinstance(layer, HomeLoopLayer) and layer.is_home:
            layer.post(group, message)
        else:
            relay.client().send(group, message, slot=slot)
    else:
        loop_publisher().send(group, message, slot=slot)


class LoopPublisher:
    """One thread with one event loop that sends through the configured channel layer, in order.

    While Redis is away nothing is kept but the names of the groups that missed something. When it is back they are told to look again.
    """

    CAPACITY = 1000
    PATIENCE = 3.0
    """Seconds that one message may take."""
    PAUSE = 1.0
    """Seconds after a message that could not be sent, before anything is tried again."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._waiting: dict[object, tuple[str, dict[str, Any]]] = {}
        self._missed: dict[str, None] = {}
        self._lock = threading.Lock()
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage("redis (sending live messages)")
        threading.Thread(target=self._loop.run_forever, name="live-publisher", daemon=True).start()

    def send(self, group: str, message: dict[str, Any], *, slot: str = "") -> None:
        with self._lock:
            key: object = slot or object()
            self._waiting.pop(key, None)
            if len(self._waiting) >= self.CAPACITY:
                lost = next((key for key in self._waiting if isinstance(key, str)), next(iter(self._waiting)))
                self._missed[self._waiting.pop(lost)[0]] = None
            self._waiting[key] = (group, message)
        self._loop.call_soon_threadsafe(self._wake)

    def flush(self, timeout: float) -> None:
        """Wait until everything went out, `timeout` seconds at most."""
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._send_waiting(), self._loop).result(timeout)

    def _wake(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._send_until_quiet())

    async def _send_until_quiet(self) -> None:
        while not await self._send_waiting():
            await asyncio.sleep(self.PAUSE)

    async def _send_waiting(self) -> bool:
        """Send what waits, and after a break first that something was missed. False when a message could not be sent."""
        layer = get_channel_layer()
        while taken := self._next():
            group, message = taken
            try:
                async with asyncio.timeout(self.PATIENCE):
                    await layer.group_send(group, message)
            except Exception as error:  # noqa: BLE001 - whatever Redis has, a job must not hear of it
                self._outage.failed(error)
                self._give_up(group)
                return False
            self._outage.answered()
        return True

    def _next(self) -> tuple[str, dict[str, Any]] | None:
        with self._lock:
            if self._missed:
                return self._missed.popitem()[0], RESYNC
            return self._waiting.pop(next(iter(self._waiting))) if self._waiting else None

    def _give_up(self, group: str) -> None:
        """Nothing that waits is worth more than the word that something was missed."""
        with self._lock:
            self._missed |= dict.fromkeys((group, *(waiting for waiting, _ in self._waiting.values())))
            self._waiting.clear()


_publisher: LoopPublisher | None = None
_publisher_lock = threading.Lock()


def loop_publisher() -> LoopPublisher:
    """The one publisher of this process."""
    global _publisher
    with _publisher_lock:
        if _publisher is None:
            _publisher = LoopPublisher()
        return _publisher


def goodbye(timeout: float = 0.5) -> None:
    """Send what waits before the process ends, in `timeout` seconds at most."""
    relay.goodbye(timeout)
    if _publisher is not None:
        _publisher.flush(timeout)


atexit.register(goodbye)
