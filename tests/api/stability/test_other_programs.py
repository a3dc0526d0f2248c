"""Programs that others wrote for the Stability API, byte for byte what each sends: recorded from the programs as they are published.

`stability-ai` 0.7.0 (npm) writes its forms with axios and form-data, `stabilityai` 1.0.5 (PyPI) with aiohttp, `lucidx` 1.1.0 (PyPI) with
requests; `stability-ai-api` 0.0.1 (PyPI) sends JSON with requests, `genblaze-stability-audio` 0.3.3 (PyPI) a form that is none.
"""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from studio.api.models import EngineRoute
from tests.api.stability.front import Front
from tests.stability_server.minimal import png

pytestmark = pytest.mark.django_db
SDXL = "/v1/generation/stable-diffusion-xl-1024-v1-0"
AXIOS = {"accept": "application/json", "user_agent": "axios/1.21.1", "accept_encoding": "gzip, compress, deflate, br"}
REQUESTS = {"user_agent": "python-requests/2.34.2", "accept_encoding": "gzip, deflate"}
AIOHTTP = {
    "accept": "application/json",
    "user_agent": "Python/3.11 aiohttp/3.8.4",
    "stability_client_id": "Stability Python SDK",
    "stability_client_version": "1.0.0",
}


@pytest.fixture(autouse=True)
def drawn_here() -> None:
    """The drawing engine answers, so that nothing is asked of a provider."""
    for operation in ("v1/text-to-image", "v1/image-to-image", "stable-image/generate/core", "stable-image/edit/outpaint"):
        EngineRoute.objects.create(asked=operation, engine="null")


def parts(boundary: str, *leaves: tuple[str, bytes]) -> bytes:
    """Header lines and data of each part, as a program writes them."""
    return b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in leaves) + f"--{boundary}--\r\n".encode()


def size(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def pictures(answer: Any) -> list[tuple[str, tuple[int, int]]]:
    """How each of v1's artifacts ended, and its size."""
    assert answer.status_code == 200, answer.content
    return [(one["finishReason"], size(base64.b64decode(one["base64"]))) for one in answer.told["artifacts"]]


def test_stability_ai_of_npm(front: Front) -> None:
    """Words as JSON, and forms whose boundary has a row of dashes; `none` parts and files' names it has not."""
    body = json.dumps({"text_prompts": [{"text": "a boat", "weight": 0.5}], "width": 1024, "height": 1024}).encode()
    answer = front.raw("POST", f"{SDXL}/text-to-image", body, content_type="application/json", **AXIOS)
    assert pictures(answer) == [("SUCCESS", (1024, 1024))]

    boundary = "--------------------------b662fab9924c60ca9fad4b05"
    file = 'Content-Disposition: form-data; name="{}"; filename="boat.png"\r\nContent-Type: image/png'
    form = parts(boundary, (file.format("image"), png()), ('Content-Disposition: form-data; name="left"', b"64"))
    kind = f"multipart/form-data; boundary={boundary}"
    answer = front.raw("POST", "/v2beta/stable-image/edit/outpaint", form, content_type=kind, **AXIOS)
    assert (answer.status_code, size(base64.b64decode(answer.told["image"]))) == (200, (64 + 128, 96))

    leaf = 'Content-Disposition: form-data; name="text_prompts[0][text]"'
    form = parts(boundary, (file.format("init_image"), png(1024, 1024)), (leaf, b"a boat"))
    answer = front.raw("POST", f"{SDXL}/image-to-image", form, content_type=kind, **AXIOS)
    assert pictures(answer) == [("SUCCESS", (1024, 1024))]


def test_stabilityai_of_pypi(front: Front) -> None:
    """aiohttp says of each part how long it is and which alphabet it has, the type first; and names a file as its field."""
    boundary = "d98bfa5d5b814f9e86030a2e5d7fcea8"

    def part(name: str, data: bytes, kind: str = "text/plain; charset=utf-8", more: str = "") -> tuple[str, bytes]:
        head = f'Content-Type: {kind}\r\nContent-Disposition: form-data; name="{name}"{more}\r\nContent-Length: {len(data)}'
        return head, data

    form = parts(
        boundary,
        part("text_prompts[0][text]", b"a blue boat"),
        part("init_image", png(1024, 1024), "application/octet-stream", '; filename="init_image"'),
        part("image_strength", b"0.4"),
    )
    kind = f"multipart/form-data; boundary={boundary}"
    assert pictures(front.raw("POST", f"{SDXL}/image-to-image", form, content_type=kind, **AIOHTTP)) == [("SUCCESS", (1024, 1024))]


def test_lucidx(front: Front) -> None:
    """It says `steps`, which core has not: what is not known is passed over."""
    fields = {"prompt": "a red boat", "output_format": "png", "style_preset": "photographic", "seed": "1234", "steps": "30"}
    boundary = "35d4bfadd91327fc248273e9b79ffc6c"
    form = parts(boundary, *((f'Content-Disposition: form-data; name="{name}"', text.encode()) for name, text in fields.items()))
    kind = f"multipart/form-data; boundary={boundary}"
    answer = front.raw("POST", "/v2beta/stable-image/generate/core", form, content_type=kind, accept="image/*", **REQUESTS)
    assert (answer.status_code, answer["content-type"], answer["seed"], size(answer.content)) == (200, "image/png", "1234", (1536, 1536))


def test_stability_ai_api(front: Front) -> None:
    """It says every setting, each as the contract has it anyway."""
    asked = {"text_prompts": [{"text": "a boat", "weight": 1.0}], "cfg_scale": 7, "clip_guidance_preset": "NONE", "samples": 2}
    body = json.dumps(asked | {"seed": 0, "steps": 30, "height": 1024, "width": 1024}).encode()
    answer = front.raw("POST", f"{SDXL}/text-to-image", body, content_type="application/json", accept="application/json", **REQUESTS)
    assert pictures(answer) == [("SUCCESS", (1024, 1024))] * 2


def test_a_form_that_is_none_is_told_so(front: Front) -> None:
    """genblaze-stability-audio sends what the contract never took: the answer is the contract's."""
    answer = front.raw(
        "POST",
        "/v2beta/audio/stable-audio-2/text-to-audio",
        b"prompt=a+bell&output_format=mp3&duration=5.0",
        content_type="application/x-www-form-urlencoded",
        accept="audio/*",
    )
    assert (answer.status_code, answer.told["errors"]) == (400, ["content-type: must be multipart/form-data"])
