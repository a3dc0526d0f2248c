"""The studio with the Stability backend, and a stand-in for its provider, over real HTTP."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from accounts.models import Team, User
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import files, services
from studio.generation.images import clean_upload
from studio.generation.models import Job
from studio.generation.worker import runner
from tests.factories import draw
from tests.processes.conftest import WorkerThread
from tests.processes.stability import hurried
from tests.processes.stability.hurried import Clock
from tests.stability_server import v1, v2beta
from tests.stability_server.catalog import OPERATIONS
from tests.stability_server.fixtures import running_standin, standin
from tests.stability_server.standin import StandIn

__all__ = ["running_standin", "standin"]

CORE, SDXL, CREATIVE = "stable-image-core", "stable-diffusion-xl-1024-v1-0", "stable-image-upscale-creative"


@pytest.fixture
def clock(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """One clock for both sides."""
    fresh = Clock()
    monkeypatch.setattr(hurried, "clock", fresh)
    standin.clock = fresh.now
    return fresh


@pytest.fixture
def connect(settings: Any, script: Any, standin: StandIn, clock: Clock) -> Iterator[Callable[..., None]]:
    """`connect(key, …)`: the studio with these keys at the stand-in; with its first one from the beginning."""

    def with_keys(*keys: str) -> None:
        options = {"API_KEYS": list(keys), "API_HOST": standin.url}
        settings.BACKENDS = {"stability": {"BACKEND": "tests.processes.stability.hurried.HurriedBackend", "OPTIONS": options}}
        registry.backend.cache_clear()

    with_keys(standin.key)
    yield with_keys
    registry.backend.cache_clear()


@pytest.fixture
def start(start_worker: Callable[..., WorkerThread], connect: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`start(threads=1)`: a worker that comes back to a job at once, when the clock says that it is time."""

    def retry_delay(attempt: int, retry_after: float | None) -> float:
        clock.sleep(retry_after or 0)
        return 0

    monkeypatch.setattr(runner, "retry_delay", retry_delay)
    return lambda threads=1: start_worker("stability", threads=threads)


@pytest.fixture
def ask(alice: User, rich: Team, connect: Any) -> Callable[..., Job]:
    """`ask(engine, prompt, **request)`: a queued job; the upscaler gets a picture."""
    keys = itertools.count()
    picture = clean_upload(io.BytesIO(draw(128, 96)), size=100)

    def submit(engine: str = CORE, prompt: str = "a boat", **fields: Any) -> Job:
        upscales = engine == CREATIVE
        size = {"width": 1024, "height": 1024} if engine == SDXL else {}
        mode = Mode.UPSCALING if upscales else Mode.TEXT_TO_IMAGE
        request = GenerationRequest(engine=engine, mode=mode, seed=7, prompt=prompt, **{**size, **fields})
        inputs = {"image": files.save_input(picture, team=rich, user=alice)} if upscales else {}
        return services.submit(user=alice, team=rich, request=request, idempotency_key=f"key-{next(keys)}", inputs=inputs)

    return submit


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in draws something small: its landscapes are for eyes."""
    small = {path: replace(one, draw=lambda values, seed: Image.new("RGB", (64, 48), "#4477aa")) for path, one in OPERATIONS.items()}
    for room in (v1, v2beta):
        monkeypatch.setattr(room, "OPERATIONS", small)
