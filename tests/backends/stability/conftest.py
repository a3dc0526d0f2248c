"""A backend on a network that is played by a function, with a clock that only moves when somebody waits."""

from __future__ import annotations

import io
import json
import threading
import wave
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from studio.backends.base import GeneratedMedia, GenerationRequest, Mode, Progress
from studio.backends.stability import StabilityBackend
from studio.backends.stability.engines import catalogue

KEY = "sk-first-0123456789abcdef"
OTHER_KEY = "sk-second-0123456789abcdef"
GENERATION_ID = "a6dc6c6e20acda010fe14d71f180658f2896ed9b4ec25aa99a6ff06c796987c4"

Handler = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def own_files() -> None:
    """Nothing here touches media or caches of the studio."""


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.seconds += seconds


class Network:
    """Answers every request with what the test said, and keeps the requests. A handler or an answer for all, or a list to go through."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.requests: list[httpx.Request] = []
        self.times: list[float] = []
        self.answers: list[httpx.Response | Exception | Handler] = []
        self.always: Handler | None = None
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        with self._lock:
            self.requests.append(request)
            self.times.append(self.clock.now())
            answer = self.answers.pop(0) if self.answers else self.always
        assert answer is not None, f"nobody expected {request.method} {request.url.path}"
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.requests]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def network(clock: Clock) -> Network:
    return Network(clock)


@pytest.fixture
def backend(network: Network, clock: Clock) -> StabilityBackend:
    return make_backend(network, clock)


def make_backend(network: Network, clock: Clock, **options: Any) -> StabilityBackend:
    """A backend with one key, unless the options say otherwise; the list of engines is never asked for by itself."""
    return StabilityBackend(
        "stability",
        {"API_KEYS": [KEY], **options},
        transport=httpx.MockTransport(network),
        now=clock.now,
        sleep=clock.sleep,
        jitter=lambda: 0.5,
        start=lambda read: None,
    )


# --- requests --------------------------------------------------------------------------------------------------------


def png(width: int = 128, height: int = 96, mode: str = "RGB", colour: Any = 90) -> bytes:
    buffer = io.BytesIO()
    fill = colour if mode == "L" else (colour,) * len(mode) if isinstance(colour, int) else colour
    Image.new(mode, (width, height), fill).save(buffer, "PNG")
    return buffer.getvalue()


def wav(seconds: float = 7) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(1000)
        sound.writeframes(b"\x80" * round(seconds * 1000))
    return buffer.getvalue()


PICTURE, MASK, SOUND = png(), png(mode="L", colour=255), wav()
SQUARE, SQUARE_MASK = png(1024, 1024), png(1024, 1024, mode="L", colour=255)
"""Of the size that v1's engine makes, so that nothing has to be scaled."""


def wanted(engine: str = "stable-image-core", mode: Mode | None = None, **settings: Any) -> GenerationRequest:
    """A request with every input that the engine needs in its (first) mode, and nothing else but what is said."""
    record = catalogue("stability")[engine].engine
    mode = mode or record.modes[0]
    usual: dict[str, Any] = {"seed": 7, "prompt": "a red boat" if record.prompt_for(mode) != "none" else ""}
    extra = {one.name: "the boat" for one in record.parameters_for(mode) if one.required}
    media: dict[str, bytes] = {}
    for one in record.inputs_for(mode):
        data = {"image": SQUARE if record.size else PICTURE, "mask": SQUARE_MASK if record.size else MASK, "audio": SOUND}[one.kind]
        if one.name in ("image", "mask_image"):
            usual[one.name] = data
        elif one.required:
            media[one.name] = data
    if mode is Mode.OUTPAINTING:
        extra |= {"left": 64, "up": 8}
    extra |= settings.pop("extra", {})
    media |= settings.pop("media", {})
    return GenerationRequest(engine=engine, mode=mode, extra=extra, media=media, **{**usual, **settings})


def generate(backend: StabilityBackend, request: GenerationRequest, **callbacks: Any) -> list[GeneratedMedia]:
    usual: dict[str, Any] = {"on_progress": lambda progress: None, "is_canceled": lambda: False}
    return backend.generate(request, **{**usual, **callbacks})


class Watcher:
    """Keeps what a run told, in order."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def callbacks(self) -> dict[str, Any]:
        return {"on_progress": self._progress, "on_sent": lambda: self.told.append("sent"), "on_submitted": self.told.append}

    def _progress(self, progress: Progress) -> None:
        self.told.append((progress.step, progress.total))


# --- answers ---------------------------------------------------------------------------------------------------------


def picture_answer(*, seed: int = 4711, filtered: bool = False, data: bytes = PICTURE, **headers: str) -> httpx.Response:
    reason = "CONTENT_FILTERED" if filtered else "SUCCESS"
    told = {"content-type": "image/png", "finish-reason": reason, "seed": str(seed), "x-request-id": "r-1", **headers}
    return httpx.Response(200, headers=told, content=data)


def glb(size: int = 64) -> bytes:
    return b"glTF" + (2).to_bytes(4, "little") + size.to_bytes(4, "little") + b"\0" * (size - 12)


def error_answer(status: int, name: str, *words: str, v1: bool = False, **headers: str) -> httpx.Response:
    body: dict[str, Any] = {"id": "e-1", "name": name, "message": words[0]} if v1 else {"errors": list(words), "id": "e-1", "name": name}
    return httpx.Response(status, headers={"content-type": "application/json", **headers}, content=json.dumps(body))


def json_answer(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)
