"""How often somebody may try a code: whoever guesses soon has to wait. Exact over all processes when Redis is there."""

from __future__ import annotations

import math
import time
from functools import cache

from django.conf import settings
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

RATE = parse("10/hour")
"""Tries of one person."""


@cache
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(settings.REDIS_URL or "memory://"))


def seconds_to_wait(user_id: int) -> int:
    """Count one try of a person; 0 when it may be made, else the whole seconds until it may."""
    if _limiter().hit(RATE, "code", str(user_id)):
        return 0
    reset = _limiter().get_window_stats(RATE, "code", str(user_id)).reset_time
    return max(1, math.ceil(reset - time.time()))
