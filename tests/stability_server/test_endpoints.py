"""Every endpoint takes the smallest request of the contract and answers with media that decode, at the right size."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import wave
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from studio.api.stability.contract import Endpoint, endpoint, endpoints
from tests.stability_server import ManualClock, StandIn
from tests.stability_server.catalog import OPERATIONS, SIZES
from tests.stability_server.media import mp3
from tests.stability_server.minimal import minimal, png, post, send, wav

POSTS = [one for one in endpoints() if one.method == "POST"]
GENERATE = "/v2beta/stable-image/generate/"

SIZE_OF: dict[str, tuple[int, int]] = {
    "/v1/generation/{engine_id}/text-to-image": (1024, 1024),
    "/v1/generation/{engine_id}/image-to-image": (1024, 1024),
    "/v1/generation/{engine_id}/image-to-image/masking": (1024, 1024),
    "/v2alpha/generation/stable-image/upscale": (3640, 2728),
    "/v2alpha/generation/stable-image/inpaint": (128, 96),
    "/v2beta/stable-image/upscale/conservative": (3592, 2696),
    "/v2beta/stable-image/upscale/creative": (3640, 2728),
    "/v2beta/stable-image/upscale/fast": (512, 384),
    "/v2beta/stable-image/edit/erase": (128, 96),
    "/v2beta/stable-image/edit/inpaint": (128, 96),
    "/v2beta/stable-image/edit/outpaint": (192, 96),
    "/v2beta/stable-image/edit/search-and-replace": (128, 96),
    "/v2beta/stable-image/edit/search-and-recolor": (128, 96),
    "/v2beta/stable-image/edit/remove-background": (128, 96),
    "/v2beta/stable-image/edit/replace-background-and-relight": (128, 96),
    "/v2beta/stable-image/generate/ultra": (1024, 1024),
    "/v2beta/stable-image/generate/core": (1536, 1536),
    "/v2beta/stable-image/generate/sd3": (1024, 1024),
    "/v2beta/stable-image/control/sketch": (128, 96),
    "/v2beta/stable-image/control/structure": (128, 96),
    "/v2beta/stable-image/control/style": (1024, 1024),
    "/v2beta/stable-image/control/style-transfer": (1184, 888),
}
"""Pixels that come back for a picture of 128x96."""


def by_name(one: Endpoint) -> str:
    return one.path.strip("/")


def picture(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON and the buffer of a GLB."""
    assert struct.unpack_from("<4sII", data) == (b"glTF", 2, len(data))
    long, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    size, kind = struct.unpack_from("<I4s", data, 20 + long)
    assert (kind, 28 + long + size) == (b"BIN\0", len(data))
    return json.loads(data[20 : 20 + long]), data[28 + long :]


def test_every_post_of_the_contract_is_served() -> None:
    assert {one.path for one in POSTS} == set(OPERATIONS)


@pytest.mark.parametrize("one", [one for one in POSTS if one.path in SIZE_OF], ids=by_name)
def test_a_picture_of_the_right_size(client: httpx.Client, standin: StandIn, one: Endpoint) -> None:
    answer = post(client, one)
    if OPERATIONS[one.path].submits:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        answer = client.get(f"/v2beta/results/{answer.json()['id']}")
    data = base64.b64decode(answer.json()["artifacts"][0]["base64"]) if one.dialect == "v1" else answer.content

    assert answer.status_code == 200
    image = picture(data)
    assert (image.format, image.size) == ("PNG", SIZE_OF[one.path])
    assert len(answer.headers["x-request-id"]) == 32
    assert [charge.endpoint for charge in standin.books] == [one.path]


@pytest.mark.parametrize("one", [one for one in POSTS if one.path.startswith("/v2beta/3d/")], ids=by_name)
def test_a_solid(client: httpx.Client, one: Endpoint) -> None:
    answer = post(client, one, texture_resolution="512")
    content, buffer = glb(answer.content)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "model/gltf-binary")
    assert "seed" not in answer.headers
    assert "finish-reason" not in answer.headers
    assert content["asset"]["version"] == "2.0"
    assert content["buffers"] == [{"byteLength": len(buffer)}]
    image = content["bufferViews"][content["images"][0]["bufferView"]]
    assert picture(buffer[image["byteOffset"] :][: image["byteLength"]]).size == (512, 512)
    [primitive] = content["meshes"][0]["primitives"]
    corners, points = content["accessors"][primitive["indices"]], content["accessors"][primitive["attributes"]["POSITION"]]
    indices = struct.unpack_from(f"<{corners['count']}H", buffer, content["bufferViews"][corners["bufferView"]]["byteOffset"])
    assert (min(indices), max(indices)) == (0, points["count"] - 1)
    assert (points["min"], points["max"]) == ([-1, -1, -1], [1, 1, 1])
    assert facing(indices, struct.unpack_from(f"<{3 * points['count']}f", buffer)) == {"outwards"}


def facing(indices: tuple[int, ...], flat: tuple[float, ...]) -> set[str]:
    """Which way the triangles look, seen from the middle; those at the poles that are no more than a line are left out."""
    points = np.array(flat).reshape(-1, 3)[np.array(indices).reshape(-1, 3)]
    normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    outwards = (normals * points.mean(axis=1)).sum(axis=1)
    return {"outwards" if one > 0 else "inwards" for one in outwards if abs(one) > 1e-6}


def test_a_solid_has_no_more_vertices_than_it_may(client: httpx.Client) -> None:
    limited = post(client, endpoint("POST", "/v2beta/3d/stable-fast-3d"), vertex_count="100", texture_resolution="512")
    faces = post(client, endpoint("POST", "/v2beta/3d/stable-point-aware-3d"), target_type="face", target_count="100")

    assert glb(limited.content)[0]["accessors"][0]["count"] <= 100
    assert glb(faces.content)[0]["accessors"][3]["count"] <= 300


@pytest.mark.parametrize("output_format", ["mp3", "wav"])
@pytest.mark.parametrize("one", [one for one in POSTS if "/audio/" in one.path], ids=by_name)
def test_a_sound_of_the_right_length(client: httpx.Client, standin: StandIn, one: Endpoint, output_format: str) -> None:
    standin.keys[standin.key].balance = 1000
    answer = post(client, one, duration="3", output_format=output_format)
    if OPERATIONS[one.path].submits:
        assert answer.status_code == 202
        answer = client.get(f"/v2beta/audio/results/{answer.json()['id']}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == {"mp3": "audio/mpeg", "wav": "audio/wav"}[output_format]
    assert answer.headers["finish-reason"] == "SUCCESS"
    assert int(answer.headers["seed"]) > 0
    if output_format == "mp3":
        assert mp3.duration(answer.content) == 3
    else:
        with wave.open(io.BytesIO(answer.content)) as sound:
            assert sound.getnframes() / sound.getframerate() == 3


@pytest.mark.parametrize("ratio", SIZES)
def test_aspect_ratios(client: httpx.Client, ratio: str) -> None:
    ultra = post(client, endpoint("POST", GENERATE + "ultra"), aspect_ratio=ratio, output_format="jpeg")
    width, height = SIZES[ratio]

    image = picture(ultra.content)
    assert (image.format, image.size) == ("JPEG", (width, height))
    across, down = map(int, ratio.split(":"))
    assert width / height == pytest.approx(across / down, rel=0.04)


def test_style_has_the_size_that_was_seen_live(client: httpx.Client) -> None:
    answer = post(client, endpoint("POST", "/v2beta/stable-image/control/style"), aspect_ratio="16:9")

    assert picture(answer.content).size == (1365, 768)


@pytest.mark.parametrize("model", ["sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash", "sd3-large-turbo"])
def test_models_of_sd3(client: httpx.Client, standin: StandIn, model: str) -> None:
    answer = post(client, endpoint("POST", GENERATE + "sd3"), model=model, output_format="webp")

    assert (answer.status_code, answer.headers["content-type"], picture(answer.content).format) == (200, "image/webp", "WEBP")
    price = {"sd3.5-large": "6.5", "sd3.5-large-turbo": "4", "sd3.5-medium": "3.5", "sd3.5-flash": "2.5", "sd3-large-turbo": "4"}[model]
    assert standin.books.total() == Decimal(price)


def test_sd3_image_to_image_keeps_the_shape(client: httpx.Client) -> None:
    given = {"mode": "image-to-image", "image": png(640, 320), "strength": "0.5"}
    answer = post(client, endpoint("POST", GENERATE + "sd3"), **given)

    assert picture(answer.content).size == (1448, 728)


# --- how an answer is handed out -------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["application/json", "application/json, text/plain, */*", "application/json; type=image/png"])
def test_json_with_base64(client: httpx.Client, accept: str) -> None:
    one = endpoint("POST", GENERATE + "core")
    answer = send(client, one, minimal(one) | {"seed": "343940597", "output_format": "jpeg"}, accept=accept)

    assert answer.headers["content-type"] == "application/json; type=image/jpeg"
    assert "seed" not in answer.headers
    assert "finish-reason" not in answer.headers
    assert {name: value for name, value in answer.json().items() if name != "image"} == {"seed": 343940597, "finish_reason": "SUCCESS"}
    assert picture(base64.b64decode(answer.json()["image"])).size == (1536, 1536)


@pytest.mark.parametrize("accept", ["image/*", "*/*", "image/png"])
def test_bytes_with_headers(client: httpx.Client, accept: str) -> None:
    one = endpoint("POST", GENERATE + "sd3")
    answer = send(client, one, minimal(one) | {"seed": "7"}, accept=accept)

    assert answer.headers["content-type"] == "image/png"
    assert (answer.headers["seed"], answer.headers["finish-reason"]) == ("7", "SUCCESS")
    assert answer.headers["content-length"] == str(len(answer.content))


def test_audio_as_json(client: httpx.Client) -> None:
    one = endpoint("POST", "/v2beta/audio/stable-audio-2/text-to-audio")
    answer = send(client, one, minimal(one) | {"seed": "5", "duration": "1"}, accept="application/json")

    assert answer.headers["content-type"] == "application/json; type=audio/mpeg"
    assert mp3.duration(base64.b64decode(answer.json()["audio"])) == 0.984
    assert (answer.json()["seed"], answer.json()["finish_reason"]) == (5, "SUCCESS")


def test_v1_as_png(client: httpx.Client) -> None:
    one = endpoint("POST", "/v1/generation/{engine_id}/text-to-image")
    answer = send(client, one, minimal(one) | {"seed": 4294967295}, accept="image/png")

    assert answer.headers["content-type"] == "image/png"
    assert (answer.headers["seed"], answer.headers["finish-reason"]) == ("4294967295", "SUCCESS")
    assert picture(answer.content).size == (1024, 1024)


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_v1_samples_are_artifacts(client: httpx.Client, accept: str) -> None:
    one = endpoint("POST", "/v1/generation/{engine_id}/text-to-image")
    answer = send(client, one, minimal(one) | {"seed": 11, "samples": 3}, accept=accept)
    artifacts = answer.json()["artifacts"]

    assert answer.headers["content-type"] == "application/json"
    assert "seed" not in answer.headers
    assert [(one["seed"], one["finishReason"]) for one in artifacts] == [(11, "SUCCESS"), (12, "SUCCESS"), (13, "SUCCESS")]
    assert len({one["base64"] for one in artifacts}) == 3


def test_v1_account_endpoints(client: httpx.Client, standin: StandIn) -> None:
    account, balance, engines = (client.get(path).json() for path in ("/v1/user/account", "/v1/user/balance", "/v1/engines/list"))

    assert set(account) == {"id", "email", "organizations"}
    [home] = account["organizations"]
    assert home == {"id": "org-0001", "name": "Organization 1", "role": "MEMBER", "is_default": True}
    assert balance == {"credits": 1000.0}
    assert [(one["id"], one["type"], set(one)) for one in engines] == [
        ("stable-diffusion-xl-1024-v1-0", "PICTURE", {"id", "name", "description", "type"})
    ]
    assert len(standin.books) == 0


@pytest.mark.parametrize("accept", ["image/*", "application/json"])
def test_the_same_seed_gives_the_same_picture(client: httpx.Client, accept: str) -> None:
    one = endpoint("POST", GENERATE + "sd3")
    first, again, other = (send(client, one, minimal(one) | {"seed": seed}, accept=accept) for seed in ("7", "7", "8"))

    assert first.content == again.content != other.content


def test_seed_0_is_random(client: httpx.Client) -> None:
    one = endpoint("POST", GENERATE + "sd3")
    seeds = {post(client, one, seed=seed, output_format="jpeg").headers["seed"] for seed in ("0", "0", None)}

    assert len(seeds) == 3
    assert "0" not in seeds


def test_what_real_clients_send_is_taken(client: httpx.Client, standin: StandIn) -> None:
    """The empty `none` part, unknown fields, empty optional fields, files without a type, names without quotes (API.md 2.1, 4)."""
    boundary = "x" * 8
    fields = [('name="prompt"', b"a boat"), ("name=seed", b""), ("name=stray", b"1"), ('name="none"; filename="none"', b"")]
    body = b"".join(f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n" for head, data in fields)
    headers = {"content-type": f"multipart/form-data; boundary={boundary}", "authorization": standin.key}
    answer = client.post(GENERATE + "sd3", content=body + f"--{boundary}--\r\n".encode(), headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert standin.requests[-1].fields == {"prompt": "a boat", "seed": "", "stray": "1"}
    assert standin.requests[-1].files == {"none": b""}


def test_a_result_is_in_progress_until_it_is_there(client: httpx.Client, standin: StandIn) -> None:
    standin.clock = clock = ManualClock()
    standin.result_seconds = 40
    one = endpoint("POST", "/v2beta/stable-image/edit/replace-background-and-relight")
    id = post(client, one, output_format="webp", seed="9").json()["id"]
    addresses = [f"/v2beta/results/{id}", f"/v2beta/stable-image/upscale/creative/result/{id}"]
    clock.advance(39)
    early = [client.get(address) for address in addresses]
    clock.advance(1)
    ready = [client.get(address) for address in addresses]
    as_json = client.get(addresses[0], headers={"accept": "application/json"})
    clock.advance(24 * 60 * 60)
    late = client.get(addresses[0])

    assert re.fullmatch("[0-9a-f]{64}", id)
    assert [(one.status_code, one.json()) for one in early] == [(202, {"id": id, "status": "in-progress"})] * 2
    assert [(one.status_code, one.headers["content-type"], one.headers["seed"]) for one in ready] == [(200, "image/webp", "9")] * 2
    assert picture(ready[0].content).size == (128, 96)
    assert as_json.headers["content-type"] == "application/json; type=image/webp"
    assert base64.b64decode(as_json.json()["image"]) == ready[0].content
    assert (late.status_code, late.json()["name"]) == (404, "generation_not_found")
    assert [charge.generation for charge in standin.books] == [id]


def test_a_result_is_there_for_its_own_key_only(client: httpx.Client, standin: StandIn) -> None:
    other = standin.keys.add(account=standin.keys[standin.key].account)
    id = post(client, endpoint("POST", "/v2beta/stable-image/edit/replace-background-and-relight")).json()["id"]
    theirs = client.get(f"/v2beta/results/{id}", headers={"authorization": f"Bearer {other.secret}"})

    assert (theirs.status_code, theirs.json()["name"]) == (404, "generation_not_found")
    assert client.get(f"/v2beta/results/{id}").status_code == 200
    assert client.get(f"/v2beta/audio/results/{id}").json()["name"] == "generation_not_found"


def test_an_upload_of_audio_is_heard_again(client: httpx.Client) -> None:
    """Inpainting changes what is masked, and only that; strength 0 changes nothing."""
    given = {"audio": wav(6, 48_000), "duration": "6", "output_format": "wav"}
    masked = post(client, endpoint("POST", "/v2beta/audio/stable-audio-2/inpaint"), mask_start="2", mask_end="4", **given)
    kept = post(client, endpoint("POST", "/v2beta/audio/stable-audio-2/audio-to-audio"), strength="0", **given)

    with wave.open(io.BytesIO(masked.content)) as sound:
        before, inside, after = (sound.readframes(2 * 48_000) for _ in range(3))
    assert (before, after) == (bytes(4 * 48_000), bytes(4 * 48_000))
    assert any(inside)
    with wave.open(io.BytesIO(kept.content)) as sound:
        assert sound.readframes(sound.getnframes()) == bytes(12 * 48_000)
