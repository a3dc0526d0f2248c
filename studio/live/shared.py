"""Reads that many sockets want at the same moment, done once."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from studio.live.threads import in_database_thread

T = TypeVar("T")


class SharedReads:
    """At most one read per key at a time. Who asks during one shares the next, as the running one may have looked too early."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, asyncio.Task[Any]] = {}
        self._last: dict[Hashable, asyncio.Task[Any]] = {}

    async def read(self, key: Hashable, work: Callable[..., T], *args: Any) -> T:
        """Return what `work(*args)` read in a thread with a database, no earlier than now. Raises what it raises."""
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._run(key, self._last.get(key), work, args))
            self._last[key] = task
        result: T = await asyncio.shield(task)
        return result

    async def _run(self, key: Hashable, before: asyncio.Task[Any] | None, work: Callable[..., T], args: tuple[Any, ...]) -> T:
        task = asyncio.current_task()
        if before is not None:
            await asyncio.wait([before])

        def begin() -> T:
            self._waiting.pop(key, None)  # in the thread, at the last moment: who comes now needs a later look
            return work(*args)

        try:
            return await in_database_thread(begin)
        finally:
            if self._waiting.get(key) is task:
                del self._waiting[key]
            if self._last.get(key) is task:
                del self._last[key]


_of_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, SharedReads] = weakref.WeakKeyDictionary()


def shared_reads() -> SharedReads:
    """The one of the running loop."""
    return _of_loop.setdefault(asyncio.get_running_loop(), SharedReads())
