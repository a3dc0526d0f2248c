"""A strike counts when it met something, each kind does what it says, and the next one comes when the work has got that far."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.chaos import killers
from tests.chaos.asks import Journal
from tests.chaos.killers import Killer, Strike
from tests.clock import set_clock


class FakeStudio:
    """One process that is whatever it is asked for, once it was looked for often enough."""

    def __init__(self, process: psutil.Process) -> None:
        self.process, self.absent = process, 0
        self.asked: list[tuple[str, ...]] = []

    def part(self, *words: str) -> list[psutil.Process]:
        self.asked.append(words)
        return [self.process] if len(self.asked) > self.absent else []

    def works_for(self, queue: str) -> bool:
        self.asked.append((queue,))
        return len(self.asked) > self.absent

    def kill_everything(self) -> None:
        self.asked.append(("everything",))

    def cut(self, chance: random.Random, most: int) -> int:
        return 0


@pytest.fixture
def process() -> Iterator[psutil.Process]:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield psutil.Process(child.pid)
    child.kill()
    child.wait()


@pytest.fixture
def killer(process: psutil.Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    journal = Journal(tmp_path / "journal.jsonl")
    monkeypatch.setattr(killers, "AGAIN_SECONDS", 0)
    redis: Any = None
    one: Any = Killer(FakeStudio(process), redis, lambda: None, seed=1, lease=0.1, journal=journal)
    one.studio = one._studio
    one.said = lambda: (tmp_path / "journal.jsonl").read_text()
    yield one
    journal.close()


def strike(killer: Killer, *kinds: str, progress: Callable[[], float] = lambda: 1.0) -> None:
    killer.run([Strike(0.5, kind) for kind in kinds], progress, lambda: False)


def test_it_kills_without_a_warning(killer: Any, process: psutil.Process) -> None:
    strike(killer, "web process killed")
    assert process.wait(30) == -signal.SIGKILL
    assert killer.studio.asked == [("web",)]
    assert killer.done == {"web process killed": 1}
    assert f'"whom": "web ({process.pid})"' in killer.said()


def test_it_looks_again_for_one_that_is_just_being_started(killer: Any, process: psutil.Process) -> None:
    killer.studio.absent = 3
    strike(killer, "beat killed")
    assert killer.studio.asked == [("beat",)] * 4
    assert process.wait(30) == -signal.SIGKILL


def test_the_local_runner_is_killed_in_the_middle_of_a_picture(killer: Any, process: psutil.Process) -> None:
    killer.studio.absent = 2
    strike(killer, "local runner killed")
    assert killer.studio.asked == [("diffusers",)] * 3 + [("worker", "diffusers")]
    assert process.wait(30) == -signal.SIGKILL


def test_a_strike_that_met_nobody_does_not_count(killer: Any) -> None:
    killer.studio.absent = 10_000
    strike(killer, "worker killed", "database connections cut")
    assert killer.done == {}
    assert killer.said() == ""


def test_a_frozen_worker_goes_on_after_its_lease(killer: Any, process: psutil.Process, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, str]] = []
    sleep = time.sleep

    def look(seconds: float) -> None:
        while process.status() != psutil.STATUS_STOPPED:
            sleep(0.01)
        seen.append((seconds, process.status()))

    set_clock(monkeypatch, killers, sleep=look)
    strike(killer, "worker frozen for longer than its lease")
    [(seconds, status)] = seen
    assert (round(seconds, 3), status) == (0.15, psutil.STATUS_STOPPED)
    while process.status() == psutil.STATUS_STOPPED:
        sleep(0.01)
    assert killer.done == {"worker frozen for longer than its lease": 1}


def test_a_strike_waits_until_the_work_has_got_so_far(killer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter([0.1, 0.2, 0.4, 0.6])
    waited: list[float] = []
    set_clock(monkeypatch, killers, sleep=waited.append)
    strike(killer, "supervisor killed, and started again", progress=lambda: next(steps))
    assert killer.done == {"supervisor killed, and started again": 1}
    assert len(waited) == 3


def test_work_that_stalls_is_struck_all_the_same(killer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(killers, "STALLED_SECONDS", 0)
    strike(killer, "supervisor killed, and started again", progress=lambda: 0.0)
    assert killer.done == {"supervisor killed, and started again": 1}
