"""The limiter of several workers whose Redis is killed, hangs, and comes back, with memory and without: never more than 150 in 10 s."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.backends.errors import CoolingDown
from studio.backends.stability import redis_limiter
from studio.backends.stability.limiter import HOLD, LIMIT, SENDING
from studio.backends.stability.redis_limiter import ASK_AGAIN, MOST, PATIENCE, SHARE, SILENT, RedisLimiter
from tests.backends.stability.conftest import Clock
from tests.redis_server import OwnRedis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnRedis]:
    own = OwnRedis(tmp_path).start()
    yield own
    own.kill()


@pytest.fixture
def workers(server: OwnRedis, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> list[RedisLimiter]:
    """Three that have worked for a while."""
    monkeypatch.setattr(redis_limiter, "SECONDS", 0.2)
    made = [RedisLimiter(server.url, clock.now) for _ in range(3)]
    calls_of(made, 3)
    clock.seconds += HOLD + SENDING + 0.001
    for worker in made:
        worker.left("key", "nothing")
    return made


def calls_of(workers: list[RedisLimiter], tries: int) -> int:
    """How many of so many calls go, asked for in turn. They are out until somebody says that they have left."""
    gone = 0
    for number in range(tries):
        try:
            gone += workers[number % len(workers)].take("key", uuid.uuid4().hex).wait == 0
        except CoolingDown:
            continue
    return gone


def everything_leaves(workers: list[RedisLimiter]) -> None:
    for worker in workers:
        for call in worker._own.out("key"):
            worker._own.left("key", call)


def test_a_bucket_that_redis_does_not_know_begins_full(server: OwnRedis, clock: Clock) -> None:
    worker = RedisLimiter(server.url, clock.now)

    assert worker.take("key", "c0").wait == pytest.approx(HOLD, abs=0.001)
    clock.seconds += HOLD + 0.001
    assert calls_of([worker], LIMIT) == LIMIT - SHARE * MOST
    clock.seconds += SENDING + 0.001
    assert calls_of([worker], 2 * LIMIT) == LIMIT


def test_a_redis_that_comes_back_empty_counts_what_is_out(workers: list[RedisLimiter], server: OwnRedis, clock: Clock) -> None:
    """150 have gone; without the rule another 150 would go at once."""
    assert calls_of(workers, 200) == LIMIT
    server.kill()
    server.start()
    clock.seconds += ASK_AGAIN

    assert calls_of(workers, 50) == 0
    clock.seconds += HOLD  # the bucket is no longer full of what was forgotten, but these are still on their way
    assert calls_of(workers, 50) == 0
    everything_leaves(workers)
    clock.seconds += SENDING + 0.001
    assert calls_of(workers, 400) == LIMIT


@pytest.mark.parametrize("away", ["kill", "freeze"])
def test_without_redis_workers_wait_and_go_on_with_their_share(
    away: str, workers: list[RedisLimiter], server: OwnRedis, clock: Clock
) -> None:
    assert calls_of(workers, 200) == LIMIT
    getattr(server, away)()

    assert calls_of(workers, 6) == 0
    clock.seconds += PATIENCE - 0.01
    assert calls_of(workers, 6) == 0
    with pytest.raises(CoolingDown, match="It goes on by itself"):
        workers[0].take("key", "c")
    clock.seconds += 0.02
    assert calls_of(workers, 60) == 3 * SHARE
    everything_leaves(workers)
    clock.seconds += HOLD - 0.01
    assert calls_of(workers, 60) == 0
    clock.seconds += 0.02
    assert calls_of(workers, 60) == 3 * SHARE


def test_when_redis_is_back_the_calls_of_the_shares_count(workers: list[RedisLimiter], server: OwnRedis, clock: Clock) -> None:
    server.freeze()
    calls_of(workers, 3)
    clock.seconds += PATIENCE + 0.01
    assert calls_of(workers, 60) == 3 * SHARE
    server.resume()
    clock.seconds += ASK_AGAIN

    # The first to come back finds the shares of the other two kept back, and its own three calls counted.
    assert calls_of(workers[:1], 200) == LIMIT - 3 * SHARE
    assert calls_of(workers, 200) == 0
    assert workers[0].take("key", "one more").wait > 0


def test_the_share_of_a_worker_that_is_cut_off_alone_is_kept_back(workers: list[RedisLimiter], clock: Clock) -> None:
    alone, others = workers[0], workers[1:]
    alone._url, alone._loaded = "redis://127.0.0.1:1/0", None
    calls_of([alone], 1)
    clock.seconds += SILENT + 0.01
    calls_of(others, 2)
    clock.seconds += PATIENCE
    calls_of(others, 2)

    assert calls_of([alone], 50) == SHARE
    assert calls_of(others, 300) + 2 == LIMIT - SHARE


def test_more_workers_than_there_are_shares_wait(workers: list[RedisLimiter], server: OwnRedis, clock: Clock) -> None:
    more = [*workers, *(RedisLimiter(server.url, clock.now) for _ in range(MOST))]
    assert calls_of(more, len(more)) == len(more)
    server.kill()
    calls_of(more, len(more))
    clock.seconds += PATIENCE + 0.01

    everything_leaves(more)
    clock.seconds += HOLD + 0.01
    assert calls_of(more, 20 * len(more)) == SHARE * MOST <= LIMIT


def test_a_rest_that_the_provider_asked_for_holds_without_redis(workers: list[RedisLimiter], server: OwnRedis) -> None:
    server.kill()
    workers[0].cool_down("key", 60)

    assert workers[0].cooling("key") == 60
    workers[0].left("key", "c0")
