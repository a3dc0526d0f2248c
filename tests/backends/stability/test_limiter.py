"""Never more than 150 calls of a key in any 10 seconds, and never much fewer: simulated against servers that count.

With `REDIS_URL` everything here runs through a real Redis too.
"""

from __future__ import annotations

import heapq
import os
import random
import uuid
from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from studio.backends.errors import CoolingDown
from studio.backends.stability.limiter import HOLD, SENDING, Limiter, LocalLimiter
from studio.backends.stability.redis_limiter import RedisLimiter
from tests.backends.stability.conftest import Clock

LIMIT, WINDOW = 150, 10.0
"""What the provider counts (`stability/API.md` 0), not what our side believes."""
WORKERS = 3
THREADS = 16
REDIS_URL = os.environ.get("REDIS_URL", "")
KINDS = ["local", *(["redis"] if REDIS_URL else [])]

Make = Callable[[], Limiter]


@pytest.fixture(params=KINDS)
def limiters(request: pytest.FixtureRequest, clock: Clock) -> Make:
    """Makes the limiter of each worker: in one process they share it, elsewhere they share Redis."""
    if request.param == "redis":
        prefix = f"test-{uuid.uuid4().hex}"
        for key in ("key", "other", "another"):  # a bucket that Redis did not know begins full
            RedisLimiter(REDIS_URL, clock.now, prefix=prefix)._run(key, "keep", "nobody", 0)
        clock.seconds += HOLD + SENDING + 0.001
        return lambda: RedisLimiter(REDIS_URL, clock.now, prefix=prefix)
    shared = LocalLimiter(clock.now)
    return lambda: shared


@pytest.fixture
def limiter(limiters: Make) -> Limiter:
    return limiters()


class SlidingWindow:
    """Refuses the 151st call within any 10 s."""

    def __init__(self) -> None:
        self.seen: deque[float] = deque()

    def allows(self, now: float) -> bool:
        while self.seen and self.seen[0] <= now - WINDOW:
            self.seen.popleft()
        self.seen.append(now)
        return len(self.seen) <= LIMIT


class FixedWindow:
    """Counts anew every 10 s, from a moment that nobody knows."""

    def __init__(self, offset: float = 3.7) -> None:
        self.offset, self.window, self.number = offset, 0, 0

    def allows(self, now: float) -> bool:
        window = int((now + self.offset) // WINDOW)
        self.window, self.number = (window, 1 if window != self.window else self.number + 1)
        return self.number <= LIMIT


def simulate(
    clock: Clock, limiters: list[Limiter], calls: int, *, sending: Callable[[], float], transit: Callable[[], float], takes: float
) -> list[float]:
    """Run `calls` calls of many threads that all want to go at once; return when the server counted each.

    A call takes a token, needs `sending` seconds until its last byte has left and `transit` more until the server counts it, and its
    thread is free again after `takes`.
    """
    order, arrivals, started = count(), [], 0
    events: list[tuple[float, int, Callable[[], None]]] = []

    def later(seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(events, (clock.seconds + seconds, next(order), what))

    def want(limiter: Limiter) -> None:
        nonlocal started
        if started == calls:
            return
        call = uuid.uuid4().hex
        turn = limiter.take("key", call)
        if turn.wait:
            assert not turn.cooling
            later(min(turn.wait, 0.25), lambda: want(limiter))
            return
        started += 1
        way = sending()
        later(way, lambda: limiter.left("key", call))
        arrivals.append(clock.seconds + way + transit())
        later(way + takes, lambda: want(limiter))

    for thread in range(len(limiters) * THREADS):
        want(limiters[thread % len(limiters)])
    while events:
        clock.seconds, _, what = heapq.heappop(events)
        what()
    return sorted(arrivals)


@pytest.mark.parametrize("enforcer", [SlidingWindow, FixedWindow])
@pytest.mark.parametrize("uploads", ["words", "pictures"])
def test_a_server_that_counts_never_refuses_a_call(enforcer: type, uploads: str, limiters: Make, clock: Clock) -> None:
    """Three workers, forty-eight threads, 600 calls; with `pictures` some bodies need seconds to be sent and others nothing."""
    chance = random.Random(7)
    sending = (lambda: 0.001) if uploads == "words" else lambda: chance.choice((0.001, 0.05, 4.0))

    arrivals = simulate(
        clock, [limiters() for _ in range(WORKERS)], 600, sending=sending, transit=lambda: chance.uniform(0.01, 0.1), takes=0.05
    )

    server = enforcer()
    assert len(arrivals) == 600
    assert all(server.allows(moment) for moment in arrivals)


def test_at_least_147_calls_in_10_seconds_get_through(limiters: Make, clock: Clock) -> None:
    arrivals = simulate(clock, [limiters() for _ in range(WORKERS)], 600, sending=lambda: 0.005, transit=lambda: 0.02, takes=0.05)

    # 600 calls begin with a full bucket: what counts is the pace from the 151st to the last.
    assert (len(arrivals) - LIMIT) / (arrivals[-1] - arrivals[LIMIT - 1]) * WINDOW >= 147
    assert LIMIT / HOLD * WINDOW >= 148.5


def test_a_bucket_that_is_refilled_at_a_rate_would_be_refused(clock: Clock) -> None:
    """Why this is no usual token bucket: its content and its refill fit into one window."""
    server = SlidingWindow()
    tokens, last = float(LIMIT), clock.seconds
    refused = 0
    for _ in range(2000):
        clock.seconds += 0.01
        tokens, last = min(LIMIT, tokens + (clock.seconds - last) * LIMIT / WINDOW), clock.seconds
        if tokens >= 1:
            tokens -= 1
            refused += not server.allows(clock.seconds)

    assert refused > 0


def test_a_token_comes_back_after_its_call_has_left(limiter: Limiter, clock: Clock) -> None:
    for call in range(LIMIT):
        assert limiter.take("key", f"c{call}").wait == 0
    clock.seconds += 5
    limiter.left("key", "c0")

    assert limiter.take("key", "late").wait == pytest.approx(HOLD, abs=0.001)
    clock.seconds += HOLD - 0.01
    assert limiter.take("key", "late").wait == pytest.approx(0.01, abs=0.001)
    clock.seconds += 0.011
    assert limiter.take("key", "late").wait == 0
    assert limiter.take("key", "later").wait > 0
    assert limiter.take("other", "c0").wait == 0


def test_a_token_of_a_dead_worker_comes_back_too(limiter: Limiter, clock: Clock) -> None:
    for call in range(LIMIT):
        limiter.take("key", f"c{call}")

    clock.seconds += SENDING + 0.001

    assert [limiter.take("key", f"d{call}").wait for call in range(LIMIT)] == [0] * LIMIT
    assert limiter.take("key", "one more").wait > 0


def test_to_have_left_without_a_token_takes_none(limiter: Limiter) -> None:
    limiter.left("key", "never taken")

    assert [limiter.take("key", f"c{call}").wait for call in range(LIMIT)] == [0] * LIMIT


def test_a_key_that_cools_down_lets_nothing_go(limiters: Make, clock: Clock) -> None:
    one, other = limiters(), limiters()
    one.cool_down("key", 60)
    one.cool_down("key", 5)  # a shorter one does not end the longer one

    turn = other.take("key", "c0")

    assert (turn.cooling, turn.wait) == (True, pytest.approx(60, abs=0.001))
    assert other.take("another", "c0").wait == 0
    clock.seconds += 18
    assert other.cooling("key") == pytest.approx(42, abs=0.001)
    clock.seconds += 42.001
    assert other.cooling("key") == 0
    assert other.take("key", "c0").wait == 0


def test_a_worker_that_redis_never_knew_waits(tmp_path: Path) -> None:
    """Nobody knows what the other workers send, and nobody has kept a share back for it."""
    with pytest.raises(CoolingDown) as told:
        RedisLimiter(f"unix://{tmp_path}/nobody.sock").take("key", "c0")

    assert told.value.message == "The studio cannot count its calls just now, so this waits. It goes on by itself."
    assert told.value.retry_after == 5
