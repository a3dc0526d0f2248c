"""Weights of words as other programs write them. In Atelier only `(words:1.2)` is one; other brackets are words.

AUTOMATIC1111 and Fooocus: `(x)` is 1.1 times as strong, `((x))` 1.21 times, `(x:1.3)` exactly; for AUTOMATIC1111 alone `[x]` is 1.1 times
weaker. A backslash makes a bracket a word. InvokeAI: `(x)1.3`; brackets alone are words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

STRONGER = 1.1
MAX_DEPTH = 40
"""Brackets that lie deeper in each other are words: nobody means them, and they would cost time."""

_EXACT = re.compile(r":\s*([0-9]*\.?[0-9]+)\s*")
_BRACES = re.compile(r"\{[^{}]*\}")
_INVOKE = re.compile(r"\\.|\\\Z|\(([^()\\]*)\)([0-9]+(?:\.[0-9]+)?)", re.DOTALL)
_OURS = re.compile(r"\\.|\\\Z|\(([^()\\:]*):\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\)", re.DOTALL)
_SHARED = ("\\(", "\\)", "\\\\")
_ONLY_OURS = ("\\{", "\\}", "\\|", "\\_", "\\[", "\\]", "\\:")
"""Escapes that other programs know as we do, and those that they do not."""


class _Group(NamedTuple):
    words: str
    weight: float

    def __str__(self) -> str:
        return f"({self.words}:{_written(self.weight)})"


@dataclass
class _Frame:
    """What stands since a bracket was opened."""

    bracket: str
    parts: list[str | _Group] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(map(str, self.parts))


def _written(weight: float) -> str:
    return f"{weight:.2f}".rstrip("0").rstrip(".")


def from_a1111(text: str, *, squares: bool = True) -> str:
    """With every weight written out. `squares`: whether square brackets are weights, as in AUTOMATIC1111; they are none in Fooocus."""
    open_frames = [_Frame("")]
    opening, closing = {"(": ")"} | ({"[": "]"} if squares else {}), (")" if not squares else ")]")
    for mark in _marks(text):
        frame = open_frames[-1]
        if mark in opening and len(open_frames) <= MAX_DEPTH:
            open_frames.append(_Frame(mark))
        elif mark and mark in closing and opening.get(frame.bracket) == mark:
            open_frames.pop()
            open_frames[-1].parts.extend(_weighed(frame))
        elif mark == ")" and frame.bracket:
            frame.parts.append("\\)")  # it closes nothing, and must not close a weight
        else:
            frame.parts.append(_heard(mark))
    return "".join(("\\(" if frame.bracket == "(" else frame.bracket) + frame.text for frame in open_frames)


def _weighed(frame: _Frame) -> list[str | _Group]:
    """The parts of a pair of brackets as one, or as words where they mean something else."""
    last = frame.parts[-1] if frame.parts else ""
    said = re.search(r":\s*[0-9.]+\s*$", last) if isinstance(last, str) else None
    exact = _EXACT.fullmatch(said[0]) if said and isinstance(last, str) else None
    if frame.bracket == "[":
        if is_editing(frame.text):
            return ["[", *frame.parts, "]"]
        return [_group(frame.parts, 1 / STRONGER)]
    if exact and said and isinstance(last, str):
        return [_group([*frame.parts[:-1], last[: said.start()]], float(exact[1]))]
    return [_group(frame.parts, STRONGER)] if frame.text.strip() else ["(", *frame.parts, ")"]


def _group(parts: list[str | _Group], weight: float) -> _Group:
    """Weights of weights become one where nothing stands between the brackets."""
    there = [part for part in parts if part != ""]
    if len(there) == 1 and isinstance(there[0], _Group):
        return _Group(there[0].words, there[0].weight * weight)
    return _Group("".join(map(str, there)), weight)


def is_editing(words: str) -> bool:
    """Whether square brackets with these words are AUTOMATIC1111's `[from:to:0.5]` or `[one|other]`, which are no weights."""
    bare = _BRACES.sub("", words)
    return "|" in bare or re.search(r":\s*[0-9.]+\s*$", bare) is not None


def to_a1111(text: str, *, squares: bool = True) -> str:
    """Of Atelier's text, for programs that take every bracket for a weight: those that are words get a backslash."""
    open_frames = [_Frame("")]
    for mark in _marks(text):
        if mark == "(" and len(open_frames) <= MAX_DEPTH:
            open_frames.append(_Frame("("))
        elif mark == ")" and len(open_frames) > 1:
            inner = open_frames.pop().text
            is_weight = re.search(r"[^\s:\\]\s*:\s*(?:[0-9]+\.?[0-9]*|\.[0-9]+)\s*$", inner) is not None
            open_frames[-1].parts.append(f"({inner})" if is_weight else f"\\({inner}\\)")
        elif mark in ("(", ")") or (squares and mark in ("[", "]")):
            open_frames[-1].parts.append(f"\\{mark}")
        else:
            open_frames[-1].parts.append(mark if mark == "\\:" else _told(mark, squares=squares))
    written = "".join(("\\(" if frame.bracket else "") + frame.text for frame in open_frames)
    return re.sub(r"\\(.)", lambda found: ":" if found[1] == ":" else found[0], written, flags=re.DOTALL)


def from_invokeai(text: str) -> str:
    return _INVOKE.sub(lambda found: _heard(found[0]) if found[1] is None else f"({found[1]}:{found[2]})", text)


def to_invokeai(text: str) -> str:
    return _OURS.sub(lambda found: _told(found[0]) if found[1] is None else f"({found[1]}){found[2]}", text)


def _heard(mark: str) -> str:
    """A backslash of theirs before anything but a round bracket or another one is not there at all."""
    return mark[1:] if mark.startswith("\\") and mark not in _SHARED else mark


def _told(mark: str, *, squares: bool = False) -> str:
    """A backslash of ours that is none of our escapes is a word, which they write twice."""
    if not mark.startswith("\\") or mark in _SHARED or (squares and mark in ("\\[", "\\]")):
        return mark
    return mark[1:] if mark in _ONLY_OURS else f"\\{mark}"


def _marks(text: str) -> list[str]:
    """Brackets and backslashes with what follows them one by one, and what stands between."""
    return [part for part in re.split(r"(\\.|\\\Z|[()\[\]])", text, flags=re.DOTALL) if part]
