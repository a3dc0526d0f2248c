"""What is left of the studio's own credits at the providers, read beside whoever asks: a page or a probe never waits long for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from django.utils import timezone

from studio.backends import registry
from studio.backends.base import MILLICREDITS, PaidBackend
from studio.backends.errors import BackendError

log = structlog.get_logger(__name__)

PATIENCE = 1.0
"""Seconds that a page waits for all providers together."""
STILL_TOLD = timedelta(minutes=10)
"""How old an answer may be that stands in for one that is late."""
LATE = "No answer yet. Look again in a moment."


@dataclass(frozen=True, slots=True)
class Balance:
    """Millicredits left at a provider at the moment `at`; None when nobody knows, and then `problem` says why."""

    backend: str
    millicredits: int | None
    at: datetime
    problem: str = ""

    @property
    def is_low(self) -> bool:
        return self.millicredits is not None and self.millicredits < settings.PROVIDER_LOW_CREDITS * MILLICREDITS


def paid_backends() -> list[PaidBackend]:
    """Those that are set up: one without a key offers no engines, and has no balance."""
    return [backend for backend in registry.backends() if isinstance(backend, PaidBackend) and backend.engines()]


def balances(patience: float = PATIENCE) -> list[Balance]:
    """The balance at each provider, at the latest after `patience` seconds."""
    until = time.monotonic() + patience
    asked = [(backend, _looks.begin(backend)) for backend in paid_backends()]
    return [_looks.answer(backend, look, max(0.0, until - time.monotonic())) for backend, look in asked]


class _Looks:
    """At most one look at a provider at a time, each on a thread that nobody has to wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: WeakKeyDictionary[PaidBackend, Future[Balance]] = WeakKeyDictionary()
        self._last: WeakKeyDictionary[PaidBackend, Balance] = WeakKeyDictionary()

    def begin(self, backend: PaidBackend) -> Future[Balance]:
        """The look that is under way, or a new one; the backend itself remembers its answer for a minute at most."""
        with self._lock:
            running = self._running.get(backend)
            if running is None or running.done():
                running = Future()
                threading.Thread(target=self._look, args=(backend, running), name=f"balance-{backend.name}", daemon=True).start()
                self._running[backend] = running  # not before: where no thread can be started, nobody would ever end it
            return running

    def _look(self, backend: PaidBackend, look: Future[Balance]) -> None:
        try:
            found = Balance(backend.name, backend.balance(), timezone.now())
        except BackendError as error:
            found = Balance(backend.name, None, timezone.now(), error.message)
        except Exception as error:  # noqa: BLE001 - whatever an adapter does, whoever waits gets an answer
            log.error("balance_crashed", backend=backend.name, reason=type(error).__name__)
            found = Balance(backend.name, None, timezone.now(), "It cannot be read; the log says why.")
        self._last[backend] = found
        look.set_result(found)

    def answer(self, backend: PaidBackend, look: Future[Balance], patience: float) -> Balance:
        """What the look found; else what the last one did, if that is not long ago."""
        try:
            return look.result(patience)
        except TimeoutError:
            last, now = self._last.get(backend), timezone.now()
            return last if last and now - last.at < STILL_TOLD else Balance(backend.name, None, now, LATE)


_looks = _Looks()
