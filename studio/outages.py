"""A service that is away is asked now and then, and not by every call: each would wait for its time-out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

REST = 5.0
"""Seconds for which a service that did not answer is left alone; then one caller of the process tries."""
REMINDER = 60.0
"""Seconds between two lines in the log about a service that answers, and refuses."""

_OF_CONNECTIONS = ("OperationalError", "InterfaceError")
"""Django's errors of what is wrong with a connection, by name: nothing in this file needs a database."""


class Outage:
    """What this process knows of one service: that it answers, or since when it does not. From any thread.

    One line in the log says that it went, one that it is back, under the lock, so that the last of them is true. `now` is a clock in
    seconds that never goes back.
    """

    def __init__(self, service: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self.service, self._now = service, now
        self._lock = threading.Lock()
        self._since: float | None = None
        self._try_at = 0.0
        self._remind_at = 0.0

    @property
    def is_on(self) -> bool:
        """Whether the service did not answer when it was asked last."""
        return self._since is not None

    def may_ask(self) -> bool:
        """Whether to ask it now: always while it answers, else one caller each `REST` seconds."""
        if self._since is None:
            return True
        with self._lock:
            if self._since is not None and self._now() < self._try_at:
                return False
            self._try_at = self._now() + REST
            return True

    def failed(self, error: Exception) -> None:
        """It did not answer."""
        with self._lock:
            begins, self._since = self._since is None, self._since if self._since is not None else self._now()
            self._try_at = self._now() + REST
            if begins:
                log.warning("service_away", service=self.service, reason=type(error).__name__)

    def refused(self, error: Exception) -> None:
        """It answered, and would not do it: its memory is full, or it may only be read."""
        with self._lock:
            is_due, now = self._now() >= self._remind_at, self._now()
            if is_due:
                self._remind_at = now + REMINDER
        if is_due:
            log.warning("service_refuses", service=self.service, reason=type(error).__name__)

    def answered(self) -> None:
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
            if since is not None:
                log.warning("service_back", service=self.service, seconds=round(self._now() - since, 1))


redis_outage = Outage("redis")
"""That of the Redis which cache and limits share."""


def database_is_away(error: BaseException | None) -> bool:
    """Whether an error of Django's means that PostgreSQL cannot be reached, has ended the connection, or that none is free, there or in
    the pool of this process: nothing is wrong with what was asked, and a little later it works.

    SQLSTATE classes of PostgreSQL's Appendix A: 08, 57P (shut down, starting), 53300; an error without one is of the connection itself.
    """
    cause = error.__cause__ if error is not None and type(error).__name__ in _OF_CONNECTIONS else None
    if not type(cause).__module__.startswith("psycopg"):
        return False
    state = getattr(cause, "sqlstate", None)
    return state is None or state.startswith(("08", "57P", "53300"))
