"""The channel layer of several processes: groups over Redis, which hands on what is published and keeps nothing.

Each process has one line to Redis, and subscribes to each group once, however many of its pages are in it; within the process the
in-memory layer hands out. So a slow page is bounded as there (`RESYNC`), and nothing is lost in silence: while the line is down, and when
it is back, every page is told to look again. Nothing here raises because Redis is away, but for `group_send`, whose caller keeps count.

Not `channels_redis`: its core layer drops what is over the capacity of a process, its pub/sub layer has no capacity, and after a break it
goes on as if nothing had been said meanwhile (its `on_disconnect` is called by nobody, django/channels_redis#406).
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import random
import weakref
from contextlib import suppress
from typing import Any

from channels.layers import BaseChannelLayer
from redis import asyncio as redis
from redis.exceptions import RedisError

from studio.live.layer import RESYNC, HomeLoopLayer, Message
from studio.outages import Outage

SECONDS = 2.0
"""That Redis may take to connect, or to answer."""
PULSE = 5.0
"""Seconds of silence after which the line is asked whether it is alive; so long again, and it counts as dead."""
PAUSES = (0.25, 5.0)
"""Seconds before the first and, doubled each time, before the last kinds of try to connect. After each that failed, pages look again."""
BROKEN = (RedisError, OSError, TimeoutError)


class RedisLayer(BaseChannelLayer):  # type: ignore[misc]
    """Groups of all processes, channels of this one. `prefix` keeps studios on one server apart: its databases share what is said."""

    extensions = ["groups", "flush"]

    def __init__(self, url: str, prefix: str = "atelier", expiry: float = 60, capacity: int = 1000, **config: Any) -> None:
        super().__init__(expiry=expiry, capacity=capacity, **config)
        self._url, self._prefix = url, prefix
        self._pages = HomeLoopLayer(expiry=expiry, capacity=capacity)
        self._ear: Ear | None = None
        self._mouths: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, redis.Redis] = weakref.WeakKeyDictionary()

    async def new_channel(self, prefix: str = "specific") -> str:
        return await self._pages.new_channel(prefix)

    async def receive(self, channel: str) -> Message:
        return await self._pages.receive(channel)

    async def send(self, channel: str, message: Message) -> None:
        """To a channel of this process; others are reached by their groups."""
        await self._pages.send(channel, message)

    async def group_add(self, group: str, channel: str) -> None:
        """From when this comes back on, the channel hears everything, or that it has missed something."""
        await self._pages.group_add(group, channel)
        await self._listening().hear(group)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._pages.group_discard(group, channel)
        if self._ear and not self._pages.has_members(group):
            await self._ear.ignore(group)

    async def group_send(self, group: str, message: Message) -> None:
        """Raises what redis-py raises, and OSError."""
        self.require_valid_group_name(group)
        await self._speaking().publish(f"{self._prefix}.{group}", json.dumps(message))

    async def ping(self) -> None:
        """Ask Redis whether it is there. Raises as `group_send` does."""
        async with redis.from_url(self._url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) as line:
            await line.ping()

    async def flush(self) -> None:
        """Leave everything, also the lines to Redis."""
        await self._pages.flush()
        await self.close()

    async def close(self) -> None:
        ear, self._ear = self._ear, None
        if ear:
            await ear.stop()
        if mouth := self._mouths.pop(asyncio.get_running_loop(), None):
            await mouth.aclose()

    def _listening(self) -> Ear:
        """The ear of the loop that has the pages, which is the running one."""
        if self._ear is None or self._ear.loop is not asyncio.get_running_loop():
            self._ear = Ear(self._url, self._prefix, self._pages)
        return self._ear

    def _speaking(self) -> redis.Redis:
        loop = asyncio.get_running_loop()
        if loop not in self._mouths:
            self._mouths[loop] = redis.from_url(self._url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
        return self._mouths[loop]


class Ear:
    """The line by which a process hears, and the task that holds it. It lives in one loop, and connects as often as it has to."""

    def __init__(self, url: str, prefix: str, pages: HomeLoopLayer) -> None:
        self.loop = asyncio.get_running_loop()
        self._url, self._prefix, self._pages = url, f"{prefix}.", pages
        self._groups: dict[str, asyncio.Event] = {}
        """Each with whether Redis has said that it is subscribed to."""
        self._late: set[str] = set()
        self._line: redis.client.PubSub | None = None
        self._is_lost = False
        self._outage = Outage("redis (live messages)")
        # In no request's context, or its database thread would be that of whoever comes first.
        self._task = self.loop.create_task(self._run(), context=contextvars.Context())

    async def hear(self, group: str) -> None:
        """Come back when Redis has it; without that when the line is down, or slow: then its pages are told to look again later."""
        subscribed = self._groups.get(group)
        if subscribed is None:
            subscribed = self._groups[group] = asyncio.Event()
            if self._line:
                with suppress(*BROKEN):  # whoever reads from the line finds out
                    await self._line.subscribe(self._prefix + group)
        if self._is_lost:
            return
        try:
            async with asyncio.timeout(SECONDS):
                await subscribed.wait()
        except TimeoutError:
            self._late.add(group)

    async def ignore(self, group: str) -> None:
        if self._groups.pop(group, None) and self._line:
            with suppress(*BROKEN):
                await self._line.unsubscribe(self._prefix + group)

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001 - without this task no page of the process hears anything: not of a message that is none
                tries = 1 if not self._is_lost else tries + 1
                self._is_lost = True
                self._outage.failed(error)
            for subscribed in self._groups.values():
                subscribed.clear()
            await self._tell_all()
            pause = min(PAUSES[1], PAUSES[0] * 2 ** min(tries, 10))
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads, hides nothing

    async def _listen(self) -> None:
        """Raises one of `BROKEN` when the line breaks; ends no other way."""
        client = redis.from_url(self._url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
        async with client, client.pubsub() as line:
            try:
                # Before anybody else may use it: of two who find it without a connection each makes one, and only one of them is read.
                await line.connect()
                self._line = line
                # The last of them is nobody's: when Redis has that, it has all.
                await line.subscribe(*(self._prefix + group for group in self._groups), self._prefix)
                is_asked = False
                while True:
                    message = await line.get_message(timeout=PULSE)
                    if message is not None:
                        is_asked = False
                        await self._take(message["type"], message["channel"], message["data"])
                    elif is_asked:
                        raise TimeoutError
                    else:
                        is_asked = True
                        await line.ping()
            finally:
                self._line = None

    async def _take(self, kind: str, channel: bytes | None, data: Any) -> None:
        if kind not in ("message", "subscribe"):
            return
        group = (channel or b"").decode().removeprefix(self._prefix)
        if kind == "message":
            await self._pages.group_send(group, json.loads(data))
        elif not group:
            self._outage.answered()
            if self._is_lost:
                self._is_lost = False
                await self._tell_all()
        elif group in self._groups:
            self._groups[group].set()
            if group in self._late:
                self._late.discard(group)
                await self._pages.group_send(group, RESYNC)

    async def _tell_all(self) -> None:
        """Every page looks again: something may have been said that it did not hear."""
        for group in tuple(self._groups):
            await self._pages.group_send(group, RESYNC)
