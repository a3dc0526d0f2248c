"""Weights as people type them, `a (red:1.2) boat`, and as each kind of engine reads them.

A weight is the explicit form alone: brackets, words, a colon, a number from -2 to 2. Brackets without one are words, and so is what only
looks like a weight: `(10:30)` has no words, `(save:50)` no such number. Weights multiply where they nest, and stay within -2 and 2.
A backslash takes the meaning from a sign: brackets of any kind, a bar, a colon, an underscore, a backslash; before anything else it is
itself.

`static/js/create/weights.js` reads the same while somebody types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple

Dialect = Literal["", "a1111", "v2beta", "text-prompts", "embeddings"]
"""How an engine is told of weights: not at all, as A1111's text, as Stability's text, as a prompt for each, or in what the model reads."""

MOST = 2.0

# Possessive (`++`), so that nothing is tried twice: a prompt of colons, digits or brackets takes time in proportion to its length.
_TOKEN = re.compile(r"\\([()\[\]{}|:_\\])|:\s*+([-+]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++))\s*+\)|[()]|[^\\():]++|[\\:]")
_WORD = re.compile(r"[^\W\d_]|[^\x00-\x7f]")
_READ_AS_WEIGHT = re.compile(r":\s*+[-+]?[0-9.]++\s*+\)")
_EDGE = " \t\n,.;:!?"


class Span(NamedTuple):
    """Words of one weight, without brackets and escapes. What holds no word (a comma, a space) weighs 1."""

    text: str
    weight: float


def parse(prompt: str) -> list[Span]:
    """The prompt in spans, in order; neighbours differ in weight, none is empty. Never fails: what is malformed is words."""
    tokens = list(_TOKEN.finditer(prompt))
    opening, closing = _groups(tokens)
    weights = [1.0]
    pieces: list[tuple[str, float]] = []
    for place, token in enumerate(tokens):
        if place in opening:
            weights.append(_limited(weights[-1] * opening[place]))
        elif place in closing:
            weights.pop()
        else:
            pieces.append((token[1] or token[0], weights[-1]))
    return _joined((text, weight if _WORD.search(text) else 1.0) for text, weight in _joined(pieces))


def _groups(tokens: list[re.Match[str]]) -> tuple[dict[int, float], set[int]]:
    """Which brackets carry a weight: the weights by the place of the token that opens, and the places of those that close."""
    opening: dict[int, float] = {}
    closing: set[int] = set()
    opened: list[tuple[int, int]] = []
    words = 0
    for place, token in enumerate(tokens):
        if token[0] == "(":
            opened.append((place, words))
        elif token[0] == ")":
            del opened[-1:]
        elif token[2] is None:
            words += token[1] is None and _WORD.search(token[0]) is not None
        elif opened:
            start, before = opened.pop()
            if words > before and abs(float(token[2])) <= MOST:
                opening[start] = float(token[2])
                closing.add(place)
    return opening, closing


def _limited(weight: float) -> float:
    return round(max(-MOST, min(MOST, weight)), 4) + 0.0


def _joined(pieces: Iterable[tuple[str, float]]) -> list[Span]:
    return [Span("".join(text for text, _ in group), weight) for weight, group in groupby(pieces, key=itemgetter(1))]


def weighs(prompt: str) -> bool:
    """Whether any words of it have another weight than 1."""
    return any(span.weight != 1 for span in parse(prompt))


def plain(prompt: str) -> str:
    """The words alone, for an engine that ignores weights."""
    return "".join(span.text for span in parse(prompt))


def readable(prompt: str) -> str:
    """As people read it: weights as they were typed, without the backslashes that keep signs from meaning something."""
    return _TOKEN.sub(lambda token: token[1] or token[0], prompt)


def escape(text: str) -> str:
    """The text so that `parse` gives back just this text, with the weight 1."""
    return re.sub(r"[()\\]", r"\\\g<0>", text)


def prompts(prompt: str) -> list[Span]:
    """A prompt for each weight: what weighs 1 as one text, then every other span. Gaps and stray commas left by a span are closed."""
    spans = parse(prompt)
    rest = "".join(" " if span.weight != 1 else span.text for span in spans)
    tidy = (Span(_tidy(rest), 1.0), *(Span(_tidy(span.text), span.weight) for span in spans if span.weight != 1))
    return [span for span in tidy if _WORD.search(span.text) or any(letter.isalnum() for letter in span.text)]


def _tidy(text: str) -> str:
    text = re.sub(r"[ \t]+", " ", text)
    return re.sub(r"(?:\s*+,)+(?=\s*+(?:,|$))", "", re.sub(r" ,", ",", text)).strip(" ,")


def render(prompt: str, dialect: Dialect) -> str:
    """The prompt as one text for an engine of this dialect; those that take no weights in a text are given the words alone.

    `a1111`: the same brackets, each weight spelled out; brackets that are words are escaped, square ones too.

    `v2beta`: weights from 0 to 1 (`stability/API.md` 2.4), so all are divided by the largest, which then needs no brackets:
    `a (cat:1.25) on a mat` is sent as `(a:0.8) cat (on a mat:0.8)`. Negative ones count as 0. No escape is documented there: beside
    weights, and where words would read as one, all brackets that are words become square ones.
    """
    spans = parse(prompt)
    if dialect == "a1111":
        return "".join(_bracketed(re.sub(r"[()\[\]\\]", r"\\\g<0>", text), weight) for text, weight in spans)
    text = "".join(span.text for span in spans)
    if dialect != "v2beta":
        return text
    if len(spans) > 1 or _READ_AS_WEIGHT.search(text):
        spans = [Span(text.translate(_SQUARE), weight) for text, weight in spans]
    strongest = max((weight for text, weight in spans if _WORD.search(text)), default=1.0)
    if strongest <= 0:
        strongest = 1.0
    return "".join(_apart(text, max(0.0, round(weight / strongest, 2))) if _WORD.search(text) else text for text, weight in spans)


_SQUARE = str.maketrans("()", "[]")


def _bracketed(text: str, weight: float) -> str:
    return text if weight == 1 else f"({text}:{weight:g})"


def _apart(text: str, weight: float) -> str:
    """The words in brackets; spaces and punctuation around them stay outside."""
    if weight == 1:
        return text
    words = text.strip(_EDGE)
    before, _, after = text.partition(words)
    return before + _bracketed(words, weight) + after


def length(prompt: str, dialect: Dialect) -> int:
    """Characters that a limit counts: those of the text that leaves, of the longest where several do."""
    if dialect == "text-prompts":
        return max((len(span.text) for span in prompts(prompt)), default=0)
    return len(render(prompt, dialect))
