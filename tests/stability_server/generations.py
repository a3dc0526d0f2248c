"""Asynchronous jobs: submitted, in progress for a while, then there for 24 hours, for the key that submitted them (API.md 2.9).

A result is drawn when it is first fetched: it follows from the request and the seed, so nobody can tell the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KEPT = 24 * 60 * 60
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Generation:
    id: str
    key: str
    endpoint: str
    values: dict[str, Any] = field(repr=False)
    seed: int
    finish_reason: str
    submitted: float
    ready: float


class Generations:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._all: dict[str, Generation] = {}

    def __len__(self) -> int:
        return len(self._all)

    def submit(self, *, seconds: float, **what: Any) -> Generation:
        now = self._clock()
        generation = Generation(submitted=now, ready=now + seconds, **what)
        self._all[generation.id] = generation
        return generation

    def find(self, id: str, key: str) -> Generation | None:
        """A key's own generation, unless it has expired."""
        generation = self._all.get(id)
        if generation is None or generation.key != key or self._clock() >= generation.ready + KEPT:
            return None
        return generation

    def is_ready(self, generation: Generation) -> bool:
        return self._clock() >= generation.ready
