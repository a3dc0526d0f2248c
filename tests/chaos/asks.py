"""What people and programs ask of the studio in a run, and what they were told: their own side, kept outside the studio."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

TAG = re.compile(r"ask\d{4}row\d{2}")
"""A word in the prompt of a job, by which its row and its call to a provider are known."""
WAYS = ("press", "table", "program", "program batch")
"""A press on Generate, a table of rows; the same two through the API."""

PROGRAMS = ("program", "program batch")
ROWS = (4, 12)
"""How many rows a batch has, at least and at most."""
BATCHED = 0.35
"""The part of the jobs that is asked for in batches."""
EARLY = 0.6
"""Until when the local runner is asked, as a part of the time: its worker shall be killed at work, and it has few jobs."""
STOPPED = 0.08
"""The part of the presses and single requests that somebody stops right afterwards."""


@dataclass(slots=True)
class Ask:
    """One request, sent again with the same key until it is answered.

    `at` is when it is sent, as a part of the time that all are spread over. `answer` is the id of the job or the batch that was told,
    `refused` what was said instead. `stop_sent` says that somebody asked to stop it, whether or not that was answered.
    """

    number: int
    way: str
    person: int
    engine: str
    rows: int
    at: float
    stops: bool = False
    key: str = ""
    answer: str = ""
    refused: str = ""
    stop_sent: bool = False
    tries: int = 0
    trouble: dict[str, int] = field(default_factory=dict)
    """How often it met what, before it was answered."""

    @property
    def is_batch(self) -> bool:
        return self.way in ("table", "program batch")

    @property
    def tags(self) -> list[str]:
        """A word in the prompt of each of its jobs, by which its row and its call to a provider are known."""
        return [tag(self.number, row) for row in range(self.rows)]

    @property
    def prompts(self) -> list[str]:
        return [f"{one} a boat in the harbour" for one in self.tags]


def tag(number: int, row: int) -> str:
    return f"ask{number:04d}row{row:02d}"


def plan(chance: random.Random, *, jobs: int, people: int, engines: Sequence[str], local: int = 0) -> list[Ask]:
    """Exactly so many jobs of these people, a third of them through the API, some in batches; `local` of them by the local runner.

    The order is that in which they are sent.
    """
    asks: list[Ask] = []

    def add(way: str, rows: int, engine: str) -> None:
        stops = way in ("press", "program") and chance.random() < STOPPED
        asks.append(Ask(len(asks), way, chance.randrange(people), engine, rows, chance.random(), stops))

    for _ in range(local):
        add("press", 1, "storybook")
        asks[-1].at *= EARLY
    programs = jobs // 3
    for left, single, many in ((programs, "program", "program batch"), (jobs - programs - local, "press", "table")):
        batched = round(left * BATCHED)
        while batched >= ROWS[0]:
            rows = min(batched, chance.randint(*ROWS))
            add(many, rows, chance.choice(engines))
            left, batched = left - rows, batched - rows
        for _ in range(left):
            add(single, 1, chance.choice(engines))
    return sorted(asks, key=lambda one: one.at)


class Journal:
    """A line for each thing that happened, as it happens, so that a run that was cut off can be read as well."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._file = path.open("a", encoding="utf-8")

    def write(self, what: str, **about: Any) -> None:
        line = json.dumps({"at": round(time.monotonic() - self._began, 2), "what": what, **about}, default=str)
        with self._lock:
            if not self._file.closed:
                self._file.write(line + "\n")
                self._file.flush()

    def asked(self, ask: Ask) -> None:
        self.write("asked", **asdict(ask))

    def close(self) -> None:
        with self._lock:
            self._file.close()


def jobs_of(asks: Iterable[Ask]) -> int:
    return sum(one.rows for one in asks)
