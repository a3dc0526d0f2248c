"""Limits while Redis is away: each process counts by itself, and goes back to counting with the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from limits.strategies import MovingWindowRateLimiter
from structlog.testing import capture_logs

from billing import tries
from studio import outages
from studio.api import limits
from studio.api.errors import TooMany
from studio.generation import throttle
from tests.outages import Watch, own_outage
from tests.redis_server import OwnRedis


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> outages.Outage:
    return own_outage(monkeypatch, watch)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnRedis]:
    own = OwnRedis(tmp_path).start()
    yield own
    own.kill()


@pytest.fixture
def limiter(server: OwnRedis, outage: outages.Outage, monkeypatch: pytest.MonkeyPatch) -> MovingWindowRateLimiter:
    """That of the process, with a Redis of its own."""
    made = MovingWindowRateLimiter(throttle.SoftRedisStorage(server.url, seconds=0.2))
    monkeypatch.setattr(throttle, "limiter", lambda: made)
    return made


@pytest.mark.parametrize("away", ["kill", "freeze"])
def test_without_redis_a_limit_is_that_of_the_process(away: str, limiter: MovingWindowRateLimiter, server: OwnRedis) -> None:
    getattr(server, away)()
    with capture_logs() as lines:
        waits = [throttle.wait_for("submit", "7", "5/minute") for _ in range(8)]

    assert waits[:5] == [0] * 5
    assert all(59 <= wait <= 60 for wait in waits[5:])
    assert throttle.used_by_team(9, 3) == 0
    assert [line["event"] for line in lines] == ["service_away"]


def test_it_counts_in_redis_again_by_itself(limiter: MovingWindowRateLimiter, server: OwnRedis, watch: Watch) -> None:
    other = MovingWindowRateLimiter(throttle.SoftRedisStorage(server.url))
    server.kill()
    assert throttle.wait_for("submit", "7", "1/minute") == 0
    server.start()
    watch.rest()

    assert throttle.wait_for("submit", "7", "1/minute") == 0
    assert not other.hit(throttle._rate("1/minute"), "submit", "7"), "another process does not hear of it"


def test_a_redis_that_is_full_lets_nobody_through(limiter: MovingWindowRateLimiter, server: OwnRedis, watch: Watch) -> None:
    server.kill()
    server.start("--maxmemory", "100kb", "--maxmemory-policy", "noeviction")

    assert [throttle.wait_for("submit", "7", "2/minute") > 0 for _ in range(4)] == [False, False, True, True]


def test_codes_are_tried_ten_times_without_redis(limiter: MovingWindowRateLimiter, server: OwnRedis) -> None:
    server.kill()
    assert [tries.seconds_to_wait(3) > 0 for _ in range(12)] == [False] * 10 + [True] * 2


def test_programs_are_counted_without_redis(limiter: MovingWindowRateLimiter, server: OwnRedis, settings: object) -> None:
    server.kill()
    settings.API_BURST, settings.API_BURST_PAUSE = "3/10 seconds", 60  # type: ignore[attr-defined]
    key = type("Key", (), {"pk": 5})()

    assert [limits.stability_rule(key).remaining for _ in range(3)] == [2, 1, 0]
    for _ in range(2):
        with pytest.raises(TooMany) as refused:
            limits.stability_rule(key)
        assert refused.value.retry_after in (59, 60)
