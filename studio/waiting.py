"""Requests that take turns, and an answer that is not there yet, for which no thread waits."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import connections
from django.http import HttpResponse
from django.http.response import HttpResponseBase


class Turns:
    """Lets at most `number` at once do something in threads; the others wait for their turn on the loop, where waiting costs nothing."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._here: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()

    def turn(self) -> asyncio.Semaphore:
        """To be entered (`async with`): a turn on the loop that runs."""
        return self._here.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self.number))


ANSWERS = Turns(16)
"""An answer that was waited for may be a picture of megapixels, put together in memory; 300 may be due in the same moment."""


class Waiting(HttpResponse):
    """What a view returns when it has begun something: `over` is awaited on the server's loop, then `answer` is called in a thread.

    What middleware put into this response's headers goes out with that answer. A client that hangs up cancels the wait and nothing else.
    """

    def __init__(self, over: Callable[[], Awaitable[None]], answer: Callable[[], HttpResponseBase]) -> None:
        super().__init__(status=202)
        del self.headers["Content-Type"]
        self.over = over
        self.answer = answer

    async def finish(self) -> HttpResponseBase:
        """The answer, once it is there. Called outside every thread (`studio.asgi`)."""
        await leave_thread()
        await self.over()
        async with ANSWERS.turn():
            return await sync_to_async(self.finish_now, thread_sensitive=True)()

    def finish_now(self) -> HttpResponseBase:
        """The answer, in this thread."""
        response = self.answer()
        for name, value in self.items():
            if name != "Content-Length":  # that is of this response, which is empty
                response.headers.setdefault(name, value)
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
        response.cookies.update(self.cookies)
        # Such as the files that came with the request.
        ours: list[Callable[[], None]] = self._resource_closers  # type: ignore[attr-defined]
        response._resource_closers += ours  # type: ignore[attr-defined]
        ours.clear()
        return response


async def leave_thread() -> None:
    """Give back the thread that this request has been answered in, and its connections; the next piece of work gets a new one.

    A request keeps one until it is over (`asgiref.sync.ThreadSensitiveContext`): 300 that wait would keep 300.
    """
    await sync_to_async(connections.close_all, thread_sensitive=True)()
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = SyncToAsync.context_to_thread_executor.pop(context, None) if context else None
    if executor:
        executor.shutdown(wait=False)
