"""How often somebody may do something: submit and upload by `settings.SUBMIT_RATE`, the rest as it is told. The one place for it:
tries of a code (`settings.RATE_LIMIT`) and requests of programs are counted here too.

Exact over all processes when Redis is there; while it is away, each process counts by itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, MovingWindowSupport, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter

from studio.outages import redis_outage

SECONDS = 1.0
"""That Redis may take to answer."""
T = TypeVar("T")


@cache
def limiter() -> MovingWindowRateLimiter:
    """The one of this process; what it counts is in memory, or in Redis."""
    return MovingWindowRateLimiter(SoftRedisStorage(settings.REDIS_URL) if settings.REDIS_URL else MemoryStorage())


class SoftRedisStorage(Storage, MovingWindowSupport):
    """Counts in Redis, and in this process what Redis does not count: nobody is refused, and nobody let through, because it is away."""

    def __init__(self, url: str, *, seconds: float = SECONDS) -> None:
        super().__init__(url)
        self._there = RedisStorage(url, socket_timeout=seconds, socket_connect_timeout=seconds)
        self._here = MemoryStorage()

    @property
    def base_exceptions(self) -> type[Exception]:
        return self._there.dependency.RedisError  # type: ignore[no-any-return]

    def _ask(self, call: Callable[[RedisStorage | MemoryStorage], T]) -> T:
        errors = self._there.dependency
        if redis_outage.may_ask():
            try:
                answer = call(self._there)
            except (errors.ConnectionError, errors.TimeoutError) as error:
                redis_outage.failed(error)
            except errors.RedisError as error:
                redis_outage.refused(error)
            else:
                redis_outage.answered()
                return answer
        return call(self._here)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._ask(lambda storage: storage.acquire_entry(key, limit, expiry, amount))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        return self._ask(lambda storage: storage.get_moving_window(key, limit, expiry))

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._ask(lambda storage: storage.incr(key, expiry, amount))

    def get(self, key: str) -> int:
        return self._ask(lambda storage: storage.get(key))

    def get_expiry(self, key: str) -> float:
        return self._ask(lambda storage: storage.get_expiry(key))

    def check(self) -> bool:
        return self._there.check()

    def clear(self, key: str) -> None:
        self._here.clear(key)
        self._ask(lambda storage: storage.clear(key))

    def reset(self) -> int | None:
        self._here.reset()
        return self._ask(lambda storage: storage.reset())


@cache
def _rate(text: str) -> RateLimitItem:
    return parse(text)


def seconds_to_wait(action: str, user_id: int) -> int:
    """Count one `action` of a person; 0 when it may go on, else the whole seconds until it may."""
    return wait_for(action, str(user_id), settings.SUBMIT_RATE)


def wait_for(action: str, who: str, rate: str) -> int:
    """Count one `action` of `who` (an id, an address) against a rate (`5/hour`); 0 when it may go on, else the whole seconds to wait."""
    limit = _rate(rate)
    if limiter().hit(limit, action, who):
        return 0
    reset = limiter().get_window_stats(limit, action, who).reset_time
    return max(1, math.ceil(reset - time.time()))


def seconds_for_team(team_id: int, per_minute: int) -> int:
    """Count one request of a team against what its plan takes a minute; 0 when it may go on, else the seconds to wait."""
    return wait_for("plan", str(team_id), f"{per_minute}/minute")


def used_by_team(team_id: int, per_minute: int) -> int:
    """Requests of the team that were counted in the last minute. Nothing is counted by this."""
    return per_minute - limiter().get_window_stats(_rate(f"{per_minute}/minute"), "plan", str(team_id)).remaining
