"""The Stability catalogue on Create, without a network, and presses that each of its engines takes."""

from __future__ import annotations

import io
import wave
from typing import Any

import pytest
from django.test import Client

from studio.backends import registry
from studio.backends.base import Engine, GenerationRequest, MediaInput, Mode, PromptNeed
from studio.backends.stability import StabilityBackend
from studio.backends.stability.engines import catalogue
from studio.backends.stability.translate import calls_of
from studio.generation import files
from studio.generation.models import Job
from tests.generation.conftest import press, upload
from tests.generation.pictures import picture
from tests.stability_server.media.mp3 import tune

RECORDS = catalogue("stability")
EVERYTHING = [(engine_id, mode) for engine_id, record in RECORDS.items() for mode in record.engine.modes]
"""Every engine with every mode that it does."""


@pytest.fixture
def stability(settings: Any, monkeypatch: pytest.MonkeyPatch) -> StabilityBackend:
    """A studio whose only engines are Stability's; the provider's list of them is never asked for."""
    made = StabilityBackend("stability", {"API_KEYS": ["sk-of-a-test"]}, start=lambda read: None)
    settings.BACKENDS = {"stability": {"BACKEND": "studio.backends.stability.StabilityBackend", "OPTIONS": {}}}
    monkeypatch.setattr(registry, "backend", {"stability": made}.__getitem__)
    return made


def wav(seconds: float = 7, hertz: int = 8000) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(hertz)
        sound.writeframes(b"\x80" * round(seconds * hertz))
    return buffer.getvalue()


def mp3(seconds: float = 7) -> bytes:
    return tune((0, 2, 4), seconds)


def file_for(rules: MediaInput) -> tuple[bytes, str]:
    """A file that the input takes, and its name."""
    if rules.kind == "audio":
        return mp3(), "tune.mp3"
    return picture((128, 96), 255 if rules.kind == "mask" else (90, 120, 40), "L" if rules.kind == "mask" else "RGB"), "picture.png"


WORDS = {"left": "64", "search_prompt": "a cat", "select_prompt": "the roof", "mask_start": "1", "mask_end": "5"}
"""What has to be said beside a prompt and files."""


def filled(client: Client, engine: Engine, mode: Mode, *, without: str = "") -> dict[str, str]:
    """A press that says all that is needed, `without` one field."""
    own = {parameter.name for parameter in engine.parameters_for(mode)}
    values = {name: value for name, value in WORDS.items() if name in own}
    if engine.prompt_for(mode) is not PromptNeed.NONE:
        values["prompt"] = "a boat"
    for rules in engine.inputs_for(mode):
        data, name = file_for(rules)
        values[rules.name] = upload(client, data, name).json()["id"]
    values.pop(without, None)
    return {"engine": engine.id, "mode": mode.value, "num_images": "1", **values}


def pressed(client: Client, values: dict[str, str], key: str = "k1") -> Any:
    """Press Generate with these values and no others."""
    return press(client, **{"prompt": "", **values, "idempotency_key": key})


def calls(job: Job) -> Any:
    """What would go out for a job, exactly as the worker hands it over."""
    request: GenerationRequest = job.to_request({name: files.read(one.file) for name, one in job.given.items() if one})
    return calls_of(RECORDS[job.engine], request)
