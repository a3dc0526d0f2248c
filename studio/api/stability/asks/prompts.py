"""Prompts of the contract in the studio's notation of weights (`studio/backends/weights.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from studio.backends.weights import MOST, escape

LETTER = re.compile(r"[^\W\d_]|[^\x00-\x7f]")


class Words(NamedTuple):
    """What it shall show and what not, in the studio's notation."""

    prompt: str
    negative: str = ""


def shared(text: str) -> str:
    """v2beta's `prompt` (API.md 2.4), whose `(word:0.8)` is the studio's own; a backslash is only a backslash there."""
    return text.replace("\\", "\\\\")


def plain(text: str) -> str:
    """A text that is documented to have no weights: brackets in it are words."""
    return escape(text)


def weighted(text_prompts: Iterable[Mapping[str, Any]]) -> Words:
    """v1's list (API.md 1.3): what weighs 1 as it is, the rest in brackets, and what weighs less than nothing is left out of the picture.

    Weights are shares of each other: where one is larger than the studio writes, all shrink alike. One of 0 says nothing.
    """
    entries = [(str(one["text"]), float(one.get("weight", 1))) for one in text_prompts]
    largest = max((abs(weight) for _, weight in entries), default=1.0)
    scale = MOST / largest if largest > MOST else 1.0
    spans = [(text, round(weight * scale, 4)) for text, weight in entries if text.strip()]
    shown = [_bracketed(text, weight) for text, weight in spans if weight > 0]
    left_out = [_bracketed(text, -weight) for text, weight in spans if weight < 0]
    return Words(", ".join(shown), ", ".join(left_out))


def _bracketed(text: str, weight: float) -> str:
    return escape(text) if weight == 1 or not LETTER.search(text) else f"({escape(text)}:{weight:g})"
