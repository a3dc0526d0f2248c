"""Weights in brackets, `(word:0.8)`, as v1's list of prompts. v2beta reads the brackets itself (`stability/API.md` 2.4)."""

from __future__ import annotations

import re
from typing import NamedTuple

MOST = 2.0
"""The largest weight that is meant as one; `(at 10:30)` is a time."""

_GROUP = re.compile(r"(?<!\\)\(([^():]+):\s*(-?\d+(?:\.\d+)?|-?\.\d+)\)")
_ESCAPED = re.compile(r"\\([()\\])")


class Weighted(NamedTuple):
    """One entry of `text_prompts`; a negative weight keeps it out of the picture (`stability/API.md` 1.3)."""

    text: str
    weight: float


def weighted(prompt: str, negative_prompt: str = "") -> list[Weighted]:
    """What is in no brackets, as one text of weight 1, then each group with its own weight; the same with the signs turned for what is
    left out. `\\(` is a bracket that is meant as one."""
    found = _parts(prompt) + [Weighted(text, -weight) for text, weight in _parts(negative_prompt)]
    return [one for one in found if one.weight]


def _parts(prompt: str) -> list[Weighted]:
    groups: list[Weighted] = []

    def take(match: re.Match[str]) -> str:
        weight = float(match[2])
        if not any(letter.isalpha() for letter in match[1]) or abs(weight) > MOST:
            return match[0]
        groups.append(Weighted(_plain(match[1]), weight))
        return " "

    rest = _plain(_GROUP.sub(take, prompt))
    return ([Weighted(rest, 1.0)] if re.search(r"\w", rest) else []) + groups


def _plain(text: str) -> str:
    """Without the backslashes, and without the gaps and stray commas that a group leaves behind."""
    text = re.sub(r"[ \t]+", " ", _ESCAPED.sub(r"\1", text))
    return re.sub(r"(?:\s*,)+(?=\s*(?:,|$))", "", re.sub(r" +,", ",", text)).strip(" ,")
