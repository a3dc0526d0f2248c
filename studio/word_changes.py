"""The way from one text to another, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

WORDS = 1200
"""Words, gaps between them counted, that are compared one by one; of a longer text the rest counts as one."""

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")

Kind = Literal["same", "ins", "del"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text: in both, only in the second (`ins`), or only in the first (`del`)."""

    kind: Kind
    text: str


def words(before: str, after: str) -> list[Piece]:
    """The way from one text to the other, word by word; neighbours of one kind are one piece."""
    one, other = _TOKEN.findall(before), _TOKEN.findall(after)
    start = _agreeing(one, other)
    end = _agreeing(one[start:][::-1], other[start:][::-1])
    left, right = _short(one[start : len(one) - end]), _short(other[start : len(other) - end])
    pieces = [Piece("same", "".join(one[:start]))]
    for step, i, j, k, m in SequenceMatcher(None, left, right).get_opcodes():
        if step == "equal":
            pieces.append(Piece("same", "".join(left[i:j])))
        else:
            pieces += [Piece("del", "".join(left[i:j])), Piece("ins", "".join(right[k:m]))]
    pieces.append(Piece("same", "".join(one[len(one) - end :])))
    return _joined(pieces)


def _agreeing(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words from the beginning are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _short(tokens: list[str]) -> list[str]:
    return tokens if len(tokens) <= WORDS else [*tokens[:WORDS], "".join(tokens[WORDS:])]


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Without empty ones. A gap between two changed words counts as changed too: otherwise every word would be a piece of its own."""
    bridged: list[Piece] = []
    for place, piece in enumerate(pieces):
        is_gap = piece.kind == "same" and piece.text.isspace() and 0 < place < len(pieces) - 1
        bridged += [Piece("del", piece.text), Piece("ins", piece.text)] if is_gap else [piece] if piece.text else []
    found: list[Piece] = []
    waiting: dict[Kind, str] = {"del": "", "ins": ""}
    for piece in [*bridged, Piece("same", "")]:
        if piece.kind != "same":
            waiting[piece.kind] += piece.text
            continue
        found += [Piece(kind, text) for kind, text in waiting.items() if text]
        waiting = {"del": "", "ins": ""}
        found += [piece] if piece.text else []
    return found
