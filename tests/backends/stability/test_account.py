"""The balance and the list of engines: asked for rarely, and nothing hangs on the answer."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from studio.backends import errors
from studio.backends.stability import StabilityBackend
from tests.backends.stability.conftest import Clock, Network, error_answer, json_answer, make_backend

SDXL = "stable-diffusion-xl-1024-v1-0"


@pytest.mark.parametrize(("credits", "millicredits"), [(0.6336833840314097, 634), (1072.5, 1_072_500), (0, 0), (-3, -3000)])
def test_the_balance_is_in_millicredits(credits: float, millicredits: int, backend: StabilityBackend, network: Network) -> None:
    network.answers = [json_answer({"credits": credits})]

    assert backend.balance() == millicredits


def test_the_balance_is_asked_for_once_a_minute(backend: StabilityBackend, network: Network, clock: Clock) -> None:
    network.answers = [json_answer({"credits": 1}), json_answer({"credits": 2})]

    assert [backend.balance(), backend.balance()] == [1000, 1000]
    clock.seconds += 60
    assert backend.balance() == 2000
    assert network.paths == ["GET /v1/user/balance"] * 2


def test_a_balance_that_cannot_be_read_is_not_asked_for_again_at_once(backend: StabilityBackend, network: Network, clock: Clock) -> None:
    network.answers = [error_answer(500, "server_error", "no", v1=True), json_answer({"credits": 2})]

    for _ in range(2):
        with pytest.raises(errors.EngineUnavailable):
            backend.balance()
    assert len(network.requests) == 1
    clock.seconds += 60
    assert backend.balance() == 2000


@pytest.mark.parametrize("body", [None, [], {}, {"credits": "12"}, {"credits": None}])
def test_a_balance_that_is_none_is_none(body: object, backend: StabilityBackend, network: Network) -> None:
    network.answers = [json_answer(body)]

    with pytest.raises(errors.EngineUnavailable):
        backend.balance()


def listed(*ids: str) -> httpx.Response:
    return json_answer([{"id": one, "name": one, "description": "", "type": "PICTURE"} for one in ids])


def ids(backend: StabilityBackend) -> set[str]:
    return {engine.id for engine in backend.engines()}


@pytest.fixture
def listing(network: Network, clock: Clock) -> StabilityBackend:
    """A backend that reads the list on the thread that asks."""
    backend = make_backend(network, clock)
    backend._start = lambda read: read()
    return backend


def test_an_engine_that_the_account_does_not_have_is_not_offered(listing: StabilityBackend, network: Network, clock: Clock) -> None:
    network.answers = [listed("stable-diffusion-v1-6"), listed(SDXL)]

    assert SDXL not in ids(listing)
    assert "stable-image-core" in ids(listing)
    assert network.paths == ["GET /v1/engines/list"]
    clock.seconds += 6 * 3600
    assert SDXL in ids(listing)


@pytest.mark.parametrize(
    "answer", [error_answer(500, "server_error", "no", v1=True), httpx.ReadTimeout("no"), json_answer({"id": SDXL}), httpx.Response(200)]
)
def test_without_a_list_all_are_offered(answer: httpx.Response, listing: StabilityBackend, network: Network, clock: Clock) -> None:
    network.answers = [answer, listed("something else")]

    assert SDXL in ids(listing)
    clock.seconds += 299
    assert SDXL in ids(listing)
    assert len(network.requests) == 1
    clock.seconds += 1
    assert SDXL not in ids(listing)


def test_a_list_that_was_read_is_kept_when_the_next_one_fails(listing: StabilityBackend, network: Network, clock: Clock) -> None:
    network.answers = [listed(), error_answer(500, "server_error", "no", v1=True)]

    assert SDXL not in ids(listing)
    clock.seconds += 6 * 3600
    assert SDXL not in ids(listing)
    assert len(network.requests) == 2


def test_a_page_does_not_wait_for_the_list(network: Network, clock: Clock) -> None:
    begun: list[Callable[[], None]] = []
    backend = make_backend(network, clock)
    backend._start = begun.append

    assert (len(ids(backend)), len(ids(backend))) == (26, 26)
    assert (len(begun), network.requests) == (1, [])
