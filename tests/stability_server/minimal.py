"""The smallest request that an endpoint takes, put together from the contract: for tests, and to see what a call looks like."""

from __future__ import annotations

import io
import wave
from functools import lru_cache
from typing import Any

import httpx
from PIL import Image, ImageDraw

from studio.api.stability.contract import Endpoint, Field

SDXL_PATH = {"engine_id": "stable-diffusion-xl-1024-v1-0"}

BESIDES: dict[str, dict[str, Any]] = {
    "/v2beta/stable-image/edit/outpaint": {"left": "64"},
    "/v2beta/stable-image/edit/replace-background-and-relight": {"background_prompt": "a beach"},
    "/v2alpha/generation/stable-image/inpaint": {"mode": "search"},
}
"""What the rules ask for besides the schema's required fields."""


@lru_cache(maxsize=64)
def png(width: int = 128, height: int = 96) -> bytes:
    """A disc before a plain background."""
    picture = Image.new("RGB", (width, height), "#b8d8e8")
    ImageDraw.Draw(picture).ellipse((width * 0.3, height * 0.2, width * 0.7, height * 0.8), fill="#c03020")
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return data.getvalue()


@lru_cache(maxsize=16)
def wav(seconds: float = 6, rate: int = 8000) -> bytes:
    """Silence, 16 bits, mono."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * round(seconds * rate)))
    return data.getvalue()


def value(endpoint: Endpoint, field: Field) -> Any:
    """A value that a required field takes: bytes for a file, text otherwise."""
    if "x-audio-rules" in field.schema:
        return wav()
    if field.binary:
        return png(1024, 1024) if endpoint.dialect == "v1" else png()
    if "enum" in field.schema:
        return field.schema["enum"][-1]
    return "a red sailboat on the sea"


def minimal(endpoint: Endpoint) -> dict[str, Any]:
    """Field → value of the smallest request."""
    besides = BESIDES.get(endpoint.path, {})
    form = endpoint.form(besides.get(endpoint.chosen_by))
    given = {name: value(endpoint, field) for name, field in form.items() if field.required} | besides
    if endpoint.dialect == "v1" and endpoint.method == "POST":
        given["text_prompts"] = [{"text": "a red sailboat on the sea"}]
        if endpoint.content_type == "application/json":
            given |= {"width": 1024, "height": 1024}
    return given


def send(client: httpx.Client, endpoint: Endpoint, given: dict[str, Any], **headers: str) -> httpx.Response:
    """Send fields as the endpoint wants them; header names have underscores for dashes."""
    path = endpoint.path.format(**SDXL_PATH) if endpoint.dialect == "v1" else endpoint.path
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    if endpoint.content_type == "application/json":
        return client.post(path, json=given, headers=names)
    files: list[tuple[str, Any]] = [("none", ("none", b""))]
    for name, one in given.items():
        if isinstance(one, list):
            files += [(f"{name}[{i}][{leaf}]", (None, str(text))) for i, item in enumerate(one) for leaf, text in item.items()]
        else:
            files.append((name, (f"{name}.bin", one) if isinstance(one, bytes) else (None, str(one))))
    return client.post(path, files=files, headers=names)


def post(client: httpx.Client, endpoint: Endpoint, /, **changes: Any) -> httpx.Response:
    """Send the smallest request with some fields changed; None takes a field out."""
    given = {name: one for name, one in {**minimal(endpoint), **changes}.items() if one is not None}
    return send(client, endpoint, given)
