"""Answers as media. Everything is decoded once: what is broken is not delivered."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.backends.base import GeneratedMedia, GenerationRequest
from studio.backends.errors import EngineCrashed, ResultBroken
from studio.backends.stability.calls import Answer
from studio.backends.stability.engines.records import Record
from studio.backends.stability.translate.pictures import audio_mime
from studio.backends.stability.translate.v2beta import provider_seed

FILTERED = "CONTENT_FILTERED"
MAX_PIXELS = 64_000_000
"""More is no result: the largest that any engine makes is 16 megapixels (`stability/API.md` 2.7)."""


def from_v1(record: Record, request: GenerationRequest, answer: Answer) -> list[GeneratedMedia]:
    """The artifacts of a JSON answer, without those that failed. Raises `EngineCrashed` when all did, `ResultBroken` for nonsense."""
    body = answer.json()
    artifacts = body.get("artifacts") if isinstance(body, dict) else None
    if not isinstance(artifacts, list) or not artifacts or not all(isinstance(one, dict) for one in artifacts):
        raise ResultBroken
    made = [_artifact(record, request, place, one, answer) for place, one in enumerate(artifacts) if one.get("finishReason") != "ERROR"]
    if not made:
        raise EngineCrashed
    return made


def _artifact(record: Record, request: GenerationRequest, place: int, artifact: Mapping[str, Any], answer: Answer) -> GeneratedMedia:
    seed = artifact.get("seed")
    common: dict[str, Any] = {"seed": int(seed) if isinstance(seed, int | float) else None, **_origin(record, request, answer)}
    if artifact.get("finishReason") == FILTERED:
        return GeneratedMedia(place, filtered=True, **common)
    try:
        data = base64.b64decode(str(artifact.get("base64")), validate=True)
    except ValueError:
        raise ResultBroken from None
    return GeneratedMedia(place, data=data, **_described(data), **common)


def from_v2beta(record: Record, request: GenerationRequest, place: int, answer: Answer) -> GeneratedMedia:
    """The one result of a binary answer. Raises `ResultBroken` when it is none."""
    seed = answer.headers.get("seed", "")
    common: dict[str, Any] = {
        "seed": int(seed) if seed.isdecimal() else _sent_seed(record, request, place),
        **_origin(record, request, answer),
    }
    if answer.headers.get("finish-reason") == FILTERED:
        return GeneratedMedia(place, filtered=True, **common)
    described = _described(answer.body)
    if described["mime"].partition("/")[0] != request.mode.makes:
        raise ResultBroken
    return GeneratedMedia(place, data=answer.body, **described, **common)


def _sent_seed(record: Record, request: GenerationRequest, place: int) -> int | None:
    """For answers without a seed, which 3D gives: what was asked for, unless that was a random one."""
    largest = record.engine.max_seed
    return None if largest is None else provider_seed(request.seeds[place], largest) or None


def _origin(record: Record, request: GenerationRequest, answer: Answer) -> dict[str, Any]:
    info = {"provider": "Stability", "service": record.services[request.mode].path}
    if request_id := answer.headers.get("x-request-id"):
        info["provider_request"] = request_id[:100]
    return {"provider_cost": record.engine.quote(request).per_image, "info": info}


def _described(data: bytes) -> dict[str, Any]:
    """`mime`, and for pictures `width` and `height`, from the bytes themselves. Raises `ResultBroken` when they are cut off or nothing."""
    if data[:4] == b"glTF":
        if int.from_bytes(data[8:12], "little") != len(data):
            raise ResultBroken
        return {"mime": "model/gltf-binary"}
    if mime := audio_mime(data):
        if mime == "audio/wav" and not _is_whole_wave(data):
            raise ResultBroken
        return {"mime": mime}
    try:
        picture = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
        if picture.width * picture.height > MAX_PIXELS:
            raise ResultBroken
        picture.load()
    except Exception:  # noqa: BLE001 - a decoder raises whatever it stumbles over; other pictures of the job were paid for
        raise ResultBroken from None
    return {"mime": Image.MIME[picture.format or ""], "width": picture.width, "height": picture.height}


def _is_whole_wave(data: bytes) -> bool:
    try:
        with wave.open(io.BytesIO(data)) as sound:
            frames = sound.getnframes()
            return bool(len(sound.readframes(frames)) == frames * sound.getnchannels() * sound.getsampwidth())
    except (wave.Error, EOFError):
        return False
