"""The keys of the account: each with its own bucket and health, and a bound on the calls that are under way."""

from __future__ import annotations

import hashlib
import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from math import ceil

from studio.backends.base import EngineState, IsCanceled
from studio.backends.errors import BackendError, CoolingDown, EngineUnavailable, KeyRefused, RateLimited, RequestCanceled
from studio.backends.stability.clock import SLICE, Now, Sleep, pause
from studio.backends.stability.limiter import Limiter, Turn

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """A secret, and a name for it that may stand in logs, rows and Redis."""

    secret: str = field(repr=False)

    @property
    def id(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()[:12]


REFUSED_SECONDS = (60.0, 600.0)
"""A key that was refused is left alone for so long, then tried again; doubled each time it is still refused, up to the second."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Of a key, until `until` and for `seconds` in all. It stands until an answer shows that the key is good."""

    until: float
    seconds: float


class Lease:
    """The right to make one call with `key`. `left` says that the request is on its way; more than once is once.

    It never fails: the call is out, and an error now would look as if it were not. A token that is not given back comes back by itself.
    """

    def __init__(self, key: Key, on_left: Callable[[], None]) -> None:
        self.key = key
        self._on_left: Callable[[], None] | None = on_left

    def left(self) -> None:
        on_left, self._on_left = self._on_left, None
        if on_left:
            with suppress(EngineUnavailable):
                on_left()


class KeyRing:
    """Hands out the keys in turn, as fast as the limiter lets them go. At most `in_flight` calls of this process are out at a time."""

    def __init__(self, secrets: Sequence[str], limiter: Limiter, *, now: Now, sleep: Sleep, in_flight: int) -> None:
        self.keys = tuple(Key(secret) for secret in dict.fromkeys(secrets))
        self._limiter, self._now, self._sleep = limiter, now, sleep
        self._slots = threading.BoundedSemaphore(in_flight)
        self._turns = count()
        # Who waits for a token waits in line: one thread asks the limiter, the others wait for that thread. A call that needs a certain
        # key has a line of its own, so that it does not keep those waiting that may take any.
        self._lines = {name: threading.Lock() for name in ("", *(key.id for key in self.keys))}
        self._refusals: dict[str, Refusal] = {}

    @contextmanager
    def lease(self, is_canceled: IsCanceled, key_id: str = "", *, without: Set[str] = frozenset()) -> Iterator[Lease]:
        """Wait for a turn, with any healthy key that is not `without`, or with a certain one.

        Raises `RequestCanceled`; `KeyRefused` when no key can be used, `CoolingDown` with the seconds until one can.
        """
        _acquire(self._slots, is_canceled)
        try:
            with _held(self._lines.get(key_id) or threading.Lock(), is_canceled):
                key, call = self._take(is_canceled, key_id, without)
            lease = Lease(key, lambda: self._limiter.left(key.id, call))
            try:
                yield lease
            finally:
                lease.left()
        finally:
            self._slots.release()

    def _take(self, is_canceled: IsCanceled, key_id: str, without: Set[str]) -> tuple[Key, str]:
        call = uuid.uuid4().hex
        while True:
            turns: list[Turn] = []
            healthy = self._healthy(key_id, without)
            if not healthy:
                raise KeyRefused
            first = next(self._turns) % len(healthy)
            for key in healthy[first:] + healthy[:first]:
                turn = self._limiter.take(key.id, call)
                if not turn.wait:
                    return key, call
                turns.append(turn)
            if all(turn.cooling for turn in turns):
                raise CoolingDown(retry_after=min(turn.wait for turn in turns))
            # A token may come back sooner than it looks: while a call is being sent, nobody knows when it will have left.
            pause(min(SLICE, *(turn.wait for turn in turns)), self._sleep, is_canceled)

    def _healthy(self, key_id: str = "", without: Set[str] = frozenset()) -> list[Key]:
        now = self._now()
        resting = {name for name, refusal in self._refusals.copy().items() if refusal.until > now}
        return [key for key in self.keys if key.id not in without | resting and key_id in ("", key.id)]

    def note(self, key: Key, error: BackendError | None) -> None:
        """Remember what an answer, or the error it tells of, says about the key it was asked with."""
        if isinstance(error, RateLimited) and error.retry_after:
            self._limiter.cool_down(key.id, error.retry_after)
        elif isinstance(error, KeyRefused):
            self._refuse(key)
        elif key.id in self._refusals and not isinstance(error, EngineUnavailable):
            self._refusals.pop(key.id, None)  # two answers may say it at once
            logger.warning("Stability accepts the key %s again.", key.id)

    def _refuse(self, key: Key) -> None:
        known, now = self._refusals.get(key.id), self._now()
        if known and known.until > now:
            return  # of a call that was out already
        seconds = min(REFUSED_SECONDS[1], known.seconds * 2) if known else REFUSED_SECONDS[0]
        self._refusals[key.id] = Refusal(now + seconds, seconds)
        say = logger.info if known else logger.error
        say("Stability does not accept the key %s; it is tried again after %d s.", key.id, seconds)

    def unproven(self) -> list[Key]:
        """Keys that were refused and may be tried again."""
        return [key for key in self._healthy() if key.id in self._refusals]

    def put_off(self, key_id: str) -> None:
        """Look at an unproven key a while later: nobody answered."""
        known, now = self._refusals.get(key_id), self._now()
        if known and known.until <= now:
            self._refusals[key_id] = Refusal(now + REFUSED_SECONDS[0], known.seconds)

    def has_another(self, key_id: str, without: Set[str]) -> bool:
        """Whether there is a healthy key that was not tried yet."""
        return bool(self._healthy(key_id, without))

    def cooling(self, key_id: str = "") -> float:
        """Seconds until a call may go; 0 also when something else than a cool-down stands in its way."""
        return min((self._limiter.cooling(key.id) for key in self._healthy(key_id)), default=0.0)

    def state(self) -> tuple[EngineState, str, float | None]:
        """How the engines stand, with a sentence for their chip and the seconds it lasts."""
        refusals = self._refusals.copy()
        if all(key.id in refusals for key in self.keys):
            wait = min((refusal.until for refusal in refusals.values()), default=0.0) - self._now()
            return EngineState.NO_KEY, "Stability refused the studio's key.", max(0.0, wait) or None
        if seconds := self.cooling():
            return EngineState.COOLING_DOWN, f"Cooling down, {ceil(seconds)} s.", seconds
        return EngineState.READY, "", None


def _acquire(lock: threading.Lock | threading.Semaphore, is_canceled: IsCanceled) -> None:
    while not lock.acquire(timeout=SLICE):
        if is_canceled():
            raise RequestCanceled


@contextmanager
def _held(lock: threading.Lock, is_canceled: IsCanceled) -> Iterator[None]:
    _acquire(lock, is_canceled)
    try:
        yield
    finally:
        lock.release()
