"""Work that goes on at the provider: submitted once, polled until it is done, resumed by whoever comes next."""

from __future__ import annotations

import httpx
import pytest

from studio.backends import errors
from studio.backends.stability import StabilityBackend
from studio.backends.stability.keys import Key
from tests.backends.stability.conftest import (
    GENERATION_ID,
    KEY,
    OTHER_KEY,
    PICTURE,
    SOUND,
    Clock,
    Network,
    Watcher,
    error_answer,
    generate,
    json_answer,
    make_backend,
    picture_answer,
    wanted,
)

CREATIVE = "stable-image-upscale-creative"
PROVIDER_ID = f"{Key(KEY).id}.{GENERATION_ID}"


def submitted(status: int = 200) -> httpx.Response:
    return json_answer({"id": GENERATION_ID}, status)


def running() -> httpx.Response:
    return json_answer({"id": GENERATION_ID, "status": "in-progress"}, 202)


def gone() -> httpx.Response:
    return error_answer(404, "generation_not_found", "id: the generation either does not exist or has expired.")


def resume(backend: StabilityBackend, provider_id: str = PROVIDER_ID, engine: str = CREATIVE):  # type: ignore[no-untyped-def]
    return backend.resume(wanted(engine), provider_id, on_progress=lambda progress: None, is_canceled=lambda: False)


@pytest.mark.parametrize(
    ("engine", "status", "address"),
    [
        (CREATIVE, 200, "/v2beta/results/"),
        ("stable-image-replace-background-and-relight", 200, "/v2beta/results/"),
        ("stable-audio-3", 202, "/v2beta/audio/results/"),
    ],
)
def test_a_job_is_submitted_once_and_polled_every_ten_seconds(
    engine: str, status: int, address: str, backend: StabilityBackend, network: Network
) -> None:
    data, mime = (SOUND, "audio/wav") if "audio" in engine else (PICTURE, "image/png")
    network.answers = [submitted(status), running(), running(), picture_answer(data=data, **{"content-type": mime})]
    watcher = Watcher()

    [media] = generate(backend, wanted(engine), **watcher.callbacks())

    assert (media.data, media.mime, media.seed) == (data, mime, 4711)
    assert network.paths[1:] == [f"GET {address}{GENERATION_ID}"] * 3
    assert [after - before for before, after in zip(network.times[1:], network.times[2:], strict=False)] == [10, 10]
    assert watcher.told == ["sent", PROVIDER_ID, (1, 1)]


def test_a_submission_that_is_made_again_is_noted_once(backend: StabilityBackend, network: Network) -> None:
    network.answers = [error_answer(503, "internal_error", "no"), submitted(), picture_answer()]
    watcher = Watcher()

    generate(backend, wanted(CREATIVE), **watcher.callbacks())

    assert watcher.told == ["sent", PROVIDER_ID, (1, 1)]


def test_a_restart_goes_on_with_the_same_job(network: Network, clock: Clock) -> None:
    """Another process, which knows no more than the row."""
    network.answers = [submitted(), httpx.ReadTimeout("the process is gone")]
    network.always = lambda request: gone()
    ids: list[str] = []
    with pytest.raises(errors.BackendError):
        generate(make_backend(network, clock), wanted(CREATIVE), on_submitted=ids.append)

    network.answers = [running(), picture_answer()]
    [media] = resume(make_backend(network, clock), ids[0])

    assert media.data == PICTURE
    assert [path for path in network.paths if path.startswith("POST")] == ["POST /v2beta/stable-image/upscale/creative"]


def test_a_job_is_asked_for_with_the_key_it_was_submitted_with(network: Network, clock: Clock) -> None:
    """Any other gets a 404 (`stability/API.md` 2.9)."""
    backend = make_backend(network, clock, API_KEYS=[OTHER_KEY, KEY])
    network.always = lambda request: running()
    network.answers = [running(), running(), running(), picture_answer()]

    resume(backend)

    assert {request.headers["authorization"] for request in network.requests} == {f"Bearer {KEY}"}


def test_a_job_whose_key_is_gone_cannot_be_fetched(network: Network, clock: Clock) -> None:
    with pytest.raises(errors.KeyRefused):
        resume(make_backend(network, clock, API_KEYS=[OTHER_KEY]))

    assert network.requests == []


def test_a_job_that_the_provider_does_not_know_is_lost(backend: StabilityBackend, network: Network) -> None:
    network.answers = [gone()]

    with pytest.raises(errors.ResultUnknown) as told:
        resume(backend)

    assert told.value.message == "Stability does not have the result any more."


def test_trouble_while_polling_can_be_resumed(backend: StabilityBackend, network: Network) -> None:
    network.answers = [submitted()]
    network.always = lambda request: error_answer(503, "internal_error", "no")
    ids: list[str] = []

    with pytest.raises(errors.EngineUnavailable) as told:
        generate(backend, wanted(CREATIVE), on_submitted=ids.append)

    assert (told.value.retryable, ids) == (True, [PROVIDER_ID])
    network.always = lambda request: picture_answer()
    assert resume(backend)[0].data == PICTURE


def test_a_filtered_result_is_told_and_counted(backend: StabilityBackend, network: Network) -> None:
    network.answers = [picture_answer(filtered=True)]

    [media] = resume(backend)

    assert (media.filtered, media.data, media.provider_cost) == (True, b"", 60_000)


def test_what_takes_for_ever_is_given_up_but_not_forgotten(backend: StabilityBackend, network: Network, clock: Clock) -> None:
    network.always = lambda request: running()

    with pytest.raises(errors.EngineUnavailable) as told:
        resume(backend)

    assert told.value.retryable
    assert len(network.requests) == 180


def test_stop_ends_the_waiting(backend: StabilityBackend, network: Network, clock: Clock) -> None:
    network.answers = [submitted()]
    network.always = lambda request: running()
    end = clock.now() + 25

    with pytest.raises(errors.RequestCanceled):
        generate(backend, wanted(CREATIVE), is_canceled=lambda: clock.now() >= end)

    assert clock.now() <= end + 0.25


@pytest.mark.parametrize("answer", [{"id": "../../v1/user/balance"}, {"id": ""}, {"id": None}, {"id": "x" * 129}, {}, [], None])
def test_an_id_that_is_none_goes_into_no_address(answer: object, backend: StabilityBackend, network: Network) -> None:
    network.answers = [json_answer(answer)]
    ids: list[str] = []

    with pytest.raises(errors.ResultUnknown):
        generate(backend, wanted(CREATIVE), on_submitted=ids.append)

    assert (len(network.requests), ids) == (1, [])


@pytest.mark.parametrize("stored", ["", "x", f"{Key(KEY).id}.", f"{Key(KEY).id}.../../v1/user/balance", f".{GENERATION_ID}"])
def test_a_row_that_holds_no_id_goes_into_no_address(stored: str, backend: StabilityBackend, network: Network) -> None:
    with pytest.raises(errors.ResultUnknown):
        resume(backend, stored)

    assert network.requests == []
