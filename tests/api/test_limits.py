"""How often a program may ask, exactly, and that every answer says where it stands."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from billing.models import Plan
from studio.api import limits
from studio.api.errors import TooMany
from studio.generation import throttle
from tests.api.conftest import problem

pytestmark = pytest.mark.django_db

NAMES = ("Limit", "Remaining", "Reset")


def told(answer) -> tuple[int, ...]:
    own = tuple(int(answer[f"RateLimit-{name}"]) for name in NAMES)
    assert own == tuple(int(answer[f"X-RateLimit-{name}"]) for name in NAMES)
    return own


def test_every_answer_says_where_the_key_stands(alice, program, settings):
    settings.API_RATE = "3/minute"
    robot = program(alice)

    first, second, third, fourth = robot.get("/engines"), robot.get("/nothing-here"), robot.get("/jobs/x"), robot.post("/quotes", {})

    assert told(first)[:2] == (3, 2)
    assert 1 <= told(first)[2] <= 60
    assert [answer.status_code for answer in (second, third)] == [404, 404]  # no operation, so nobody was asked for a key
    assert not second.has_header("RateLimit-Limit")
    assert told(fourth)[:2] == (3, 1)
    assert fourth.status_code == 422


def test_too_many_are_refused_with_the_time_to_wait(alice, program, settings):
    settings.API_RATE = "2/minute"
    robot, other = program(alice), program(alice)
    assert [robot.get("/engines").status_code for _ in range(2)] == [200, 200]

    refused = robot.get("/engines")

    problem(refused, 429, "too_many_requests")
    assert told(refused)[:2] == (2, 0)
    assert refused["Retry-After"] == refused["RateLimit-Reset"]
    assert other.get("/engines").status_code == 200


def test_a_key_that_lacks_the_scope_is_counted_too(alice, program, settings):
    settings.API_RATE = "1/minute"
    robot = program(alice, scopes=("templates",))

    assert told(robot.get("/jobs"))[:2] == (1, 0)
    problem(robot.get("/jobs"), 429, "too_many_requests")


def test_the_plan_counts_all_keys_and_pages_of_a_team(alice, bob, rich, program):
    Plan.objects.filter(slug="studio").update(requests_per_minute=3)
    one, two = program(alice), program(bob)

    assert told(one.get("/engines"))[:2] == (3, 2)
    assert throttle.seconds_for_team(rich.pk, 3) == 0
    assert told(two.get("/engines"))[:2] == (3, 0)
    refused = problem(one.get("/engines"), 429, "too_many_requests")
    assert "plan takes 3 requests a minute" in refused["detail"]


def test_a_window_moves(alice, program, settings, monkeypatch):
    settings.API_RATE = "2/second"
    robot = program(alice)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    assert [robot.get("/engines").status_code for _ in range(3)] == [200, 200, 429]

    now += 1.1

    assert robot.get("/engines").status_code == 200


def together(number: int, ask) -> list[bool]:
    """Whether each of so many at the very same time was let through."""
    ready = Barrier(number)

    def one(_: int) -> bool:
        ready.wait(30)
        try:
            ask()
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def test_the_count_is_exact_however_many_come_at_once(alice, program, settings):
    settings.API_RATE = "20/minute"
    key = program(alice).key

    let_in = together(40, lambda: limits._count(settings.API_RATE, "api", str(key.pk), "Rule."))

    assert sum(let_in) == 20


def test_the_rule_of_the_stability_paths_is_exact_and_for_each_key(alice, program, settings):
    settings.API_BURST, settings.API_BURST_PAUSE = "30/10 seconds", 60
    key, other = program(alice).key, program(alice).key

    assert sum(together(50, lambda: limits.stability_rule(key))) == 30
    assert limits.stability_rule(other).remaining == 29
    with pytest.raises(TooMany) as refused:
        limits.stability_rule(key)
    assert refused.value.retry_after in (59, 60)
    assert refused.value.standing == limits.Standing(30, 0, refused.value.retry_after)


def test_after_a_burst_a_key_is_out_for_the_whole_pause(alice, program, settings, monkeypatch):
    settings.API_BURST, settings.API_BURST_PAUSE = "3/10 seconds", 60
    key, own = program(alice).key, MovingWindowRateLimiter(storage_from_string("memory://"))  # Redis has a clock of its own
    monkeypatch.setattr(throttle, "limiter", lambda: own)
    start = now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    for _ in range(3):
        limits.stability_rule(key)

    for seconds in (0, 11, 59):  # the window is free again after 10 seconds; the pause is not over
        now = start + seconds
        with pytest.raises(TooMany) as refused:
            limits.stability_rule(key)
        assert refused.value.retry_after == 60 - seconds
    now = start + 60.1
    assert limits.stability_rule(key).remaining == 2
