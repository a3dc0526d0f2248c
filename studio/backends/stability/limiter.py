"""No more than 150 calls of a key in any 10 seconds (`stability/API.md` 0), over all threads and workers.

A bucket of 150 tokens per key. A call takes one, and the token comes back `HOLD` seconds after the call has *left* (its last byte was
handed to the network). A bucket that is refilled at a rate would allow its whole content and the refill of ten seconds within one window;
this one never allows more than 150 in any window, sliding or fixed:

    Take 151 calls that the provider counts within 10 s, and the one of them that took its token last. Another of the 151 had its token
    back by then, so it had left at least `HOLD` earlier. The provider counts a call no sooner than its token was taken, and no later
    than its last byte's way through the network: the two are counted at least `HOLD` minus that way apart, which is more than 10 s.

How long it takes to connect and to send a body of megabytes does not matter, and neither do the clocks of several machines: a token's
times are read from one clock. What is left is the way through the network after the last byte; `MARGIN` is for that. 150 calls in 10.1 s
are 148.5 in 10 s.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from studio.backends.stability.clock import Now

LIMIT = 150
WINDOW = 10.0
MARGIN = 0.1
HOLD = WINDOW + MARGIN
"""Seconds from the moment a call has left until its token is back."""
SENDING = 60.0
"""Seconds after which a token comes back whose call never said that it has left: its worker is dead."""


class Turn(NamedTuple):
    """The answer to a call that wants to go: at once when `wait` is 0, else ask again after so many seconds."""

    wait: float
    cooling: bool = False


class Limiter(ABC):
    """Counts the calls of each key. Keys are named by their `Key.id`, calls by any unique text."""

    @abstractmethod
    def take(self, key: str, call: str) -> Turn:
        """Take a token for a call, if the key has one and is not cooling down."""

    @abstractmethod
    def left(self, key: str, call: str) -> None:
        """The call has left, or never will: its token is back `HOLD` seconds from now."""

    @abstractmethod
    def cool_down(self, key: str, seconds: float) -> None:
        """Let nothing of this key go for so long."""

    @abstractmethod
    def cooling(self, key: str) -> float:
        """Seconds until a key may be used again; 0 when it may."""


@dataclass(slots=True)
class _Bucket:
    out: dict[str, float] = field(default_factory=dict)  # call -> when its token is back
    cool_until: float = 0.0


class LocalLimiter(Limiter):
    """For one process. `now` is a clock in seconds that never goes back; `spare` calls of each key are left to other processes."""

    def __init__(self, now: Now, *, spare: int = 0) -> None:
        self._now, self._limit = now, LIMIT - spare
        self._lock = threading.Lock()
        self._buckets: defaultdict[str, _Bucket] = defaultdict(_Bucket)

    def take(self, key: str, call: str) -> Turn:
        with self._lock:
            now, bucket = self._now(), self._buckets[key]
            if bucket.cool_until > now:
                return Turn(bucket.cool_until - now, cooling=True)
            bucket.out = {one: back for one, back in bucket.out.items() if back > now}
            if len(bucket.out) >= self._limit:
                return Turn(min(bucket.out.values()) - now)
            bucket.out[call] = now + SENDING
            return Turn(0)

    def left(self, key: str, call: str) -> None:
        with self._lock:
            bucket = self._buckets[key]
            if call in bucket.out:
                bucket.out[call] = self._now() + HOLD

    def note(self, key: str, call: str) -> None:
        """Count a call that was let go elsewhere."""
        with self._lock:
            self._buckets[key].out[call] = self._now() + SENDING

    def out(self, key: str) -> dict[str, float]:
        """The calls whose token is not back, and the seconds until it is."""
        with self._lock:
            now = self._now()
            return {call: back - now for call, back in self._buckets[key].out.items() if back > now}

    def cool_down(self, key: str, seconds: float) -> None:
        with self._lock:
            bucket = self._buckets[key]
            bucket.cool_until = max(bucket.cool_until, self._now() + seconds)

    def cooling(self, key: str) -> float:
        with self._lock:
            return max(0.0, self._buckets[key].cool_until - self._now())
