"""The account behind the keys: its balance, and which listed engines it has (`stability/API.md` 1.1). Both are asked for rarely."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from studio.backends.base import MILLICREDITS
from studio.backends.errors import BackendError, EngineUnavailable
from studio.backends.stability.calls import Call
from studio.backends.stability.clock import Now
from studio.backends.stability.provider import Provider

logger = logging.getLogger(__name__)

SECONDS = 10.0
"""Longest wait for either: a page may be waiting too."""
BALANCE_SECONDS = 60.0
EMPTY_SECONDS = 60.0
"""How long it is told that the account could not pay for something, unless a balance shows that it can."""
LIST_SECONDS = 6 * 3600.0
LIST_AGAIN_SECONDS = 300.0
"""Until the list is asked for again when nobody answered."""

BALANCE = Call("GET", "/v1/user/balance", "v1", accept="application/json", seconds=SECONDS)
ENGINES = Call("GET", "/v1/engines/list", "v1", accept="application/json", seconds=SECONDS)


class Account:
    """Remembers answers and refusals alike, so that a page that asks for either costs the provider one call a minute at most."""

    def __init__(self, provider: Provider, *, now: Now) -> None:
        self._provider, self._now = provider, now
        self._lock = threading.Lock()
        self._balance: tuple[float, int | BackendError] | None = None
        self._empty: tuple[float, int] | None = None
        self._proving: set[str] = set()
        self._listed: frozenset[str] | None = None
        self._list_again = -math.inf

    def balance(self) -> int:
        """Millicredits left. Not for sums: a live run saw it stand still for 23 paid calls. Raises `BackendError`."""
        with self._lock:
            if self._balance is None or self._balance[0] <= self._now():
                self._balance = (self._now() + BALANCE_SECONDS, self._read_balance())
            found = self._balance[1]
        if isinstance(found, BackendError):
            raise found
        return found

    def _read_balance(self) -> int | BackendError:
        try:
            body = self._provider.ask(BALANCE, patient=False).answer.json()
        except BackendError as error:
            return error
        credits = body.get("credits") if isinstance(body, dict) else None
        if not isinstance(credits, int | float) or not math.isfinite(credits):
            return EngineUnavailable("Stability's balance cannot be read.")
        millicredits = round(credits * MILLICREDITS)
        self.note_enough(millicredits)
        return millicredits

    def note_enough(self, millicredits: int) -> None:
        """It has, or has paid, so much."""
        if self._empty and millicredits >= self._empty[1]:
            self._empty = None

    def note_empty(self, millicredits: int) -> None:
        """It could not pay for something of this price."""
        if self._empty is None:
            logger.error("Stability's account has too few credits for the studio's work: top it up.")
        self._empty = (self._now() + EMPTY_SECONDS, millicredits)

    def empty_for(self, millicredits: int) -> float | None:
        """For how many seconds it is told that something of this price cannot be paid for; None when it can be, as far as we know."""
        empty = self._empty
        left = empty[0] - self._now() if empty else 0.0
        return left if empty and left > 0 and millicredits >= empty[1] else None

    def prove(self, start: Callable[[Callable[[], None]], None]) -> None:
        """Have keys that were refused and may be tried again looked at by a call that costs nothing (`refresh` says what `start` does)."""
        for key in self._provider.keys.unproven():
            with self._lock:
                if key.id in self._proving:
                    continue
                self._proving.add(key.id)
            start(partial(self._prove, key.id))

    def _prove(self, key_id: str) -> None:
        with suppress(BackendError):  # the key ring has heard what the answer says of the key
            self._provider.ask(BALANCE, patient=False, key_id=key_id)
        self._provider.keys.put_off(key_id)
        self._proving.discard(key_id)

    def has(self, model_id: str) -> bool:
        """Whether the account may use a listed engine; also while nobody has told us."""
        listed = self._listed
        return listed is None or model_id in listed

    def refresh(self, start: Callable[[Callable[[], None]], None]) -> None:
        """Have the list read by `start`, on a thread of its own for whoever must not wait, if it is time for that."""
        with self._lock:
            if self._list_again > self._now():
                return
            self._list_again = self._now() + LIST_AGAIN_SECONDS
        start(self._read_list)

    def _read_list(self) -> None:
        try:
            body = self._provider.ask(ENGINES, patient=False).answer.json()
        except BackendError as error:
            logger.warning("The list of Stability's engines cannot be read (%s); those known are offered.", error.code)
            return
        if isinstance(body, list):
            self._listed = frozenset(str(one.get("id")) for one in body if isinstance(one, dict))
            self._list_again = self._now() + LIST_SECONDS
