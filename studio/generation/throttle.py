"""How often one person may submit or upload, by `settings.SUBMIT_RATE`; exact over all processes when Redis is there."""

from __future__ import annotations

import math
import time
from functools import cache

from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter


@cache
def _limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(settings.REDIS_URL or "memory://"))


@cache
def _rate(text: str) -> RateLimitItem:
    return parse(text)


def seconds_to_wait(action: str, user_id: int) -> int:
    """Count one `action` of a person; 0 when it may go on, else the whole seconds until it may."""
    rate = _rate(settings.SUBMIT_RATE)
    if _limiter().hit(rate, action, str(user_id)):
        return 0
    reset = _limiter().get_window_stats(rate, action, str(user_id)).reset_time
    return max(1, math.ceil(reset - time.time()))
