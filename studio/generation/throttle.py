"""How often somebody may do something: submit and upload by `settings.SUBMIT_RATE`, the rest as it is told; exact over all processes when
Redis is there."""

from __future__ import annotations

import math
import time
from functools import cache

from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter


@cache
def limiter() -> MovingWindowRateLimiter:
    """The one of this process; what it counts is in memory, or in Redis."""
    return MovingWindowRateLimiter(storage_from_string(settings.REDIS_URL or "memory://"))


@cache
def _rate(text: str) -> RateLimitItem:
    return parse(text)


def seconds_to_wait(action: str, user_id: int) -> int:
    """Count one `action` of a person; 0 when it may go on, else the whole seconds until it may."""
    return wait_for(action, str(user_id), settings.SUBMIT_RATE)


def wait_for(action: str, who: str, rate: str) -> int:
    """Count one `action` of `who` (an id, an address) against a rate (`5/hour`); 0 when it may go on, else the whole seconds to wait."""
    limit = _rate(rate)
    if limiter().hit(limit, action, who):
        return 0
    reset = limiter().get_window_stats(limit, action, who).reset_time
    return max(1, math.ceil(reset - time.time()))


def seconds_for_team(team_id: int, per_minute: int) -> int:
    """Count one request of a team against what its plan takes a minute; 0 when it may go on, else the seconds to wait."""
    return wait_for("plan", str(team_id), f"{per_minute}/minute")


def used_by_team(team_id: int, per_minute: int) -> int:
    """Requests of the team that were counted in the last minute. Nothing is counted by this."""
    return per_minute - limiter().get_window_stats(_rate(f"{per_minute}/minute"), "plan", str(team_id)).remaining
