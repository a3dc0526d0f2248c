"""What goes over the wire, and what is made of a wire that breaks."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from studio.backends import errors
from studio.backends.base import Mode
from studio.backends.stability import StabilityBackend, client
from tests.backends.stability import contract
from tests.backends.stability.conftest import (
    GENERATION_ID,
    KEY,
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


def test_every_call_says_who_it_is_and_only_what_its_family_knows(network: Network, clock: Clock) -> None:
    options = {"ORGANIZATION": "org-1", "CLIENT_VERSION": "0.2", "USER_ID": "u" * 300, "API_HOST": "http://127.0.0.1:9/stand-in"}
    backend = make_backend(network, clock, **options)
    network.answers = [picture_answer(), json_answer({"credits": 1})]

    generate(backend, wanted())
    backend.balance()

    v2beta, v1 = network.requests
    assert str(v2beta.url) == "http://127.0.0.1:9/stand-in/v2beta/stable-image/generate/core"
    assert v2beta.headers["authorization"] == v1.headers["authorization"] == f"Bearer {KEY}"
    assert v2beta.headers["stability-client-id"] == v1.headers["stability-client-id"] == "atelier"
    assert v2beta.headers["stability-client-version"] == "0.2"
    assert v2beta.headers["stability-client-user-id"] == "u" * 256
    assert v1.headers["organization"] == "org-1"
    assert "organization" not in v2beta.headers
    assert "stability-client-user-id" not in v1.headers


def test_a_form_without_files_is_still_a_form(backend: StabilityBackend, network: Network) -> None:
    """`stability/API.md` 4.1: anything else than multipart is refused."""
    network.answers = [picture_answer()]

    generate(backend, wanted(prompt='ein Boot — mit “Zeichen”\r\nund "mehr"', seed=5))

    [request] = network.requests
    sent = {part.get_param("name", header="content-disposition"): part for part in contract.parts(request)}
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert sent.keys() == {"prompt", "aspect_ratio", "output_format", "seed"}
    assert all(part.get_filename() is None for part in sent.values())
    assert sent["prompt"].get_payload(decode=True) == 'ein Boot — mit “Zeichen”\r\nund "mehr"'.encode()


def test_a_file_travels_with_its_name_and_type(backend: StabilityBackend, network: Network) -> None:
    network.answers = [picture_answer()]

    generate(backend, wanted("stable-image-erase"))

    [request] = network.requests
    sent = {part.get_param("name", header="content-disposition"): part for part in contract.parts(request)}
    files = {name: (part.get_filename(), part.get_content_type()) for name, part in sent.items() if part.get_filename()}
    assert files == {"image": ("image.png", "image/png"), "mask": ("mask.png", "image/png")}
    assert sent["image"].get_payload(decode=True) == PICTURE


def test_a_result_may_take_its_time_and_everything_else_not(backend: StabilityBackend, network: Network) -> None:
    network.answers = [picture_answer(), json_answer({"id": GENERATION_ID}), picture_answer()]

    generate(backend, wanted())
    generate(backend, wanted("stable-image-upscale-creative"))

    generation, submit, poll = (request.extensions["timeout"]["read"] for request in network.requests)
    assert generation >= 180
    assert (submit, poll) == (30, 30)


@pytest.mark.parametrize(
    "broken", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")], ids=lambda one: type(one).__name__
)
def test_what_never_left_is_tried_again(broken: Exception, backend: StabilityBackend, network: Network, clock: Clock) -> None:
    network.answers = [broken, broken, picture_answer()]

    [media] = generate(backend, wanted())

    assert media.data == PICTURE
    assert len(network.requests) == 3


LOST = [httpx.ReadTimeout("no"), httpx.WriteTimeout("no"), httpx.ReadError("no"), httpx.WriteError("no"), httpx.RemoteProtocolError("no")]


@pytest.mark.parametrize("broken", LOST, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("engine", ["stable-image-core", "stable-image-upscale-creative", "stable-diffusion-xl-1024-v1-0"])
def test_a_paid_call_whose_answer_is_lost_is_never_made_again(
    broken: Exception, engine: str, backend: StabilityBackend, network: Network
) -> None:
    network.answers = [broken]

    with pytest.raises(errors.ResultUnknown) as told:
        generate(backend, wanted(engine))

    assert len(network.requests) == 1
    assert not told.value.retryable
    assert told.value.__cause__ is None


class CutOff(httpx.SyncByteStream):
    """A body that ends in the middle."""

    def __iter__(self) -> Iterator[bytes]:
        yield PICTURE[:100]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def test_a_result_that_is_cut_off_is_lost(backend: StabilityBackend, network: Network) -> None:
    network.answers = [httpx.Response(200, headers={"content-type": "image/png"}, stream=CutOff())]

    with pytest.raises(errors.ResultUnknown):
        generate(backend, wanted())

    assert len(network.requests) == 1


def test_a_result_that_is_fetched_is_fetched_again(backend: StabilityBackend, network: Network) -> None:
    """Nothing is billed for asking."""
    cut = httpx.Response(200, headers={"content-type": "image/png"}, stream=CutOff())
    network.answers = [json_answer({"id": GENERATION_ID}), cut, httpx.ReadTimeout("no"), picture_answer()]

    [media] = generate(backend, wanted("stable-image-upscale-creative"))

    assert media.data == PICTURE
    assert [path.split()[0] for path in network.paths] == ["POST", "GET", "GET", "GET"]


def test_a_refusal_that_is_cut_off_is_a_refusal(backend: StabilityBackend, network: Network) -> None:
    network.answers = [httpx.Response(400, stream=CutOff())]

    with pytest.raises(errors.InvalidRequest):
        generate(backend, wanted())


def test_an_answer_without_an_end_is_not_kept(backend: StabilityBackend, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 1000)
    network.answers = [picture_answer(data=b"\0" * 1001)]

    with pytest.raises(errors.ResultUnknown):
        generate(backend, wanted())


def test_a_result_that_the_disk_does_not_hold_is_lost(backend: StabilityBackend, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(client.tempfile, "SpooledTemporaryFile", full)
    network.answers = [picture_answer()]

    with pytest.raises(errors.ResultUnknown):
        generate(backend, wanted())

    assert len(network.requests) == 1


def test_a_body_that_the_endpoint_does_not_take_is_not_sent(backend: StabilityBackend, network: Network) -> None:
    """Sounds cannot be packed smaller as pictures can."""
    told: list[str] = []
    sound = b"ID3" + b"\0" * 50_000_000

    with pytest.raises(errors.PayloadTooLarge) as refused:
        generate(backend, wanted("stable-audio-2", Mode.AUDIO_TO_AUDIO, media={"audio": sound}), on_sent=lambda: told.append("sent"))

    assert refused.value.message == "Together they have 47.7 MB; 47 MB is the most."
    assert (network.requests, told) == ([], [])


def test_a_picture_that_is_too_big_is_packed_smaller(backend: StabilityBackend, network: Network) -> None:
    grain = Image.merge("RGB", [Image.effect_noise((1900, 1900), 80) for _ in range(3)])
    buffer = io.BytesIO()
    grain.save(buffer, "PNG", compress_level=1)
    assert len(buffer.getvalue()) > 10 * 2**20
    network.answers = [picture_answer()]

    generate(backend, wanted("stable-image-structure", image=buffer.getvalue()))

    [request] = network.requests
    [file] = [part for part in contract.parts(request) if part.get_filename()]
    assert contract.problems(request) == []
    assert len(request.content) < 10 * 2**20
    assert file.get_content_type() == "image/jpeg"


def test_nothing_secret_is_told_or_logged(network: Network, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """v1 quotes a wrong key in full, and so might anything else."""
    backend = make_backend(network, clock)
    network.answers = [
        error_answer(400, "bad_request", f"prompt: your key {KEY} is no prompt", v1=True),
        error_answer(401, "unauthorized", f"Incorrect API key provided: {KEY}.", v1=True),
    ]

    told = []
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            with pytest.raises(errors.BackendError) as refused:
                generate(backend, wanted("stable-diffusion-xl-1024-v1-0", prompt="a very private boat"))
            told.append(refused.value)

    assert told[0].fields == {"prompt": "Your key [key] is no prompt."}
    everything = caplog.text + "".join(f"{error!r} {error.message} {error.fields}" for error in told) + repr(backend._keys.keys)
    assert KEY not in everything
    assert "private boat" not in everything
