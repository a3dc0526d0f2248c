"""The calls of a key over all workers of a deployment, counted in Redis; and what a worker may do while Redis is away.

With Redis, every step is one script, so it is atomic, and the clock is that of Redis. The rest is for when it is not there:

A worker that gets no answer lets nothing go for `PATIENCE` seconds: jobs wait in place, then in the queue. So a restart costs a pause.
After that it lets `SHARE` calls of a key be out at a time, and goes on so until Redis is back. That this never makes more than 150:

- Redis knows up to `MOST` workers by name, and only these have a share. Of one that it has not heard of for `SILENT` seconds it keeps the
  share back. `PATIENCE` is that and the longest life of a token: when a worker begins to use its share, everything that Redis gave out
  before it kept the share back has been counted. When Redis is gone for all, `MOST` shares are less than 150.
- A worker that comes back first tells Redis of its calls that are out; only then it is no longer silent.
- A Redis that has another run id, or no bucket of the key, has forgotten tokens (it was started anew, or another took its place). Its
  bucket begins full: nothing goes for `HOLD` seconds, and for `SENDING` more the shares of all are kept back, for calls that were on their
  way and for workers that it does not know yet. Each worker tells it of its own calls as soon as it sees the new run id.

What is left: calls whose bodies take longer than `HOLD` to send while Redis is started anew, more than the shares of all (30), by workers
that ask for nothing else meanwhile; and a worker that was cut off alone for longer than `FORGOTTEN`.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from studio.backends.errors import CoolingDown
from studio.backends.stability.clock import Now
from studio.backends.stability.limiter import HOLD, LIMIT, SENDING, Limiter, LocalLimiter, Turn
from studio.outages import Outage

if TYPE_CHECKING:
    from redis.commands.core import Script

SHARE, MOST = 3, 10
"""Calls of a key that a worker may have out without Redis, and workers that may."""
SILENT = 10.0
PATIENCE = SILENT + SENDING + HOLD
FORGOTTEN = 3600.0
"""A worker that others have outlived by so much has ended."""
SECONDS = 1.0
"""That Redis may take to answer."""
ASK_AGAIN = 5.0
AWAY = "The studio cannot count its calls just now, so this waits. It goes on by itself."

# KEYS: the tokens that are out (a sorted set of calls by when they are back, and for ever the run id of the Redis that counts), until when
# the key cools down, and the workers (by when they were last heard of). All times in microseconds.
# Answers {wait, whether it cools down, whether the worker has a share, run id}.
_SCRIPT = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local what, call, seconds, worker = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local limit, sending, hold, share, most = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local silent, forgotten = tonumber(ARGV[11]), tonumber(ARGV[12])
local function at(moment) return string.format('%.0f', moment) end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local cooling = math.max(0, tonumber(redis.call('GET', KEYS[2]) or '0') - now)
if what == 'cooling' then
  return {cooling, 0, 0, run}
end
if what == 'cool_down' then
  if seconds > cooling then
    redis.call('SET', KEYS[2], at(now + seconds), 'PX', math.ceil(seconds / 1000) + 1000)
  end
  return {0, 0, 0, run}
end
if not redis.call('ZSCORE', KEYS[1], run) then
  redis.call('DEL', KEYS[1])
  redis.call('ZADD', KEYS[1], '+inf', run)
  for lost = 1, limit do
    redis.call('ZADD', KEYS[1], at(now + hold + (lost > limit - share * most and sending or 0)), 'lost ' .. lost)
  end
end
redis.call('PEXPIRE', KEYS[1], 604800000)
if what == 'keep' then
  redis.call('ZADD', KEYS[1], at(now + seconds), call)
  return {0, 0, 0, run}
end
local newest = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')[2]
if newest then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', '(' .. at(newest - forgotten))
end
local known = redis.call('ZSCORE', KEYS[3], worker) or redis.call('ZCARD', KEYS[3]) < most
if known then
  redis.call('ZADD', KEYS[3], at(now), worker)
  redis.call('PEXPIRE', KEYS[3], 604800000)
end
known = known and 1 or 0
if what == 'left' then
  redis.call('ZADD', KEYS[1], 'XX', at(now + hold), call)
  return {0, 0, known, run}
end
if cooling > 0 then
  return {cooling, 1, known, run}
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at(now))
local kept_back = share * redis.call('ZCOUNT', KEYS[3], '-inf', at(now - silent))
if redis.call('ZCARD', KEYS[1]) - 1 >= limit - kept_back then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  return {math.max(1, first - now), 0, known, run}
end
redis.call('ZADD', KEYS[1], at(now + sending), call)
return {0, 0, known, run}
"""


class RedisLimiter(Limiter):
    """That of one worker. `take` raises `CoolingDown` while Redis is away and the worker has no share, or not yet."""

    def __init__(self, url: str, now: Now | None = None, *, prefix: str = "stability") -> None:
        self._url, self._now, self._prefix = url, now, prefix
        self._clock = now or time.monotonic
        self._worker = uuid.uuid4().hex
        self._own = LocalLimiter(self._clock, spare=LIMIT - SHARE)
        self._runs: dict[str, str] = {}
        self._with_share: set[str] = set()
        self._lock = threading.Lock()
        self._away_since: float | None = None
        self._ask_at = 0.0
        self._outage = Outage("redis (calls to the provider)")
        self._loaded: Script | None = None

    def take(self, key: str, call: str) -> Turn:
        answer = self._ask(key, "take", call, SENDING)
        if answer is None:
            return self._take_of_share(key, call)
        wait, cooling = answer
        if not wait:
            self._own.note(key, call)
        return Turn(wait / 1e6, bool(cooling))

    def _take_of_share(self, key: str, call: str) -> Turn:
        with self._lock:
            left = PATIENCE if self._away_since is None else self._away_since + PATIENCE - self._clock()
        if key not in self._with_share or left > 0:
            raise CoolingDown(AWAY, retry_after=min(max(left, 1.0), ASK_AGAIN) if key in self._with_share else ASK_AGAIN)
        return self._own.take(key, call)

    def left(self, key: str, call: str) -> None:
        self._own.left(key, call)
        self._ask(key, "left", call, HOLD)

    def cool_down(self, key: str, seconds: float) -> None:
        self._own.cool_down(key, seconds)
        self._ask(key, "cool_down", "", seconds)

    def cooling(self, key: str) -> float:
        answer = self._ask(key, "cooling", "", 0)
        return self._own.cooling(key) if answer is None else float(answer[0]) / 1e6

    def _ask(self, key: str, what: str, call: str, seconds: float) -> tuple[int, int] | None:
        """What the script answers; None while Redis is away."""
        from redis import RedisError

        with self._lock:
            is_back = self._away_since is not None
            if is_back and self._clock() < self._ask_at:
                return None
            self._ask_at = self._clock() + ASK_AGAIN
        try:
            if is_back:
                self._tell(key)
            wait, cooling, share, run = self._run(key, what, call, seconds)
            if what in ("take", "left") and self._runs.get(key) != run:
                self._tell(key)
                self._runs[key] = run
        except RedisError as error:
            with self._lock:
                self._away_since = self._clock() if self._away_since is None else self._away_since
            self._outage.failed(error)
            return None
        if what in ("take", "left"):
            (self._with_share.add if share else self._with_share.discard)(key)
        with self._lock:
            self._away_since = None
        self._outage.answered()
        return wait, cooling

    def _tell(self, key: str) -> None:
        """Tell Redis of the calls of this worker that are out, for it may not know them."""
        for call, seconds in self._own.out(key).items():
            self._run(key, "keep", call, seconds)

    def _run(self, key: str, what: str, call: str, seconds: float) -> Any:
        now = "" if self._now is None else f"{self._now() * 1e6:.0f}"
        names = [f"{self._prefix}:{{{key}}}:{what}" for what in ("out", "cooling", "workers")]
        times = [f"{one * 1e6:.0f}" for one in (SENDING, HOLD)]
        rest = [f"{one * 1e6:.0f}" for one in (SILENT, FORGOTTEN)]
        args: list[str | int] = [now, what, call, f"{seconds * 1e6:.0f}", self._worker, LIMIT, *times, SHARE, MOST, *rest]
        return self._script()(keys=names, args=args)

    def _script(self) -> Script:
        from redis import Redis

        with self._lock:
            if self._loaded is None:
                connection = Redis.from_url(self._url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
                self._loaded = connection.register_script(_SCRIPT)
            return self._loaded
