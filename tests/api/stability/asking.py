"""Requests of the contract for tests: forms as clients send them, read as the server reads them, and asked."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw

from studio.api.stability import contract, fields
from studio.api.stability.asks import Ask, Wanted, ask
from studio.api.stability.multipart import Part
from studio.api.stability.resample import answer_bytes
from studio.api.stability.rules import RULES
from studio.backends import registry
from studio.generation import files, services
from studio.generation.models import Artifact
from studio.generation.services import submit

V1_PATHS = {
    "v1/text-to-image": "/v1/generation/{engine_id}/text-to-image",
    "v1/image-to-image": "/v1/generation/{engine_id}/image-to-image",
    "v1/masking": "/v1/generation/{engine_id}/image-to-image/masking",
}
SDXL = "stable-diffusion-xl-1024-v1-0"


def values(operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The checked values of a form with these fields: bytes are files, everything else is text as it travels."""
    path = V1_PATHS.get(operation, f"/v2beta/{operation}")
    endpoint = contract.endpoint("POST", path)
    if endpoint.content_type == "application/json":
        reading = fields.read(endpoint.form(), given)
    else:
        parts = [part(name, value) for name, value in flat(given)]
        reading = fields.read_parts(endpoint.form(str(given.get("mode", ""))) if endpoint.chosen_by else endpoint.form(), parts)
    if path in RULES:
        RULES[path](reading, "required")
    assert reading.problems == []
    return {**reading.values, **({"engine_id": given.get("engine_id", SDXL)} if path.startswith("/v1/") else {})}


def flat(given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """v1's arrays have a part for each leaf."""
    found: list[tuple[str, Any]] = []
    for name, value in given.items():
        if name == "engine_id":
            continue
        if isinstance(value, list):
            found += [(f"{name}[{place}][{leaf}]", text) for place, one in enumerate(value) for leaf, text in one.items()]
        else:
            found.append((name, value))
    return found


def part(name: str, value: Any) -> Part:
    data = value if isinstance(value, bytes) else str(value).encode()
    return Part(name, data, filename="picture.png" if isinstance(value, bytes) else None)


def asked(operation: str, team: Any, user: Any, **given: Any) -> Ask:
    return ask(operation, values(operation, given), team=team, user=user)


def png(size: tuple[int, int], *, clear: tuple[int, int, int, int] | None = None) -> bytes:
    """A picture with something in every corner; `clear`: a box that is transparent."""
    picture = Image.new("RGB", size, (200, 180, 90))
    draw = ImageDraw.Draw(picture)
    width, height = size
    for place, colour in enumerate(((200, 40, 40), (40, 160, 60), (50, 70, 200), (240, 240, 240))):
        x, y = (place % 2) * width * 3 // 4, (place // 2) * height * 3 // 4
        draw.rectangle((x, y, x + width // 4, y + height // 4), fill=colour)
    if clear:
        picture.putalpha(255)
        picture.paste((0, 0, 0, 0), clear)
    return encoded(picture)


def mask(size: tuple[int, int], box: tuple[int, int, int, int], *, black: bool = False) -> bytes:
    """White where something changes, or black where it does."""
    picture = Image.new("L", size, 255 if black else 0)
    picture.paste(0 if black else 255, box)
    return encoded(picture)


def encoded(picture: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


def answered(found: Ask, team: Any, user: Any) -> tuple[Image.Image, dict[str, str], str]:
    """What the client gets: the ask goes through the queue, its engine makes it, and the first result is answered. With its format."""
    job = submit(user=user, team=team, request=found.request, inputs=found.inputs, idempotency_key=secrets.token_hex(8))
    [claimed] = services.claim([job.queue], "w", batch=False)
    given = {name: files.read(file.file) for name, file in claimed.given.items() if file}
    backend = registry.backend(registry.engine(job.engine).backend)
    media = backend.generate(claimed.to_request(given), on_progress=lambda progress: None, is_canceled=lambda: False)
    assert services.succeed(claimed, media)
    artifact = Artifact.objects.filter(job=job).earliest("index")
    wanted = Wanted.from_json(json.loads(json.dumps(found.wanted.to_json())))
    data, headers = answer_bytes(artifact, wanted)
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture, headers, str(picture.format)
