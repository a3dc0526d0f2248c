"""What is different between two results: their prompts word by word, and the settings that are not the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

from studio.galleries import facts
from studio.generation.models import Artifact

WORDS = 1200
"""Words, gaps between them counted, that are compared one by one; of a longer prompt the rest counts as one."""

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")

Kind = Literal["same", "ins", "del"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a prompt: in both, only in the second (`ins`), or only in the first (`del`)."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is not the same; empty on a side that does not have it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """From `first` to `second`. `prompt` and `negative` are empty where both say the same, `same` are the labels that agree."""

    first: Artifact
    second: Artifact
    prompt: Sequence[Piece]
    negative: Sequence[Piece]
    changes: Sequence[Change]
    same: Sequence[str]

    @property
    def has_credits(self) -> bool:
        """Whether what they cost is not the same, in millicredits."""
        return self.first.charged != self.second.charged


def difference(first: Artifact, second: Artifact) -> Difference:
    """Compare two results, whatever they are."""
    one, other = _settings(first), _settings(second)
    labels = list(dict.fromkeys([*one, *other]))
    return Difference(
        first,
        second,
        _prompts(first.prompt, second.prompt),
        _prompts(_negative(first), _negative(second)),
        [Change(label, one.get(label, ""), other.get(label, "")) for label in labels if one.get(label) != other.get(label)],
        [label for label in labels if one.get(label) == other.get(label)],
    )


def _settings(artifact: Artifact) -> dict[str, str]:
    made = artifact.get_mode_display() if artifact.mode else "outside the studio"
    return {"Mode": made, "Engine": artifact.engine_label, **{fact.label: fact.value for fact in facts.parameters(artifact)}}


def _negative(artifact: Artifact) -> str:
    return str(artifact.request.get("negative_prompt") or "")


def _prompts(before: str, after: str) -> list[Piece]:
    return [] if before == after else words(before, after)


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
