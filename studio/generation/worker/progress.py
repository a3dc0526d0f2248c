"""Tells the pages how far a run is, off the thread that makes the pictures, so that the run hardly notices."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, replace

import structlog
from django.db import DatabaseError, connection
from django.template.loader import render_to_string

from studio.backends.base import Progress
from studio.generation import cards, previews, services
from studio.generation.models import Job
from studio.generation.worker import database
from studio.generation.worker.running import Halt, RunningJobs
from studio.live import events
from studio.live.fragments import out_of_band

log = structlog.get_logger(__name__)

SEND_SECONDS = 0.2
"""At most five messages a second and job."""

RECORD_SECONDS = 1.0
"""At most one write to the row a second and job: for a page that is loaded in the middle, and for cards that poll."""

KEEP_SECONDS = 30.0
"""How long the last preview outlives its run: a page that has its address, but not yet the finished picture, still asks for it."""


@dataclass(slots=True)
class _Line:
    """What is known and what was told about one job."""

    job: Job
    news: Progress | None = None
    preview_step: int | None = None
    send_at: float = 0.0
    record_at: float = 0.0


class ProgressPublisher:
    """One thread for a worker. `report` leaves the newest state in a slot and returns within microseconds."""

    def __init__(self, running: RunningJobs) -> None:
        self._running = running
        self._lines: dict[uuid.UUID, _Line] = {}
        self._spent: deque[tuple[float, uuid.UUID]] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(5)

    def report(self, job: Job, progress: Progress) -> None:
        """From the thread that makes the pictures. The newest wins; a preview waits for the next message that goes out."""
        with self._changed:
            line = self._lines.setdefault(job.pk, _Line(job))
            if progress.preview is None and line.news is not None and line.news.preview is not None:
                progress = replace(progress, preview=line.news.preview)
            line.news = progress
            self._changed.notify()

    def forget(self, job: Job) -> None:
        """The run is over: nothing more goes out about it."""
        with self._changed:
            line = self._lines.pop(job.pk, None)
            if line and line.preview_step is not None:
                self._spent.append((time.monotonic() + KEEP_SECONDS, job.pk))
                self._changed.notify()

    def _clear(self, now: float) -> None:
        """Drop previews of runs that are over."""
        while self._spent and self._spent[0][0] <= now:
            job_id = self._spent.popleft()[1]
            try:
                previews.forget(job_id)
            except Exception as error:  # noqa: BLE001 - it ends by itself a little later; the thread has others to tell of
                log.warning("preview_not_dropped", job=str(job_id), reason=type(error).__name__)

    def _run(self) -> None:
        _warm_up()
        while True:
            with self._changed:
                if self._ended:
                    break
                now = time.monotonic()
                due = [line for line in self._lines.values() if line.news and line.send_at <= now]
                if not due:
                    self._clear(now)
                    waiting = [line.send_at for line in self._lines.values() if line.news] + [at for at, _ in list(self._spent)[:1]]
                    self._changed.wait(min(waiting) - now if waiting else None)
                    continue
                taken = [(line, line.news) for line in due if line.news]
                for line in due:
                    line.news = None
                    line.send_at = now + SEND_SECONDS
            for line, news in taken:
                self._tell(line, news)
            database.tidy()
        self._clear(float("inf"))
        database.hang_up()

    def _tell(self, line: _Line, news: Progress) -> None:
        try:
            if news.preview is not None:
                previews.put(line.job.pk, news.step, news.preview)
                line.preview_step = news.step
            if not line.job.batch_id:  # a batch counts its jobs
                html = render(line.job, news, line.preview_step)
                events.job_progress(line.job.team_id, line.job.pk, line.job.attempt, news.step, news.total, html)
            if time.monotonic() >= line.record_at:
                line.record_at = time.monotonic() + RECORD_SECONDS
                if not services.record_progress(line.job, news.step, news.total):
                    self._running.halt(line.job, Halt.LOST)
        except DatabaseError:
            connection.close()
        except Exception as error:  # noqa: BLE001 - a page that misses a step must not cost a picture
            log.warning("progress_not_told", job=str(line.job.pk), reason=type(error).__name__)


def _warm_up() -> None:
    """Load what the first message needs: templates, and all addresses for that of its preview. Half a second of steps went untold."""
    try:
        render(Job(), Progress(step=1, total=2), preview_step=1)
    except Exception as error:  # noqa: BLE001 - whatever it is, jobs are made all the same
        log.warning("progress_not_warmed_up", reason=type(error).__name__)


def render(job: Job, progress: Progress, preview_step: int | None) -> str:
    """The fragments of one step, ready for every page that shows the job: on its card, and on the stage."""
    context = {
        "job": job,
        "step": progress.step,
        "total": progress.total,
        "percent": cards.percent(progress.step, progress.total),
        "eta": cards.eta(job, progress.step, progress.total),
        "preview_url": cards.preview_url(job, preview_step),
    }
    names = ("generation/_job_progress.html", "generation/_stage_progress.html")
    return "".join(out_of_band(render_to_string(name, context)) for name in names)
