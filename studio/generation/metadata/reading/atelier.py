"""Our own JSON, which says everything exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from studio.backends.base import Mode
from studio.generation.metadata.reading.record import MAX_PROMPT, Record, plain, real, whole
from studio.generation.metadata.reading.structures import parse, within

TOOL = "Atelier"
MAX_OWN = 40
"""Parameters of an engine's own that are looked at."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_TEXTS = ("engine", "mode", "prompt", "negative_prompt", "scheduler")
_WHOLE = ("seed", "width", "height", "num_images", "num_inference_steps")
_REAL = ("guidance_scale", "strength")
_NO_SETTINGS = {"from", "use", "job", "source", "image", "mask_image", "was", "was_audio", "selected", "extra", *_TEXTS, *_WHOLE, *_REAL}
"""Names that mean something else in the address of Create or in a request, where each has a type of its own."""


def read(texts: Mapping[str, str]) -> Record | None:
    data = parse(texts.get("atelier"))
    own = {name: value for name, value in within(data.get("extra")).items() if _NAME.fullmatch(name) and name not in _NO_SETTINGS}
    settings: dict[str, Any] = {name: _kept(value) for name, value in islice(own.items(), MAX_OWN)}
    settings |= {name: plain(data[name], MAX_PROMPT) for name in _TEXTS if isinstance(data.get(name), str)}
    settings |= {name: number for name in _WHOLE if (number := whole(data.get(name))) is not None and number >= 0}
    settings |= {name: real(data.get(name)) for name in _REAL}
    settings = {name: value for name, value in settings.items() if value is not None}
    return Record(TOOL, settings) if settings.get("mode") in list(Mode) else None


def _kept(value: Any) -> str | int | float | None:
    """What an engine's own parameter may be."""
    if isinstance(value, str):
        return plain(value, MAX_PROMPT)
    if isinstance(value, bool):
        return value
    return whole(value) if isinstance(value, int) else real(value)
