"""What answers become: pictures, models, sounds, filtered ones, and what is no result at all."""

from __future__ import annotations

import base64
import io
import threading
from typing import Any

import httpx
import pytest
from PIL import Image

from studio.backends import errors
from studio.backends.base import Mode
from studio.backends.stability import StabilityBackend
from tests.backends.stability.conftest import (
    PICTURE,
    SOUND,
    Network,
    Watcher,
    error_answer,
    generate,
    glb,
    json_answer,
    picture_answer,
    png,
    wanted,
)

SDXL = "stable-diffusion-xl-1024-v1-0"


def artifact(seed: int, reason: str = "SUCCESS", data: bytes = PICTURE) -> dict[str, Any]:
    return {"base64": base64.b64encode(data).decode(), "seed": seed, "finishReason": reason}


def test_a_picture_comes_with_its_seed_size_and_cost(backend: StabilityBackend, network: Network) -> None:
    network.answers = [picture_answer(seed=343940597)]

    [media] = generate(backend, wanted(seed=0))

    assert (media.index, media.seed, media.mime, media.width, media.height) == (0, 343940597, "image/png", 128, 96)
    assert (media.data, media.filtered, media.provider_cost) == (PICTURE, False, 3000)
    assert media.info == {"provider": "Stability", "service": "/v2beta/stable-image/generate/core", "provider_request": "r-1"}


def test_a_filtered_picture_is_not_delivered_but_paid_for(backend: StabilityBackend, network: Network) -> None:
    """`stability/API.md` 4.3: the blurred picture counts as a success there."""
    network.answers = [picture_answer(filtered=True)]

    [media] = generate(backend, wanted())

    assert (media.filtered, media.data, media.provider_cost, media.seed) == (True, b"", 3000, 4711)


def test_several_pictures_are_made_side_by_side_with_a_seed_each(backend: StabilityBackend, network: Network) -> None:
    together = threading.Barrier(3, timeout=30)

    def answer(request: httpx.Request) -> httpx.Response:
        together.wait()
        seed = int(request.content.partition(b'name="seed"\r\n\r\n')[2].partition(b"\r\n")[0])
        return picture_answer(seed=seed, data=png(64 + seed, 64))

    network.always = answer
    watcher = Watcher()

    made = generate(backend, wanted(num_images=3, seed=10), **watcher.callbacks())

    assert [(media.index, media.seed, media.width) for media in made] == [(0, 10, 74), (1, 11, 75), (2, 12, 76)]
    assert watcher.told == ["sent", (1, 3), (2, 3), (3, 3)]


def test_a_picture_that_fails_does_not_take_the_others_along(backend: StabilityBackend, network: Network) -> None:
    network.answers = [
        picture_answer(),
        error_answer(403, "content_moderation", "no"),
        httpx.ReadTimeout("no"),
        picture_answer(filtered=True),
    ]

    made = generate(backend, wanted(num_images=4))

    assert sorted(media.filtered for media in made) == [False, True]


def test_when_all_fail_the_first_one_s_error_is_told(backend: StabilityBackend, network: Network) -> None:
    network.always = lambda request: error_answer(403, "content_moderation", "no")

    with pytest.raises(errors.ContentFiltered):
        generate(backend, wanted(num_images=4))

    assert len(network.requests) == 4


def test_when_all_fail_and_one_may_have_been_billed_it_is_not_said_that_all_may_be_asked_for_again(
    backend: StabilityBackend, network: Network
) -> None:
    """A worker would send all of them once more."""
    network.answers = [httpx.ReadTimeout("no answer")]
    network.always = lambda request: error_answer(503, "internal_error", "no")

    for _ in range(2):  # whichever place the lost one has
        with pytest.raises(errors.ResultUnknown):
            generate(backend, wanted(num_images=2))
        network.answers = [error_answer(503, "internal_error", "no"), httpx.ReadTimeout("no answer")]


def test_who_cannot_note_that_a_call_goes_out_lets_none_go(backend: StabilityBackend, network: Network) -> None:
    """The note is what keeps a call from being made twice. It is written on the thread that asked: connections belong to threads."""
    threads = []

    def fail() -> None:
        threads.append(threading.current_thread())
        raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError):
        generate(backend, wanted(num_images=4), on_sent=fail)

    assert network.requests == []
    assert threads == [threading.current_thread()]


def test_v1_makes_all_pictures_in_one_call(backend: StabilityBackend, network: Network) -> None:
    network.answers = [json_answer({"artifacts": [artifact(1), artifact(2, "CONTENT_FILTERED"), artifact(3, "ERROR"), artifact(4)]})]

    made = generate(backend, wanted(SDXL, num_images=4, num_inference_steps=50))

    assert [(media.index, media.seed, media.filtered, bool(media.data)) for media in made] == [
        (0, 1, False, True),
        (1, 2, True, False),
        (3, 4, False, True),
    ]
    assert {media.provider_cost for media in made} == {1500}
    assert len(network.requests) == 1


def test_v1_that_failed_all_over_failed(backend: StabilityBackend, network: Network) -> None:
    network.answers = [json_answer({"artifacts": [artifact(1, "ERROR")]})]

    with pytest.raises(errors.EngineFailed):
        generate(backend, wanted(SDXL))


def test_a_model_has_no_size_and_the_seed_that_was_asked_for(backend: StabilityBackend, network: Network) -> None:
    answer = httpx.Response(200, headers={"content-type": "model/gltf-binary"}, content=glb())
    network.answers = [answer, answer, answer]

    made = [
        generate(backend, wanted(engine, seed=seed))[0]
        for engine, seed in (("stable-point-aware-3d", 9), ("stable-point-aware-3d", 0), ("stable-fast-3d", 9))
    ]

    assert [(media.mime, media.seed, media.width, media.data == glb()) for media in made] == [
        ("model/gltf-binary", 9, None, True),
        ("model/gltf-binary", None, None, True),
        ("model/gltf-binary", None, None, True),
    ]


@pytest.mark.parametrize(
    ("data", "mime"), [(SOUND, "audio/wav"), (b"ID3\x04" + b"\0" * 99, "audio/mpeg"), (b"\xff\xfb\x90" + b"\0" * 99, "audio/mpeg")]
)
def test_a_sound_is_known_by_its_bytes(data: bytes, mime: str, backend: StabilityBackend, network: Network) -> None:
    network.answers = [httpx.Response(200, headers={"content-type": mime, "seed": "8", "finish-reason": "SUCCESS"}, content=data)]

    [media] = generate(backend, wanted("stable-audio-2.5"))

    assert (media.mime, media.seed, media.data, media.provider_cost) == (mime, 8, data, 20_000)


HUGE = png(64, 64).replace((64).to_bytes(4, "big") * 2, (60_000).to_bytes(4, "big") * 2, 1)


@pytest.mark.parametrize(
    ("engine", "data"),
    [
        ("stable-image-core", PICTURE[:-40]),
        ("stable-image-core", b""),
        ("stable-image-core", b"<html>please wait</html>"),
        ("stable-image-core", SOUND),
        ("stable-image-core", HUGE),
        ("stable-fast-3d", glb()[:-1]),
        ("stable-fast-3d", PICTURE),
        ("stable-audio-2", SOUND[:-1]),
        ("stable-audio-2", b"RIFF\0\0\0\0WAVE"),
        ("stable-audio-2", PICTURE),
    ],
    ids=["cut", "empty", "page", "wrong kind", "huge", "cut model", "no model", "cut sound", "no sound", "wrong sound"],
)
def test_what_is_broken_is_not_delivered_and_not_asked_for_again(
    engine: str, data: bytes, backend: StabilityBackend, network: Network
) -> None:
    network.answers = [picture_answer(data=data)]

    with pytest.raises(errors.ResultBroken) as told:
        generate(backend, wanted(engine))

    assert told.value.message == "The provider's answer could not be read, so the result is lost."
    assert len(network.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"artifacts": []},
        {"artifacts": ["x"]},
        {"artifacts": [{"finishReason": "SUCCESS"}]},
        {"artifacts": [artifact(1, data=PICTURE[:-40])]},
        {"artifacts": [{"base64": "~~~", "finishReason": "SUCCESS"}]},
    ],
)
def test_a_v1_answer_that_makes_no_sense_is_lost(body: Any, backend: StabilityBackend, network: Network) -> None:
    network.answers = [json_answer(body)]

    with pytest.raises(errors.ResultBroken):
        generate(backend, wanted(SDXL))


def test_the_whole_way_of_other_formats(backend: StabilityBackend, network: Network) -> None:
    for form in ("JPEG", "WEBP"):
        buffer = io.BytesIO()
        Image.new("RGB", (80, 64)).save(buffer, form)
        network.answers = [picture_answer(data=buffer.getvalue())]

        [media] = generate(backend, wanted("stable-image-ultra", Mode.IMAGE_TO_IMAGE, extra={"output_format": form.lower()}))

        assert (media.mime, media.width) == (f"image/{form.lower()}", 80)
