"""JSON out of anybody's files: no longer than it may be, and without what only Python takes for JSON."""

from __future__ import annotations

import json
from typing import Any

from studio.generation.metadata.reading.record import MAX_TEXT

MAX_DIGITS = 40


def parse(text: str | None, *, longest: int = MAX_TEXT) -> dict[str, Any]:
    """The object that a text holds; empty for everything else.

    Depth is bounded by Python itself, which raises `RecursionError` rather than go on. `NaN` and its kin, which ComfyUI does write, become
    None, and so do whole numbers with more digits than anybody means.
    """
    if not text or len(text) > longest or text.lstrip()[:1] != "{":
        return {}
    try:
        found = json.loads(text, parse_constant=lambda _: None, parse_int=_whole)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None


def within(value: Any) -> dict[str, Any]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
