"""The Stability backend on a clock that goes when somebody waits: a minute of cool-down takes no time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from studio.backends.stability import StabilityBackend


class Clock:
    """Seconds that pass when somebody sleeps, for the studio and for its provider."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 1_000_000.0

    def now(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._seconds += seconds


clock = Clock()


class HurriedBackend(StabilityBackend):
    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(name, options, now=clock.now, sleep=clock.sleep, start=lambda read: None)
