"""Our own JSON, which says everything exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from studio.backends.base import GenerationRequest, Mode
from studio.generation.metadata.reading.record import MAX_PROMPT, Record, plain, real, whole
from studio.generation.metadata.reading.structures import parse, within

TOOL = "Atelier"
MAX_OWN = 40
"""Parameters of an engine's own that are looked at."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_NO_SETTINGS = {"from", "use", "job", "source", "image", "mask_image", "was", "was_audio", "selected"}
"""Names that mean something else in the address of Create."""
_FIELDS = GenerationRequest.__dataclass_fields__.keys() - {"image", "mask_image", "media", "extra"}


def read(texts: Mapping[str, str]) -> Record | None:
    data = parse(texts.get("atelier"))
    own = {name: value for name, value in within(data.get("extra")).items() if _NAME.fullmatch(name) and name not in _NO_SETTINGS}
    known = {name: data[name] for name in _FIELDS if name in data}
    settings = {name: kept for name, value in {**dict(islice(own.items(), MAX_OWN)), **known}.items() if (kept := _kept(value)) is not None}
    return Record(TOOL, settings) if settings.get("mode") in list(Mode) else None


def _kept(value: Any) -> str | int | float | None:
    if isinstance(value, str):
        return plain(value, MAX_PROMPT)
    if isinstance(value, bool):
        return value
    return whole(value) if isinstance(value, int) else real(value)
