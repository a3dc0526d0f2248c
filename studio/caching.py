"""The cache over Redis that goes on without it: in the memory of the process, until Redis is back.

So limits on sign-in hold within each process, and what a process kept itself it finds again. A Redis that does not answer costs one short
time-out every few seconds (`outages`), and never an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSilent

from studio.outages import redis_outage

SECONDS = 1.0
"""That a connection, and then an answer, may take: Redis needs a thousandth of it."""
CONNECTION = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, "health_check_interval": 30}
"""Of a connection to Redis that somebody waits for. Given an address, redis-py tries no call a second time, which is right here."""
ENTRIES = 500
"""That a process keeps meanwhile, in each cache."""

_NOTHING = object()


class SoftRedisCache(RedisCache):
    """Django's, but a call that Redis does not serve is served from memory. What it says of a key then holds in this process only."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, {**params, "OPTIONS": {**CONNECTION, **params.get("OPTIONS", {})}})
        own = {**params, "OPTIONS": {"MAX_ENTRIES": ENTRIES}}
        self._meanwhile = LocMemCache(f"meanwhile-{self.key_prefix}", own)

    def _ask(self, call: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        """What Redis says to `call`, else what `otherwise` says."""
        if redis_outage.may_ask():
            try:
                answer = call()
            except (RedisGone, RedisSilent) as error:
                redis_outage.failed(error)
            except RedisError as error:
                redis_outage.refused(error)
            else:
                redis_outage.answered()
                return answer
        return otherwise()

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        if self._meanwhile.has_key(key, version):
            return False
        return bool(
            self._ask(lambda: RedisCache.add(self, key, value, timeout, version), lambda: self._meanwhile.add(key, value, timeout, version))
        )

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        found = self._ask(lambda: RedisCache.get(self, key, _NOTHING, version), lambda: _NOTHING)
        return self._meanwhile.get(key, default, version) if found is _NOTHING else found

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        def keep() -> None:
            RedisCache.set(self, key, value, timeout, version)
            self._meanwhile.delete(key, version)

        self._ask(keep, lambda: self._meanwhile.set(key, value, timeout, version))

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        own = self._meanwhile.touch(key, timeout, version)
        return bool(self._ask(lambda: RedisCache.touch(self, key, timeout, version), lambda: False)) or own

    def delete(self, key: Any, version: int | None = None) -> bool:
        own = self._meanwhile.delete(key, version)
        return bool(self._ask(lambda: RedisCache.delete(self, key, version), lambda: False)) or own

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        wanted = list(keys)
        found: dict[Any, Any] = self._ask(lambda: RedisCache.get_many(self, wanted, version), dict)
        return {**self._meanwhile.get_many([key for key in wanted if key not in found], version), **found}

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self._meanwhile.has_key(key, version) or bool(self._ask(lambda: RedisCache.has_key(self, key, version), lambda: False))

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Raises ValueError when there is no such key, as Django's does."""
        if self._meanwhile.has_key(key, version):
            return int(self._meanwhile.incr(key, delta, version))
        return int(self._ask(lambda: RedisCache.incr(self, key, delta, version), lambda: self._meanwhile.incr(key, delta, version)))

    def set_many(self, data: dict[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> list[Any]:
        def keep() -> None:
            RedisCache.set_many(self, data, timeout, version)
            self._meanwhile.delete_many(list(data), version)

        self._ask(keep, lambda: self._meanwhile.set_many(data, timeout, version))
        return []

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        gone = list(keys)
        self._meanwhile.delete_many(gone, version)
        self._ask(lambda: RedisCache.delete_many(self, gone, version), lambda: None)

    def prove(self) -> None:
        """Write to Redis. Raises `RedisError` when it is away or refuses; one that was just found away is not asked."""
        if not redis_outage.may_ask():
            raise RedisGone
        try:
            RedisCache.set(self, "proved", "ok", 5)
        except (RedisGone, RedisSilent) as error:
            redis_outage.failed(error)
            raise
        redis_outage.answered()

    def clear(self) -> None:
        self._meanwhile.clear()
        self._ask(lambda: RedisCache.clear(self), lambda: None)
