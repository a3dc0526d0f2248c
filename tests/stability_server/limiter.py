"""150 requests within 10 s for each key; the next one, and all of the 60 s after it, are answered 429 (API.md 0).

The window slides: no ten seconds, wherever they begin, have more than 150 answered requests. That is the strictest reading of the rule;
which one the provider has is not recorded. Requests during the time-out neither count nor prolong it. Every request with a valid key
counts, polls and reads included.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable


class Limiter:
    def __init__(self, clock: Callable[[], float], *, requests: int = 150, seconds: float = 10, timeout: float = 60) -> None:
        self.requests, self.seconds, self.timeout = requests, seconds, timeout
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: defaultdict[str, deque[float]] = defaultdict(deque)
        self._barred_until: dict[str, float] = {}

    def admit(self, key: str) -> float:
        """Count one request of a key. Returns 0 when it may go on, else the seconds for which the key is still timed out."""
        with self._lock:
            now = self._clock()
            barred = self._barred_until.get(key, now) - now
            if barred > 0:
                return barred
            seen = self._seen[key]
            while seen and seen[0] <= now - self.seconds:
                seen.popleft()
            if len(seen) < self.requests:
                seen.append(now)
                return 0
            seen.clear()
            self._barred_until[key] = now + self.timeout
            return self.timeout
