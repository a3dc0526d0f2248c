"""What is killed, when, and how often: planned from a seed, by how far the run has got."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import psutil

from tests.chaos.asks import Journal
from tests.chaos.own_redis import OwnRedis

LOCAL_RUNNER = "local runner killed"
KINDS = {
    "worker killed": 8,
    "worker frozen for longer than its lease": 4,
    "web process killed": 6,
    "Redis killed, and started empty": 4,
    "database connections cut": 8,
    "webhooks' receiver down": 3,
    "beat killed": 2,
    "supervisor killed, and started again": 1,
    LOCAL_RUNNER: 2,
}
"""How often in a run of 500 jobs; each at least once in a smaller one."""

STALLED_SECONDS = 25.0
"""Where nothing gets on, the next strike comes after so long all the same."""
TRIES, AGAIN_SECONDS = 40, 0.5
"""How often and after which time one is looked for again that is just being started."""
REDIS_AWAY = (0.5, 4.0)
CUT_MOST = 6
EARLIEST, LATEST = 0.04, 0.94


class Studio(Protocol):
    """What there is to kill."""

    def part(self, *words: str) -> list[psutil.Process]:
        """The processes whose command line holds all these words, e.g. `part("worker", "null")`."""

    def works_for(self, queue: str) -> bool:
        """Whether a job of this queue is running."""

    def kill_everything(self) -> None:
        """The supervisor, of which the rest ends; and start it again."""

    def cut(self, chance: random.Random, most: int) -> int:
        """End some connections to the database. Returns how many."""


class Strike(NamedTuple):
    at: float
    kind: str


def plan(chance: random.Random, *, jobs: int, kinds: Mapping[str, int]) -> list[Strike]:
    """Each kind as often as it is due in a run of so many jobs, at moments between the beginning and the end of the work."""
    counts = {kind: max(1, round(times * jobs / 500)) for kind, times in kinds.items()}
    return sorted(Strike(chance.uniform(EARLIEST, LATEST), kind) for kind, times in counts.items() for _ in range(times))


class Killer:
    """Strikes one after another, when `progress()` (0 to 1) has got to the next one or the work has stalled.

    `done` counts what was struck. A strike that met nobody (what it is for was just being started) is tried again for a while.
    """

    def __init__(
        self,
        studio: Studio,
        redis: OwnRedis,
        go_down: Callable[[], None],
        *,
        seed: int,
        lease: float,
        journal: Journal,
    ) -> None:
        self._studio, self._redis, self._lease, self._journal = studio, redis, lease, journal
        self._chance = random.Random(seed)
        self._frozen: list[threading.Thread] = []
        self.done = Counter[str]()
        self._ways: dict[str, Callable[[], str]] = {
            "worker killed": lambda: self._kill("worker", *self._one_of("null", "stability")),
            "worker frozen for longer than its lease": self._freeze,
            "web process killed": lambda: self._kill("web"),
            "beat killed": lambda: self._kill("beat"),
            LOCAL_RUNNER: self._kill_local_runner,
            "Redis killed, and started empty": self._empty_redis,
            "database connections cut": self._cut,
            "webhooks' receiver down": lambda: go_down() or "for a moment",
            "supervisor killed, and started again": lambda: self._studio.kill_everything() or "all",
        }

    def run(self, strikes: list[Strike], progress: Callable[[], float], is_over: Callable[[], bool]) -> None:
        for strike in strikes:
            stalled, seen = time.monotonic() + STALLED_SECONDS, progress()
            while seen < strike.at and time.monotonic() < stalled and not is_over():
                time.sleep(0.2)
                if (now := progress()) > seen:
                    stalled, seen = time.monotonic() + STALLED_SECONDS, now
            self._strike(strike.kind)
        for thread in self._frozen:
            thread.join()

    def _strike(self, kind: str) -> None:
        for _ in range(TRIES):
            if met := self._ways[kind]():
                self.done[kind] += 1
                self._journal.write("killed", kind=kind, whom=met)
                return
            time.sleep(AGAIN_SECONDS)

    def _one_of(self, *words: str) -> tuple[str]:
        return (self._chance.choice(words),)

    def _chosen(self, *words: str) -> psutil.Process | None:
        found = self._studio.part(*words)
        return self._chance.choice(found) if found else None

    def _kill(self, *words: str) -> str:
        victim = self._chosen(*words)
        if victim is None:
            return ""
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            return ""
        return f"{' '.join(words)} ({victim.pid})"

    def _kill_local_runner(self) -> str:
        """In the middle of a picture, if one is begun soon: it has few, and takes seconds to load its model."""
        for _ in range(TRIES):
            if self._studio.works_for("diffusers"):
                break
            time.sleep(AGAIN_SECONDS)
        return self._kill("worker", "diffusers")

    def _freeze(self) -> str:
        """It misses its lease, and goes on as if nothing had been, when others have its jobs."""
        victim = self._chosen("worker", *self._one_of("null", "stability"))
        if victim is None:
            return ""
        try:
            victim.send_signal(signal.SIGSTOP)
        except psutil.NoSuchProcess:
            return ""
        thread = threading.Thread(target=self._thaw, args=(victim,), daemon=True)
        thread.start()
        self._frozen.append(thread)
        return f"worker ({victim.pid})"

    def _thaw(self, victim: psutil.Process) -> None:
        time.sleep(self._lease * 1.5)
        try:
            victim.send_signal(signal.SIGCONT)
        except psutil.NoSuchProcess:
            return  # it was killed meanwhile

    def _empty_redis(self) -> str:
        self._redis.kill()
        time.sleep(self._chance.uniform(*REDIS_AWAY))
        self._redis.start()
        return "Redis"

    def _cut(self) -> str:
        cut = self._studio.cut(self._chance, self._chance.randint(1, CUT_MOST))
        return f"{cut} connections" if cut else ""
