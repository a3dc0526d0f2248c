"""Programs that others wrote for the Stability API, byte for byte what each sends: recorded from the programs as they are published.

`npm stability-ai` 0.7.0 writes its forms with axios and form-data, `stabilityai` 1.0.5 (PyPI) with aiohttp, `lucidx` 1.1.0 (PyPI) with
requests, `stability-ai-api` 0.0.1 (PyPI) JSON with requests. What they had in common with no test of ours is what stands here.
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
AXIOS = {"accept": "application/json", "user_agent": "axios/1.7.2", "accept_encoding": "gzip, compress, deflate, br"}


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
