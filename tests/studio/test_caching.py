"""The cache while its Redis is refused, hangs, is full, or comes back empty."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache.backends.locmem import _caches
from django.test import Client
from structlog.testing import capture_logs

from accounts.models import ApiKey, User
from studio import outages
from studio.caching import SoftRedisCache
from studio.generation import previews
from tests.conftest import PASSWORD
from tests.developers.test_key_pages import FORM as KEY_FORM
from tests.outages import Watch, own_outage
from tests.redis_server import OwnRedis


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def outage(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> outages.Outage:
    return own_outage(monkeypatch, watch)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnRedis]:
    own = OwnRedis(tmp_path).start()
    yield own
    own.kill()


@pytest.fixture
def cache(server: OwnRedis, outage: outages.Outage) -> Iterator[SoftRedisCache]:
    made = SoftRedisCache(server.url, {"KEY_PREFIX": f"test-{server.port}", "OPTIONS": {"socket_timeout": 0.2}})
    yield made
    _caches.pop(f"meanwhile-test-{server.port}", None)


def back(server: OwnRedis, watch: Watch, *options: str) -> None:
    """Redis is there again, and it is time to ask it."""
    server.start(*options)
    watch.rest()


def test_while_redis_answers_nothing_is_kept_here(cache: SoftRedisCache) -> None:
    cache.set("a", [1], 60)

    assert (cache.get("a"), cache.add("a", 2), cache.add("b", 3, 60), cache.incr("b")) == ([1], False, True, 4)
    assert (cache.get_many(["a", "b", "c"]), cache.has_key("c")) == ({"a": [1], "b": 4}, False)
    assert (cache.delete("a"), cache.delete("a"), cache.get("a", "none")) == (True, False, "none")
    assert cache._meanwhile._cache == {}


def test_a_redis_that_is_gone_is_replaced_by_the_memory_of_the_process(cache: SoftRedisCache, server: OwnRedis) -> None:
    cache.set("before", 1, 60)
    server.kill()

    assert cache.get("before", "none") == "none"
    cache.set("a", [1], 60)
    assert (cache.get("a"), cache.add("a", 2), cache.add("b", 3, 60), cache.incr("b"), cache.has_key("b")) == ([1], False, True, 4, True)
    cache.set_many({"c": 5, "d": 6}, 60)
    assert cache.get_many(["a", "c", "d"]) == {"a": [1], "c": 5, "d": 6}
    assert (cache.touch("a", 60), cache.delete("a"), cache.has_key("a")) == (True, True, False)
    cache.delete_many(["c"])
    assert cache.get_many(["c", "d"]) == {"d": 6}
    with pytest.raises(ValueError, match="not found"):
        cache.incr("nobody")


def test_it_is_asked_again_after_a_rest_and_the_log_has_two_lines(cache: SoftRedisCache, server: OwnRedis, watch: Watch) -> None:
    server.kill()
    with capture_logs() as lines:
        for number in range(50):
            cache.set(f"key-{number}", number, 60)
        server.start()
        cache.set("kept", "here", 60)  # too early: nobody asks
        assert cache._meanwhile.get("kept") == "here"
        watch.rest()
        cache.set("late", "there", 60)

    assert [(line["event"], line["service"]) for line in lines] == [("service_away", "redis"), ("service_back", "redis")]
    assert (cache.get("late"), cache._meanwhile.get("late")) == ("there", None)
    assert cache.get("kept") == "here"  # nothing that was kept meanwhile is lost for this process
    cache.set("kept", "there", 60)
    assert (cache.get("kept"), cache._meanwhile.get("kept")) == ("there", None)


def test_a_redis_that_hangs_costs_one_short_wait(cache: SoftRedisCache, server: OwnRedis, outage: outages.Outage) -> None:
    server.freeze()
    asked = time.monotonic()
    for number in range(100):
        cache.set(f"key-{number}", number, 60)

    assert [cache.get(f"key-{number}") for number in range(100)] == list(range(100))
    assert outage.is_on
    assert time.monotonic() - asked < 100 * 0.2, "every call has waited"


def test_what_a_full_redis_refuses_is_kept_here(cache: SoftRedisCache, server: OwnRedis, watch: Watch, outage: outages.Outage) -> None:
    server.kill()
    back(server, watch, "--maxmemory", "100kb", "--maxmemory-policy", "noeviction")
    with capture_logs() as lines:
        for number in range(20):
            cache.set(f"key-{number}", number, 60)

    assert [cache.get(f"key-{number}") for number in range(20)] == list(range(20))
    assert not cache.add("key-1", "another")
    assert [(line["event"], line["reason"]) for line in lines] == [("service_refuses", "OutOfMemoryError")]
    assert not outage.is_on


def test_of_many_callers_one_tries_a_service_that_is_away(outage: outages.Outage, watch: Watch) -> None:
    outage.failed(ConnectionError())
    watch.rest()

    assert [outage.may_ask() for _ in range(20)] == [True, *[False] * 19]
    outage.answered()
    assert all(outage.may_ask() for _ in range(20))


@pytest.fixture
def without_redis(settings: Any, outage: outages.Outage, tmp_path: Path) -> OwnRedis:
    """The studio's cache is that of a Redis which was never started."""
    nobody = OwnRedis(tmp_path)
    soft = {"BACKEND": "studio.caching.SoftRedisCache", "LOCATION": nobody.url}
    settings.CACHES = {name: {**soft, "KEY_PREFIX": f"{name}-{nobody.port}", "TIMEOUT": 120} for name in ("default", "previews")}
    return nobody


def test_people_sign_in_and_work_without_redis(without_redis: OwnRedis, alice: User, outage: outages.Outage) -> None:
    client = Client()

    response = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})

    assert response.status_code == 302
    assert [client.get(page).status_code for page in ("/create/", "/library/")] == [200, 200]
    assert outage.is_on


def test_who_guesses_passwords_is_stopped_without_redis_too(without_redis: OwnRedis, alice: User) -> None:
    client = Client()
    answers = [client.post("/accounts/login/", {"login": alice.email, "password": f"guess {number}"}) for number in range(12)]

    assert "Too many tries" in answers[-1].content.decode()
    assert "Too many tries" not in answers[0].content.decode()


def test_a_preview_is_no_reason_to_fail(without_redis: OwnRedis) -> None:
    previews.put("0192", 3, b"jpeg")
    assert previews.get("0192", 3) == b"jpeg"
    previews.forget("0192")
    assert previews.latest("0192") is None


def test_no_key_is_made_whose_secret_could_not_be_shown(without_redis: OwnRedis, alice: User, team: Any, client_of: Any) -> None:
    response = client_of(alice).post("/developers/keys/new/", {**KEY_FORM, "ticket": "t"})

    assert response.status_code == 422
    assert "No key was made; try again in a minute." in response.content.decode()
    assert ApiKey.objects.count() == 0
