"""Trying again: what failed before there was a result, four times at most, a little later each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from studio.backends.base import IsCanceled
from studio.backends.errors import BackendError, EngineUnavailable, RateLimited
from studio.backends.stability.clock import Sleep, pause

DELAYS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt, the half to one and a half of which are waited."""

Jitter = Callable[[], float]
"""A random number from 0 to 1."""
T = TypeVar("T")


def with_retries(
    attempt: Callable[[], T], *, is_passing: Callable[[BackendError], bool], sleep: Sleep, jitter: Jitter, is_canceled: IsCanceled
) -> T:
    """Return what `attempt` returns, calling it up to five times.

    Only `EngineUnavailable` (not connected; 500, 502, 503, 504) and `RateLimited` are tried again, and these only while `is_passing` says
    that it may help. Everything else is final, above all `ResultUnknown`.
    """
    for delay in DELAYS:
        try:
            return attempt()
        except (EngineUnavailable, RateLimited) as error:
            if not is_passing(error):
                raise
        pause(delay * (0.5 + jitter()), sleep, is_canceled)
    return attempt()
