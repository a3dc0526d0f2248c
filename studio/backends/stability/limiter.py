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
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.backends.errors import EngineUnavailable
from studio.backends.stability.clock import Now

if TYPE_CHECKING:
    from redis import Redis
    from redis.commands.core import Script

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

    def cool_down(self, key: str, seconds: float) -> None:
        with self._lock:
            bucket = self._buckets[key]
            bucket.cool_until = max(bucket.cool_until, self._now() + seconds)

    def cooling(self, key: str) -> float:
        with self._lock:
            return max(0.0, self._buckets[key].cool_until - self._now())


# KEYS: the tokens that are out (a sorted set of calls by when they are back), and until when the key cools down. All times in microseconds.
_SCRIPT = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local what, call = ARGV[2], ARGV[3]
local limit, sending, hold = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local cooling = math.max(0, tonumber(redis.call('GET', KEYS[2]) or '0') - now)
if what == 'cooling' then
  return {cooling, 0}
end
if what == 'cool_down' then
  if sending > cooling then
    redis.call('SET', KEYS[2], string.format('%.0f', now + sending), 'PX', math.ceil(sending / 1000) + 1000)
  end
  return {0, 0}
end
if what == 'left' then
  redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', now + hold), call)
  return {0, 0}
end
if cooling > 0 then
  return {cooling, 1}
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
if redis.call('ZCARD', KEYS[1]) >= limit then
  return {redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] - now, 0}
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + sending), call)
redis.call('PEXPIRE', KEYS[1], math.ceil((sending + hold) / 1000))
return {0, 0}
"""


class RedisLimiter(Limiter):
    """For all workers of a deployment. Every step is one script, so it is atomic, and the clock is that of Redis unless `now` is given.

    Raises `EngineUnavailable` while Redis does not answer: without it nobody knows what the other workers send.
    """

    def __init__(self, url: str, now: Now | None = None, *, prefix: str = "stability") -> None:
        self._url, self._now, self._prefix = url, now, prefix
        self._lock = threading.Lock()
        self._connection: Redis | None = None
        self._loaded: Script | None = None

    def take(self, key: str, call: str) -> Turn:
        wait, cooling = self._run(key, "take", call, SENDING)
        return Turn(wait / 1e6, bool(cooling))

    def left(self, key: str, call: str) -> None:
        self._run(key, "left", call, SENDING)

    def cool_down(self, key: str, seconds: float) -> None:
        self._run(key, "cool_down", "", seconds)

    def cooling(self, key: str) -> float:
        return float(self._run(key, "cooling", "", 0)[0]) / 1e6

    def _run(self, key: str, what: str, call: str, seconds: float) -> Any:
        from redis import RedisError

        now = "" if self._now is None else f"{self._now() * 1e6:.0f}"
        names = [f"{self._prefix}:{{{key}}}:out", f"{self._prefix}:{{{key}}}:cooling"]
        try:
            return self._script()(keys=names, args=[now, what, call, LIMIT, f"{seconds * 1e6:.0f}", f"{HOLD * 1e6:.0f}"])
        except RedisError:
            raise EngineUnavailable("The studio cannot count its calls just now.") from None

    def _script(self) -> Script:
        from redis import Redis

        with self._lock:
            if self._loaded is None:
                self._connection = Redis.from_url(self._url, socket_timeout=5, socket_connect_timeout=5)
                self._loaded = self._connection.register_script(_SCRIPT)
            return self._loaded
