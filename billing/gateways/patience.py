"""How long a gateway may wait for its provider: a moment while somebody waits for a page, longer in a chore, for which nobody waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_has_time: ContextVar[bool] = ContextVar("gateway_has_time", default=False)


@contextmanager
def patiently() -> Iterator[None]:
    """Of what is asked within, nobody waits for the answer. A decorator too."""
    token = _has_time.set(True)
    try:
        yield
    finally:
        _has_time.reset(token)


def has_time() -> bool:
    return _has_time.get()
