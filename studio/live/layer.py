"""The channel layer of the embedded mode: in memory, and right from any thread.

The stock in-memory layer puts a message into an asyncio queue of the server's loop without waking that loop: from another thread, an
idle site hears it up to a second late and loses most of a burst, in silence. Here every change is carried to the loop that reads, its home.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from channels.layers import BaseChannelLayer

P = ParamSpec("P")
T = TypeVar("T")
Message = dict[str, Any]

RESYNC: Message = {"type": "live.resync"}
"""What a reader finds instead of the messages that it was too slow for: "look at everything again"."""


class HomeLoopLayer(BaseChannelLayer):  # type: ignore[misc]
    """Groups and channels of one web process. At most `capacity` messages wait per channel; more become one `RESYNC`.

    A channel that has not been read for `expiry` seconds and is full belongs to nobody any more, and leaves its groups.
    """

    extensions = ["groups", "flush"]

    def __init__(self, expiry: float = 60, capacity: int = 1000, **config: Any) -> None:
        super().__init__(expiry=expiry, capacity=capacity, **config)
        self.home: asyncio.AbstractEventLoop | None = None
        self._queues: dict[str, asyncio.Queue[Message]] = {}
        self._read_at: dict[str, float] = {}
        self._groups: dict[str, dict[str, None]] = {}

    # --- from any thread ---------------------------------------------------------------------------------------------

    @property
    def is_home(self) -> bool:
        """Whether a server of this process reads from the layer."""
        return self.home is not None and not self.home.is_closed()

    def settle(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop that reads, before its first reader comes."""
        self.home = loop

    def post(self, group: str, message: Message) -> None:
        """Hand a message to a group and go on: neither waits nor raises when nobody listens. Messages of one thread keep their order."""
        self.require_valid_group_name(group)
        home = self.home
        if home is None or home.is_closed():
            return
        home.call_soon_threadsafe(self._fan_out, group, message)

    async def _carry(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work` in the home loop, wherever the caller runs."""
        home = self.home
        if home is None or home.is_closed() or home is asyncio.get_running_loop():
            return work(*args, **kwargs)

        async def at_home() -> T:
            return work(*args, **kwargs)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(at_home(), home))

    # --- what Channels calls -----------------------------------------------------------------------------------------

    async def new_channel(self, prefix: str = "specific") -> str:
        self.home = asyncio.get_running_loop()
        return f"{prefix.rstrip('.')}.home!{secrets.token_hex(8)}"

    async def send(self, channel: str, message: Message) -> None:
        self.require_valid_channel_name(channel)
        await self._carry(self._put, channel, message)

    async def receive(self, channel: str) -> Message:
        self.require_valid_channel_name(channel)
        self.home = asyncio.get_running_loop()
        queue = self._queue(channel)
        self._read_at[channel] = time.monotonic()
        try:
            return await queue.get()
        except asyncio.CancelledError:  # the reader is gone: nothing of a channel outside every group is kept
            if not self._has_group(channel):
                self._forget(channel)
            raise

    async def group_add(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self._carry(self._add, group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        await self._carry(self._discard, group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        self.require_valid_group_name(group)
        await self._carry(self._fan_out, group, message)

    async def flush(self) -> None:
        await self._carry(self._forget_all)

    def has_members(self, group: str) -> bool:
        """Asked in the home loop."""
        return group in self._groups

    async def close(self) -> None:
        """Nothing is open."""

    # --- in the home loop only ---------------------------------------------------------------------------------------

    def _queue(self, channel: str) -> asyncio.Queue[Message]:
        if channel not in self._queues:
            self._queues[channel] = asyncio.Queue()
            self._read_at[channel] = time.monotonic()
        return self._queues[channel]

    def _put(self, channel: str, message: Message) -> None:
        queue = self._queue(channel)
        if queue.qsize() >= self.get_capacity(channel):
            while not queue.empty():
                queue.get_nowait()
            if time.monotonic() - self._read_at[channel] > self.expiry:
                self._drop(channel)
                return
            message = RESYNC
        queue.put_nowait(dict(message))

    def _fan_out(self, group: str, message: Message) -> None:
        for channel in tuple(self._groups.get(group, ())):
            self._put(channel, message)

    def _add(self, group: str, channel: str) -> None:
        self._groups.setdefault(group, {})[channel] = None
        self._queue(channel)

    def _discard(self, group: str, channel: str) -> None:
        members = self._groups.get(group, {})
        members.pop(channel, None)
        if not members:
            self._groups.pop(group, None)
        if not self._has_group(channel):
            self._forget(channel)

    def _has_group(self, channel: str) -> bool:
        return any(channel in members for members in self._groups.values())

    def _forget(self, channel: str) -> None:
        self._queues.pop(channel, None)
        self._read_at.pop(channel, None)

    def _drop(self, channel: str) -> None:
        for group in [group for group, members in self._groups.items() if channel in members]:
            self._discard(group, channel)

    def _forget_all(self) -> None:
        self._queues.clear()
        self._read_at.clear()
        self._groups.clear()
