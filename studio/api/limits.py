"""How often a program may ask: by the plan of its team, or by the studio's own rule; the Stability paths have one of their own.

Counted where the limits of people are (`generation.throttle`): in this process, or in Redis for all of them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from limits import parse

from accounts.keys import Caller
from accounts.models import ApiKey
from billing.services.plans import plan_of
from studio.api.errors import TooMany
from studio.generation import throttle


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a limit is left: `limit` requests in a window, `remaining` of them, the oldest of the others forgotten in `reset`
    seconds."""

    limit: int
    remaining: int
    reset: int


def count(caller: Caller) -> Standing:
    """Count one request: of the team where its plan says how many it may send a minute (`requests_per_minute`, pages count there too), else
    of the key by `settings.API_RATE`. Raises `TooMany`."""
    plan = plan_of(caller.team)
    if plan.requests_per_minute is not None:
        rate, where, who = f"{plan.requests_per_minute}/minute", "plan", str(caller.team.pk)
        rule = f"The {plan} plan takes {_many(plan.requests_per_minute)} a minute from a team."
    else:
        rate, where, who = settings.API_RATE, "api", str(caller.key.pk)
        rule = "This key has sent too many requests."
    return _count(rate, where, who, rule)


def stability_rule(key: ApiKey) -> Standing:
    """Count one request on the paths of the Stability API: `settings.API_BURST` of a key, then none for `settings.API_BURST_PAUSE` seconds
    (API.md 1.6). Raises `TooMany`."""
    storage, pause = throttle.limiter().storage, f"api-pause/{key.pk}"
    if storage.get(pause):
        _refuse_for(storage.get_expiry(pause) - time.time())
    try:
        return _count(settings.API_BURST, "stability", str(key.pk), "")
    except TooMany:
        if storage.incr(pause, settings.API_BURST_PAUSE) == 1:
            _refuse_for(settings.API_BURST_PAUSE)
        _refuse_for(storage.get_expiry(pause) - time.time())
    raise AssertionError


def _refuse_for(seconds: float) -> None:
    wait = max(1, math.ceil(seconds))
    rate = parse(settings.API_BURST)
    told = f"More than {_many(rate.amount)} in {rate.get_expiry()} seconds came with this key."
    raise TooMany(f"{told} Try again in {wait} s.", retry_after=wait, standing=Standing(rate.amount, 0, wait))


def _count(rate: str, where: str, who: str, rule: str) -> Standing:
    limit = parse(rate)
    limiter = throttle.limiter()
    is_free = limiter.hit(limit, where, who)
    window = limiter.get_window_stats(limit, where, who)
    reset = max(1, math.ceil(window.reset_time - time.time()))
    if not is_free:
        raise TooMany(f"{rule} Try again in {reset} s.", retry_after=reset, standing=Standing(limit.amount, 0, reset))
    return Standing(limit.amount, window.remaining, reset)


def _many(number: int) -> str:
    return "one request" if number == 1 else f"{number} requests"


def headers(standing: Standing) -> Mapping[str, str]:
    """Both spellings: `RateLimit-*` (the IETF's draft) and the older `X-RateLimit-*`; `Reset` in seconds from now."""
    told = {"Limit": standing.limit, "Remaining": standing.remaining, "Reset": standing.reset}
    return {f"{prefix}-{name}": str(value) for prefix in ("RateLimit", "X-RateLimit") for name, value in told.items()}
