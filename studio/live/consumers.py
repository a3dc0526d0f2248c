"""The websocket of an open page: a snapshot first, then fragments as things change. What a browser sends is not read."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
import uuid
from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qsl

import structlog
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer

from studio.live import fragments, viewers
from studio.live.events import MANY, team_group, user_group
from studio.live.fragments import CREATE, Drawn, Snapshot
from studio.live.shared import SharedReads, shared_reads
from studio.live.threads import in_database_thread
from studio.live.viewers import Viewer

log = structlog.get_logger(__name__)

Event = dict[str, Any]
Place = tuple[float, float]
"""How far a job is known to be: attempt and step. Ended: `OVER`; never heard of: `BEFORE`."""

BEFORE: Place = (-1, -1)
OVER: Place = (math.inf, math.inf)
BEAT = "{}"
"""Says nothing, as htmx finds no content in it, but that the page is listened for; the first of them, that it is so from now on."""

TRY_AGAIN = 1011
"""Websocket close code (RFC 6455, internal error) after which htmx comes back, and finds a snapshot."""


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One page. The handlers only note what changed; one task per socket reads, draws and sends, so that a burst is one drawing.

    Progress is sent on as it comes, without a thread or a query, unless the job is being drawn at the moment: then it waits for that, or an
    older card would overwrite a newer step.
    """

    CHECK_SECONDS = 1.0
    """A page that gets fragments is asked at most so often whether it still may."""

    IDLE_CHECK_SECONDS = 30.0
    """A page on which nothing happens, or only progress, is asked so often."""

    BEAT_SECONDS = 20.0
    """So often something is said at least: a page that hears nothing for much longer takes its line for cut (`static/js/live.js`)."""

    LINE_SECONDS = 1.0
    """Waiting jobs move up when others start; so long after, they are drawn again."""

    HEADER_SECONDS = 0.03
    """Balance and number of jobs change several times around a job: the card comes first, they once after it."""

    MOVED_SECONDS = 0.03
    """A job that was taken is drawn so much later: one that is quick has ended by then, and its end is drawn at once."""

    FEED_SECONDS = 0.15
    """A new job is in the feed of the page that sent it, by its answer; so soon it is in the feed of the others."""

    PICTURES_SECONDS = 0.1
    """What a team does to its pictures is told so late, together with what comes until then."""

    BATCH_SECONDS = 0.5
    """A batch is drawn at most so often, however many of its jobs end."""

    REMEMBERED = 500
    """Jobs per page whose place is remembered, to tell a late message from a new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.viewer: Viewer | None = None
        self.joined: list[str] = []
        self.places: OrderedDict[uuid.UUID, Place] = OrderedDict()
        self.news: dict[uuid.UUID, Event] = {}
        self.in_feed: set[uuid.UUID] = set()
        self.coming: set[uuid.UUID] = set()
        self.in_line: set[uuid.UUID] = set()
        self.changed: set[uuid.UUID] = set()
        self.moved: set[uuid.UUID] = set()
        self.drawing: set[uuid.UUID] = set()
        self.pictures: set[str] = set()
        self.batches: set[uuid.UUID] = set()
        self.all_pictures = False
        self.everything_changed = False
        self.due: set[str] = set()
        self.checked_at = -math.inf
        self.refresher: asyncio.Task[None] | None = None
        self.watch: asyncio.Task[None] | None = None
        self.heart: asyncio.Task[None] | None = None
        self.timers: dict[str, asyncio.TimerHandle] = {}

    # --- the line ----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        query = dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))
        found = await in_database_thread(viewers.admit, self.scope["user"], self.scope["session"], query)
        await self.accept()  # only an accepted socket can be closed with a code that the browser gets to see
        if isinstance(found, int):
            await self.close(found)
            return
        self.joined = [*(team_group(team) for team in sorted(found.teams)), user_group(found.user_id)]
        for group in self.joined:
            await self.channel_layer.group_add(group, self.channel_name)
        self.viewer = found
        self.checked_at = time.monotonic()
        self.everything_changed = True
        self.heart = asyncio.create_task(self._beat())
        self._refresh()
        self.watch = asyncio.create_task(self._watch())

    async def disconnect(self, code: int) -> None:
        for pending in (self.refresher, self.watch, self.heart, *self.timers.values()):
            if pending:
                pending.cancel()
        self.viewer = None
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A page has nothing to say here."""

    # --- events ------------------------------------------------------------------------------------------------------

    async def dispatch(self, message: Event) -> None:
        """As in Channels, but for its visit to the database's thread before each handler: progress would wait there behind all drawing."""
        await getattr(self, get_handler_name(message))(message)

    async def job_updated(self, event: Event) -> None:
        job_id = uuid.UUID(event["job"])
        if event.get("batch"):
            await self.batch_updated(event)
            if self.viewer is None or self.viewer.job_id != job_id:
                return
        self._soon("header", self.HEADER_SECONDS)
        if event.get("ended"):
            self.changed.add(job_id)
            self._refresh()
        else:
            self.moved.add(job_id)
            self._soon("moved", self.MOVED_SECONDS)

    async def batch_updated(self, event: Event) -> None:
        self._soon("header", self.BATCH_SECONDS)
        batch_id = uuid.UUID(event["batch"])
        if self.viewer and (self.viewer.view == CREATE or self.viewer.batch_id == batch_id):
            self.batches.add(batch_id)
            self._soon("batches", self.BATCH_SECONDS)

    async def wallet_changed(self, event: Event) -> None:
        self._soon("header", self.HEADER_SECONDS)

    async def pictures_changed(self, event: Event) -> None:
        """Walls read their tiles anew; Create shows jobs, and hears of those."""
        if self.viewer is None or self.viewer.view == CREATE:
            return
        self.pictures.update(event["ids"])
        self.all_pictures |= not event["ids"] or len(self.pictures) > MANY
        self._soon("pictures", self.PICTURES_SECONDS)

    async def notices_changed(self, event: Event) -> None:
        """The bell in the header is drawn anew."""
        self._soon("bell", self.HEADER_SECONDS)

    async def talk_changed(self, event: Event) -> None:
        if self.viewer and str(self.viewer.picture_id) == event["artifact"]:
            self._soon("talk", self.HEADER_SECONDS)

    async def live_resync(self, event: Event) -> None:
        """Messages were lost: this page was too slow for them, or the line behind the server broke."""
        self.everything_changed = True
        self._refresh()

    async def access_changed(self, event: Event) -> None:
        self.checked_at = -math.inf
        self._refresh()

    async def job_progress(self, event: Event) -> None:
        if self.viewer is None or self.viewer.view != CREATE:
            return
        job_id = uuid.UUID(event["job"])
        if _place(event) < self.places.get(job_id, BEFORE):
            return
        self.news[job_id] = event
        if not (self.everything_changed or job_id in self.changed or job_id in self.drawing):
            await self._tell(job_id, event)  # also the same step once more: an answer to the page may have come in between

    async def _send_news(self, job_id: uuid.UUID) -> None:
        """Send the newest step of a job, unless the page shows it or a later one."""
        event = self.news.get(job_id)
        if event and _place(event) > self.places.get(job_id, BEFORE):
            await self._tell(job_id, event)

    async def _tell(self, job_id: uuid.UUID, event: Event) -> None:
        self._remember(job_id, _place(event))
        await self.send(text_data=event["html"])

    def _remember(self, job_id: uuid.UUID, place: Place) -> None:
        self.places[job_id] = place
        self.places.move_to_end(job_id)
        while len(self.places) > self.REMEMBERED:
            self.news.pop(self.places.popitem(last=False)[0], None)

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Start the task that draws, unless it is at work: then it looks once more before it ends."""
        if self.viewer and (self.refresher is None or self.refresher.done()):
            self.refresher = asyncio.create_task(self._draw_until_quiet(self.viewer))

    async def _draw_until_quiet(self, viewer: Viewer) -> None:
        try:
            reads = shared_reads()
            while await self._still_welcome(viewer, self.CHECK_SECONDS):
                if self.everything_changed:
                    await self._draw_everything(reads, viewer)
                elif self.changed:
                    await self._draw_jobs(reads, viewer)
                elif self.due:
                    await self._draw_due(reads, viewer)
                else:
                    return
                drawn, self.drawing = self.drawing, set()
                for job_id in drawn - self.changed:  # a row is behind the messages; what was drawn from it must not stay so
                    await self._send_news(job_id)
        except Exception as error:  # the page must not go stale in silence: it comes back and takes a snapshot
            log.exception("live_page_failed", reason=type(error).__name__)
            self.viewer = None
            await self.close(TRY_AGAIN)

    async def _draw_everything(self, reads: SharedReads, viewer: Viewer) -> None:
        self.everything_changed = False
        self.due &= {"pictures"}  # which ones, is more than a snapshot says
        self.batches = {viewer.batch_id} if viewer.batch_id else set()
        if self.batches:
            self.due.add("batches")
        self.drawing |= self.changed | self.moved
        self.changed.clear()
        self.moved.clear()
        args = (viewer.team_id, viewer.view, viewer.job_id)
        drawn = await reads.read(("snapshot", *args), fragments.snapshot, *args)
        self._know_feed(drawn, viewer)
        bell = await reads.read(("bell", viewer.user_id), fragments.bell, viewer.user_id)
        talk = await self._draw_talk(reads, viewer)
        await self.send(text_data=drawn.html + bell + talk)

    async def _draw_jobs(self, reads: SharedReads, viewer: Viewer) -> None:
        wanted, self.changed = self.changed, set()
        self.moved -= wanted
        if viewer.view != CREATE:
            return
        self.drawing |= wanted
        asked = [(job_id, job_id in self.in_feed or job_id == viewer.job_id) for job_id in wanted]
        jobs = [await reads.read(("job", *which), fragments.draw_job, *which) for which in asked]
        for job in jobs:
            self._know(job)
        if new := {job.job_id for job in jobs if job.team_id == viewer.team_id and job.batch_id is None} - self.in_feed:
            self.coming |= new
            self._soon("feed", self.FEED_SECONDS)
        if self.in_line and any(job.status != "queued" for job in jobs):
            self._soon("line", self.LINE_SECONDS)
        if html := "".join(piece for job in jobs for piece in (job.card, job.stage)):
            await self.send(text_data=html)

    async def _draw_due(self, reads: SharedReads, viewer: Viewer) -> None:
        due, self.due = self.due, set()
        pieces: list[str] = []
        if "header" in due:
            pieces.append(await reads.read(("header", viewer.team_id), fragments.header, viewer.team_id))
        if "pictures" in due:
            pieces.append(fragments.pictures([] if self.all_pictures else sorted(self.pictures)))
            self.pictures, self.all_pictures = set(), False
        if "bell" in due:
            pieces.append(await reads.read(("bell", viewer.user_id), fragments.bell, viewer.user_id))
        if "talk" in due:
            pieces.append(await self._draw_talk(reads, viewer))
        if "feed" in due:
            pieces += await self._draw_coming(reads)
        if "batches" in due:
            pieces += await self._draw_batches(reads, viewer)
        if "line" in due:
            self.changed |= self.in_line
        if "moved" in due:
            self.changed |= self.moved
            self.moved.clear()
        if pieces:
            await self.send(text_data="".join(pieces))

    async def _draw_talk(self, reads: SharedReads, viewer: Viewer) -> str:
        if viewer.picture_id is None:
            return ""
        return await reads.read(("talk", viewer.picture_id), fragments.talk_pulse, viewer.picture_id)

    async def _draw_batches(self, reads: SharedReads, viewer: Viewer) -> list[str]:
        """Cards of batches, oldest first: one that the feed has not got yet is put on top."""
        wanted, self.batches = sorted(self.batches), set()
        drawn = [await reads.read(("batch", batch_id), fragments.draw_batch, batch_id) for batch_id in wanted]
        pieces = []
        for batch_id, batch in zip(wanted, drawn, strict=True):
            is_new = viewer.view == CREATE and batch.team_id == viewer.team_id and batch_id not in self.in_feed
            # A page may have got the card from the answer to its press: then it leaves out the new one, and this is all it will hear.
            pieces.append(f"{batch.new}{batch.html}" if is_new else batch.html)
            self.in_feed |= {batch_id} if is_new else set()
        return pieces

    async def _draw_coming(self, reads: SharedReads) -> list[str]:
        """The cards of jobs that the feed has not got yet, oldest first: each is put on top."""
        coming, self.coming = sorted(self.coming), set()
        self.drawing |= set(coming)
        jobs = [await reads.read(("new", job_id), fragments.new_job, job_id) for job_id in coming]
        for job in jobs:
            self.in_feed.add(job.job_id)
            self._know(job)
        return [job.card for job in jobs]

    def _know_feed(self, drawn: Snapshot, viewer: Viewer) -> None:
        """Take in a feed that is about to be sent."""
        self.coming.clear()
        self.in_feed = {job.job_id for job in drawn.jobs.values() if job.team_id == viewer.team_id} | drawn.batches
        self.in_line.clear()
        self.drawing |= drawn.jobs.keys()
        for job in drawn.jobs.values():
            self._know(job)

    def _know(self, job: Drawn) -> None:
        """Take in where a job is by the row that is about to be sent."""
        self.in_line.discard(job.job_id)
        if not job.is_open:
            self._remember(job.job_id, OVER)
            self.news.pop(job.job_id, None)
        elif job.status == "queued":
            self.places.pop(job.job_id, None)  # a job that was given back may run again with the same attempt number
            self.news.pop(job.job_id, None)
            self.in_line.add(job.job_id)
        else:
            self._remember(job.job_id, (job.attempt, job.step))

    def _soon(self, what: str, seconds: float) -> None:
        """Draw `what` (header, bell, talk, feed, batches, pictures, moved, line) a little later: once, however often it was asked for."""

        def come() -> None:
            del self.timers[what]
            self.due.add(what)
            self._refresh()

        if what not in self.timers:
            self.timers[what] = asyncio.get_running_loop().call_later(seconds, come)

    # --- may it still ------------------------------------------------------------------------------------------------

    async def _still_welcome(self, viewer: Viewer, max_age: float) -> bool:
        """Close the socket of somebody who was signed out or left the team; False when that happened."""
        if time.monotonic() - self.checked_at < max_age:
            return True
        code = await shared_reads().read(("welcome", viewer), viewers.why_to_close, viewer)
        self.checked_at = time.monotonic()
        if code is not None:
            self.viewer = None  # nothing more goes out, whatever still comes in
            await self.close(code)
        return code is None

    async def _watch(self) -> None:
        while self.viewer:
            await asyncio.sleep(self.IDLE_CHECK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads, hides nothing
            if not await self._still_welcome(self.viewer, self.IDLE_CHECK_SECONDS / 2):
                return

    async def _beat(self) -> None:
        """The first beat goes out before the snapshot: drawing that may take a while."""
        with contextlib.suppress(OSError):  # the line is gone, of which `disconnect` is about to hear
            while self.viewer:
                await self.send(text_data=BEAT)
                await asyncio.sleep(self.BEAT_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads, hides nothing


def _place(event: Event) -> Place:
    return event["attempt"], event["step"]
