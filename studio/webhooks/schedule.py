"""When something is tried again that did not arrive: after growing waits, over two days; then it is parked."""

from __future__ import annotations

import random
from datetime import timedelta

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=16),
)
"""After the first try, the second, …; one try more than there are waits."""
JITTER = 0.2
"""What failed together must not come back together: so much of a wait may be left out."""
PATIENCE = timedelta(hours=1)
"""The longest that a receiver may ask to be left alone for, beyond a wait of ours."""


def wait_after(tries: int, *, asked: float = 0.0, part: float | None = None) -> timedelta | None:
    """How long to wait after so many tries; None when they were enough. `asked` are seconds that the receiver wants (Retry-After).

    `part` is how much of the jitter to take, 0 to 1; chance by default.
    """
    if tries > len(WAITS):
        return None
    chance = random.random() if part is None else part  # noqa: S311 - nobody gains from guessing it
    wait = WAITS[tries - 1] * (1 - JITTER * chance)
    return max(wait, min(timedelta(seconds=asked), PATIENCE))
