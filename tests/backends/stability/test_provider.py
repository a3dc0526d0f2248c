"""Retries, keys and their health: what is asked again, with which key, and when."""

from __future__ import annotations

import math
import threading

import httpx
import pytest

from studio.backends import errors
from studio.backends.base import EngineState, GenerationRequest, Mode
from studio.backends.stability import StabilityBackend
from studio.backends.stability.keys import Key, KeyRing
from studio.backends.stability.limiter import HOLD, LocalLimiter
from tests.backends.stability.conftest import (
    KEY,
    OTHER_KEY,
    PICTURE,
    Clock,
    Network,
    error_answer,
    generate,
    json_answer,
    make_backend,
    picture_answer,
    wanted,
)


def limited(**headers: str) -> httpx.Response:
    return error_answer(429, "rate_limit_exceeded", "You have exceeded the rate limit.", **headers)


def trouble(status: int = 503) -> httpx.Response:
    return error_answer(status, "internal_error", "An unexpected server error has occurred.")


def keys_used(network: Network) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in network.requests]


# --- again -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_is_tried_again_four_times_later_each_time(status: int, backend: StabilityBackend, network: Network) -> None:
    network.always = lambda request: trouble(status)

    with pytest.raises(errors.EngineUnavailable):
        generate(backend, wanted())

    assert [after - before for before, after in zip(network.times, network.times[1:], strict=False)] == [1, 2, 4, 8]
    assert len(network.requests) == 5


def test_the_pause_is_spread_over_half_of_it_to_one_and_a_half(network: Network, clock: Clock) -> None:
    chances = iter([0.0, 0.999999])
    backend = make_backend(network, clock)
    backend._provider._jitter = lambda: next(chances)
    network.answers = [trouble(), trouble(), picture_answer()]

    generate(backend, wanted())

    first, second, third = network.times
    assert (second - first, third - second) == (pytest.approx(0.5), pytest.approx(3, abs=0.01))


@pytest.mark.parametrize(("status", "name"), [(400, "bad_request"), (403, "content_moderation"), (422, "invalid_language")])
def test_what_is_refused_is_refused(status: int, name: str, backend: StabilityBackend, network: Network) -> None:
    network.answers = [error_answer(status, name, "no")]

    with pytest.raises(errors.BackendError) as told:
        generate(backend, wanted())

    assert not told.value.retryable
    assert len(network.requests) == 1


def test_stop_is_heard_while_waiting(backend: StabilityBackend, network: Network, clock: Clock) -> None:
    network.always = lambda request: trouble()
    stopped_at = clock.now() + 2

    with pytest.raises(errors.RequestCanceled):
        generate(backend, wanted(), is_canceled=lambda: clock.now() >= stopped_at)

    assert clock.now() <= stopped_at + 0.25
    assert len(network.requests) == 2


def test_stop_before_the_first_call_sends_nothing(backend: StabilityBackend, network: Network, clock: Clock) -> None:
    told: list[str] = []
    for call in range(150):
        backend._keys._limiter.take(Key(KEY).id, str(call))

    with pytest.raises(errors.RequestCanceled):
        generate(backend, wanted(), is_canceled=lambda: True, on_sent=lambda: told.append("sent"))

    assert (network.requests, told) == ([], [])


# --- rate limits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "seconds"), [(None, 60), ("42", 42), ("soon", 60), ("0", 60), ("99999", 600)])
def test_a_rate_limit_rests_the_key(asked: str | None, seconds: int, backend: StabilityBackend, network: Network, clock: Clock) -> None:
    network.answers = [limited(**({"retry-after": asked} if asked else {}))]

    with pytest.raises(errors.CoolingDown) as told:
        generate(backend, wanted())

    assert (told.value.retry_after, told.value.retryable) == (seconds, True)
    with pytest.raises(errors.RateLimited) as still:
        generate(backend, wanted())
    assert still.value.retry_after == seconds
    assert len(network.requests) == 1
    assert {(engine.state, engine.state_detail) for engine in backend.engines()} == {
        (EngineState.COOLING_DOWN, f"Cooling down, {seconds} s.")
    }

    clock.seconds += seconds + 1
    network.answers = [picture_answer()]
    assert generate(backend, wanted())[0].data == PICTURE
    assert {engine.state for engine in backend.engines()} == {EngineState.READY}


def test_a_short_rest_is_waited_for(backend: StabilityBackend, network: Network) -> None:
    network.answers = [limited(**{"retry-after": "1"}), picture_answer()]

    assert generate(backend, wanted())[0].data == PICTURE


def test_another_key_goes_on_while_one_rests(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock, API_KEYS=[KEY, OTHER_KEY])
    network.answers = [limited(), picture_answer(), picture_answer()]

    generate(backend, wanted())
    generate(backend, wanted())

    assert keys_used(network) == [KEY, OTHER_KEY, OTHER_KEY]
    assert {engine.state for engine in backend.engines()} == {EngineState.READY}


def test_an_empty_balance_of_v1_is_no_rate_limit(backend: StabilityBackend, network: Network) -> None:
    network.answers = [error_answer(429, "insufficient_balance", "not enough balance", v1=True), picture_answer()]

    with pytest.raises(errors.ProviderOutOfCredits):
        generate(backend, wanted("stable-diffusion-xl-1024-v1-0"))

    assert generate(backend, wanted())[0].data == PICTURE
    assert EngineState.COOLING_DOWN not in {engine.state for engine in backend.engines()}


def states(backend: StabilityBackend) -> dict[str, EngineState]:
    return {engine.id: engine.state for engine in backend.engines()}


def without_credits(backend: StabilityBackend, network: Network) -> None:
    network.answers = [error_answer(402, "payment_required", "no")]
    with pytest.raises(errors.ProviderOutOfCredits):
        generate(backend, wanted("stable-image-core"))


def test_an_empty_account_that_pays_again_is_empty_no_more(backend: StabilityBackend, network: Network) -> None:
    without_credits(backend, network)
    network.answers = [picture_answer()]
    generate(backend, wanted("stable-image-core"))

    assert states(backend)["stable-image-core"] is EngineState.READY


def test_an_empty_account_is_told_for_a_minute_by_what_costs_as_much_or_more(
    backend: StabilityBackend, network: Network, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        without_credits(backend, network)

    price = {engine.id: engine.price.per_image for engine in backend.engines()}
    assert {one for one, state in states(backend).items() if state is EngineState.NO_CREDITS} == {
        one for one in price if price[one] >= price["stable-image-core"]
    }
    assert [record.levelname for record in caplog.records if "too few credits" in record.getMessage()] == ["ERROR"]
    clock.seconds += 60
    assert set(states(backend).values()) == {EngineState.READY}


@pytest.mark.parametrize(("credits", "state"), [(2.9, EngineState.NO_CREDITS), (3, EngineState.READY)])
def test_a_balance_that_suffices_ends_it(credits: float, state: EngineState, backend: StabilityBackend, network: Network) -> None:
    without_credits(backend, network)
    network.answers = [json_answer({"credits": credits})]
    backend.balance()

    assert states(backend)["stable-image-core"] is state


def test_a_worker_without_redis_leaves_two_calls_to_the_site_and_the_next_one_waits(backend: StabilityBackend, network: Network) -> None:
    network.always = lambda request: picture_answer()

    for _ in range(149):
        generate(backend, wanted())

    assert network.times[147] == network.times[0]
    assert network.times[148] - network.times[0] == pytest.approx(HOLD)


def test_a_limiter_that_is_gone_once_the_call_is_out_does_not_make_it_go_out_again(
    backend: StabilityBackend, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(key: str, call: str) -> None:
        raise errors.EngineUnavailable("The studio cannot count its calls just now.")

    monkeypatch.setattr(backend._keys._limiter, "left", gone)
    network.answers = [picture_answer()]

    assert generate(backend, wanted())[0].data == PICTURE
    assert len(network.requests) == 1


# --- keys ------------------------------------------------------------------------------------------------------------


def test_keys_take_turns(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock, API_KEYS=[KEY, OTHER_KEY, KEY, " "])
    network.always = lambda request: picture_answer()

    for _ in range(4):
        generate(backend, wanted())

    assert keys_used(network) == [KEY, OTHER_KEY, KEY, OTHER_KEY]


def test_a_refused_key_is_left_alone_for_a_while(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock, API_KEYS=[KEY, OTHER_KEY])
    network.answers = [error_answer(401, "unauthorized", "no"), *(picture_answer() for _ in range(3))]

    for _ in range(3):
        generate(backend, wanted())
    assert keys_used(network) == [KEY, OTHER_KEY, OTHER_KEY, OTHER_KEY]

    clock.seconds += 601
    network.requests.clear()
    network.always = lambda request: picture_answer()
    for _ in range(2):
        generate(backend, wanted())
    assert set(keys_used(network)) == {KEY, OTHER_KEY}


def test_when_every_key_is_refused_the_engines_say_so(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock, API_KEYS=[KEY, OTHER_KEY])
    network.always = lambda request: error_answer(401, "unauthorized", "no")

    for _ in range(2):
        with pytest.raises(errors.KeyRefused):
            generate(backend, wanted())

    assert keys_used(network) == [KEY, OTHER_KEY]
    assert {(engine.state, engine.state_detail) for engine in backend.engines()} == {
        (EngineState.NO_KEY, "Stability refused the studio's key.")
    }


def refuse(request: httpx.Request) -> httpx.Response:
    return error_answer(401, "unauthorized", "no")


def test_a_refused_key_is_tried_again_by_a_free_call_after_a_minute_and_later_each_time(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock)
    backend._start = lambda read: read()
    backend._account._list_again = math.inf
    network.always = refuse
    with pytest.raises(errors.KeyRefused):
        generate(backend, wanted())
    began, network.requests = clock.now(), []

    for seconds in (60, 120, 240, 480, 600, 600):
        [waits] = {engine.state_seconds for engine in backend.engines()}
        assert waits == seconds
        assert {engine.state for engine in backend.engines()} == {EngineState.NO_KEY}
        clock.seconds += seconds
    network.always = lambda request: json_answer({"credits": 5})
    backend.engines()

    assert {engine.state for engine in backend.engines()} == {EngineState.READY}
    assert network.paths == ["GET /v1/user/balance"] * 6
    assert clock.now() - began == 2100


def test_refusals_of_calls_that_were_out_together_are_one(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock)
    for _ in range(3):
        backend._keys.note(Key(KEY), errors.KeyRefused())

    assert {engine.state_seconds for engine in backend.engines()} == {60}


def test_credits_are_looked_for_with_every_key_once(network: Network, clock: Clock) -> None:
    """Another key may belong to another account, and a cheaper picture may still be paid for."""
    backend = make_backend(network, clock, API_KEYS=[KEY, OTHER_KEY])
    network.always = lambda request: error_answer(402, "payment_required", "no")

    with pytest.raises(errors.ProviderOutOfCredits):
        generate(backend, wanted("stable-image-upscale-conservative"))

    assert sorted(keys_used(network)) == sorted([KEY, OTHER_KEY])
    network.always = lambda request: picture_answer()
    assert generate(backend, wanted())[0].data == PICTURE


def test_a_key_is_known_by_a_name_that_is_no_secret() -> None:
    key = Key(KEY)

    assert len(key.id) == 12
    assert key.id == Key(KEY).id != Key(OTHER_KEY).id
    assert KEY not in repr(key)


def test_no_more_calls_are_out_than_allowed(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock, IN_FLIGHT=2)
    out, most = 0, 0
    lock, full = threading.Lock(), threading.Barrier(2, timeout=30)

    def slow(request: httpx.Request) -> httpx.Response:
        nonlocal out, most
        with lock:
            out += 1
            most = max(most, out)
        full.wait()
        with lock:
            out -= 1
        return picture_answer()

    network.always = slow
    assert len(generate(backend, wanted(num_images=4))) == 4
    assert most == 2


def test_who_waits_can_stop_and_lets_the_others_go_on(clock: Clock) -> None:
    ring = KeyRing([KEY], LocalLimiter(clock.now), now=clock.now, sleep=clock.sleep, in_flight=1)
    stop = threading.Event()
    ended: list[str] = []

    def wait_for_a_place() -> None:
        try:
            with ring.lease(stop.is_set):
                ended.append("went")
        except errors.RequestCanceled:
            ended.append("stopped")

    with ring.lease(lambda: False):
        thread = threading.Thread(target=wait_for_a_place)
        thread.start()
        stop.set()
        thread.join(30)
    assert ended == ["stopped"]
    with ring.lease(lambda: False) as lease:
        assert lease.key == Key(KEY)


def test_without_a_key_there_are_no_engines(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock, API_KEYS=[])

    assert backend.engines() == ()
    for call in (lambda: generate(backend, wanted()), backend.balance):
        with pytest.raises(errors.NotConfigured):
            call()
    assert network.requests == []


def test_an_unknown_engine_or_mode_is_refused_here(backend: StabilityBackend, network: Network) -> None:
    with pytest.raises(errors.NotConfigured):
        generate(backend, GenerationRequest("stable-diffusion-v1-5", Mode.TEXT_TO_IMAGE, 1, "a boat"))
    with pytest.raises(errors.InvalidRequest) as told:
        generate(backend, GenerationRequest("stable-image-core", Mode.ERASE, 1))
    assert told.value.message == "Stable Image Core does not do “Erase”."
    assert network.requests == []
