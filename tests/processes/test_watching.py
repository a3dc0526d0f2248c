"""Which workers count as hung: by what is seen of their heartbeats, on a clock of the test's, and by the rows of this machine."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from studio.generation.models import Worker
from studio.generation.worker.presence import host
from studio.generation.worker.watching import LOOKS, Watch, heartbeats

HUNG = 120.0
STEP = HUNG / LOOKS


class Story:
    """Heartbeats of pids, a database that may be away, and a clock; `pass_by` looks as often as the thread would."""

    def __init__(self) -> None:
        self.beats: dict[int, int] = {1: 0, 2: 0}
        self.seconds, self.is_away = 1000.0, False
        self.watch = Watch(read=self.read, now=lambda: self.seconds)

    def read(self) -> dict[int, int]:
        if self.is_away:
            raise OperationalError
        return dict(self.beats)

    def pass_by(self, seconds: float, *beating: int) -> None:
        for _ in range(int(seconds / STEP)):
            self.seconds += STEP
            for pid in beating:
                self.beats[pid] += 1
            self.watch.look()


@pytest.fixture
def story(settings: Any) -> Story:
    settings.WORKER_HUNG_SECONDS = HUNG
    story = Story()
    story.watch.look()
    return story


def test_who_beats_no_more_is_silent_and_who_beats_is_not(story: Story) -> None:
    story.pass_by(HUNG - STEP, 1)
    assert story.watch.silence(2) < HUNG
    story.pass_by(STEP, 1)
    assert (story.watch.silence(1), story.watch.silence(2), story.watch.silence(3)) == (0, HUNG, 0)
    story.pass_by(STEP, 1, 2)
    assert story.watch.silence(2) == 0


def test_nobody_is_silent_while_the_database_is_away_nor_as_soon_as_it_is_back(story: Story) -> None:
    story.pass_by(HUNG - STEP)
    story.is_away = True
    story.pass_by(10 * HUNG)
    assert (story.watch.silence(1), story.watch.silence(2)) == (0, 0)
    story.is_away = False
    story.pass_by(HUNG)
    assert story.watch.silence(1) < HUNG  # they had to find the database again themselves
    story.pass_by(STEP, 2)
    assert (story.watch.silence(1) >= HUNG, story.watch.silence(2)) == (True, 0)


def test_after_a_time_without_looks_all_begin_anew(story: Story) -> None:
    """A machine that slept: its workers did as well."""
    story.pass_by(HUNG - STEP)
    story.seconds += 3600
    story.watch.look()
    assert (story.watch.silence(1), story.watch.silence(2)) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_heartbeats_are_those_of_this_machine() -> None:
    now = timezone.now()
    for pid, where in ((11, host()), (12, host()), (13, "elsewhere")):
        Worker.objects.create(name=f"w-{pid}", pid=pid, host=where, heartbeat_at=now)
    found: list[dict[int, Any]] = []

    def look() -> None:
        found.append(heartbeats())

    def looked() -> dict[int, Any]:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        return found.pop()

    first = looked()
    Worker.objects.filter(pid=12).update(heartbeat_at=now + timedelta(seconds=10))
    second = looked()
    assert (sorted(first), sorted(second)) == ([11, 12], [11, 12])
    assert (first[11] == second[11], first[12] == second[12]) == (True, False)
