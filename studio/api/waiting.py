"""Waiting for jobs without a thread. However many wait in a server's loop, one `Watcher` looks for all of them: it hears of their teams by
the channel layer, reads the rows that something was said of, and once a second those of all, for a message may be lost."""

from __future__ import annotations

import asyncio
import contextvars
import time
import weakref
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.db import Error

from studio.generation.models import Job
from studio.live.events import team_group
from studio.live.threads import in_database_thread

log = structlog.get_logger(__name__)

GONE = "gone"
"""Instead of a status: the row is not there (any more)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as it was seen last: where it stands and, while it runs, how far it is."""

    job_id: UUID
    status: str
    attempt: int = 0
    step: int = 0
    total: int = 0

    @property
    def is_over(self) -> bool:
        return self.status not in Job.OPEN


Heard = Callable[[Seen], None]


async def until_over(job_ids: Iterable[UUID], seconds: float) -> bool:
    """Come back when all of the jobs are over, True, or after so many seconds, False."""
    left = set(job_ids)
    if not left:
        return True
    over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def hear(seen: Seen) -> None:
        if seen.is_over:
            left.discard(seen.job_id)
        if not left and not over.done():
            over.set_result(True)

    with watcher().heard(left, hear), suppress(TimeoutError):
        return await asyncio.wait_for(over, seconds)
    return False


async def changes(job_id: UUID, *, every: float) -> AsyncGenerator[Seen | None, None]:
    """The job as it is, then each time that something changed, the newest when several did; None when nothing has for `every` seconds.

    Ends when the job is over.
    """
    news: list[Seen] = []
    rung = asyncio.Event()

    def hear(seen: Seen) -> None:
        news[:] = [seen]
        rung.set()

    told: Seen | None = None
    with watcher().heard([job_id], hear):
        while told is None or not told.is_over:
            try:
                await asyncio.wait_for(rung.wait(), every)
            except TimeoutError:
                yield None
                continue
            rung.clear()
            if news[0] != told:
                told = news[0]
                yield told


class Watcher:
    """What the requests of one loop wait for. Its task begins with the first and ends with the last of them."""

    SWEEP_SECONDS = 1.0
    """At most so long after a message that was lost it is seen that a job is over."""
    GATHER_SECONDS = 0.02
    """So long messages are gathered before their rows are read."""

    def __init__(self) -> None:
        self.listeners: dict[UUID, list[Heard]] = defaultdict(list)
        self.seen: dict[UUID, Seen] = {}
        self.teams: dict[UUID, int] = {}
        self.joined: set[int] = set()
        self.asked: set[UUID] = set()
        self.rung = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @contextmanager
    def heard(self, job_ids: Iterable[UUID], heard: Heard) -> Any:
        """While this is open, `heard` is called on the loop with what is seen of each of the jobs, at first as it is now."""
        ids = list(job_ids)
        for job_id in ids:
            self.listeners[job_id].append(heard)
        self._ask(ids)
        self._start()
        try:
            yield
        finally:
            for job_id in ids:
                self.listeners[job_id].remove(heard)
                if not self.listeners[job_id]:
                    for known in (self.listeners, self.seen, self.teams):
                        known.pop(job_id, None)  # type: ignore[attr-defined]
            if not self.listeners:
                self.rung.set()

    def _start(self) -> None:
        if self.task is None:
            # In no request's context: its database thread is the one of the loop, and stays when that request is over.
            self.task = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def _ask(self, job_ids: Iterable[UUID]) -> None:
        self.asked.update(job_ids)
        self.rung.set()

    async def _run(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel("waiting") if layer else ""
        listening = asyncio.get_running_loop().create_task(self._listen(layer, channel)) if layer else None
        try:
            await self._watch(layer, channel)
        finally:
            if listening:
                listening.cancel()
                with suppress(Exception):
                    for team_id in self.joined:
                        await layer.group_discard(team_group(team_id), channel)
            self.joined.clear()
            self.task = None
            if self.listeners:  # somebody came while the last one's groups were left
                self._start()

    async def _watch(self, layer: Any, channel: str) -> None:
        swept_at = -self.SWEEP_SECONDS
        while self.listeners:
            now = time.monotonic()
            asked, self.asked = self.asked & self.listeners.keys(), set()
            self.rung.clear()
            if now - swept_at >= self.SWEEP_SECONDS:
                asked, swept_at = set(self.listeners), now
            if asked:
                await self._look(asked)
            if layer:
                await self._join(layer, channel)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.rung.wait(), max(0, swept_at + self.SWEEP_SECONDS - time.monotonic()))
                await asyncio.sleep(self.GATHER_SECONDS)

    async def _look(self, job_ids: set[UUID]) -> None:
        try:
            rows = await in_database_thread(_read, job_ids)
        except Error as error:  # a database that is away for a moment: whoever waits goes on waiting
            log.warning("waiting_not_read", reason=type(error).__name__)
            return
        for job_id in job_ids:
            row = rows.get(job_id)
            if row is None:
                self._tell(Seen(job_id, GONE))
            elif job_id in self.listeners:
                self.teams[job_id] = row[0]
                self._tell(Seen(job_id, *row[1:]))

    def _tell(self, seen: Seen) -> None:
        """Tell whoever listens, unless a message was ahead of the row."""
        before = self.seen.get(seen.job_id)
        if before and before.status == seen.status and (seen.attempt, seen.step) < (before.attempt, before.step):
            seen = before
        if seen.job_id in self.listeners:
            self.seen[seen.job_id] = seen
        for heard in list(self.listeners.get(seen.job_id, ())):
            heard(seen)

    async def _join(self, layer: Any, channel: str) -> None:
        """Listen to the teams of what is waited for, and to no others. What happened in a new one meanwhile is looked at once more."""
        wanted = set(self.teams.values())
        try:
            for team_id in wanted - self.joined:
                await layer.group_add(team_group(team_id), channel)
                self.joined.add(team_id)
                self._ask([job_id for job_id, its_team in self.teams.items() if its_team == team_id])
            for team_id in self.joined - wanted:
                await layer.group_discard(team_group(team_id), channel)
                self.joined.discard(team_id)
        except Exception as error:  # noqa: BLE001 - whatever Redis has, the sweep goes on
            log.warning("waiting_not_joined", reason=type(error).__name__)

    async def _listen(self, layer: Any, channel: str) -> None:
        while True:
            try:
                self._take(await layer.receive(channel))
            except Exception as error:  # noqa: BLE001 - whatever Redis has, the sweep goes on
                log.warning("waiting_not_heard", reason=type(error).__name__)
                await asyncio.sleep(self.SWEEP_SECONDS)

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "live.resync":
            self._ask(self.listeners)
        if "job" not in message:
            return
        job_id = UUID(message["job"])
        if job_id not in self.listeners:
            return
        if message["type"] == "job.progress":
            self._tell(Seen(job_id, Job.Status.RUNNING, message["attempt"], message["step"], message["total"]))
        else:
            self._ask([job_id])


def _read(job_ids: set[UUID]) -> dict[UUID, tuple[int, str, int, int, int]]:
    rows = Job.objects.filter(pk__in=job_ids).values_list("pk", "team_id", "status", "attempt", "step", "total_steps")
    return {row[0]: row[1:] for row in rows}


_watchers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Watcher] = weakref.WeakKeyDictionary()


def watcher() -> Watcher:
    """The one of the running loop."""
    return _watchers.setdefault(asyncio.get_running_loop(), Watcher())
