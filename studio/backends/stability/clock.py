"""Waiting that hears Stop."""

from __future__ import annotations

from collections.abc import Callable

from studio.backends.base import IsCanceled
from studio.backends.errors import RequestCanceled

Now = Callable[[], float]
Sleep = Callable[[float], None]

SLICE = 0.25
"""Seconds after which a waiting call notices that its person pressed Stop."""


def pause(seconds: float, sleep: Sleep, is_canceled: IsCanceled) -> None:
    """Wait. Raises `RequestCanceled` within a `SLICE` of Stop."""
    left = seconds
    while left > 0:
        if is_canceled():
            raise RequestCanceled
        part = min(left, SLICE)
        sleep(part)
        left -= part
    if is_canceled():
        raise RequestCanceled
