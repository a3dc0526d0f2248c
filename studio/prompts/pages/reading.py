"""Texts of templates as typed, for a page that colours them: words, fields, alternatives, wildcards, and what is locked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.prompts.content import Content
from studio.prompts.language import Part

_SIGNS = re.compile(r"\\.|[{}]|__[A-Za-z0-9][A-Za-z0-9_-]*?__", re.DOTALL)


def coloured(text: str, content: Content, *, locked: bool = False) -> list[Part]:
    """The parts of a text in their order; together they are the text. A brace that is never closed is words. Linear in its length."""
    return [part for part in _parts(text, content, "locked" if locked else "words") if part.text]


def _parts(text: str, content: Content, plain: str) -> Iterator[Part]:
    groups = _outermost(text)
    done = 0
    for start, end in groups:
        inner = text[start + 1 : end - 1]
        kind = _kind(text[start:end], inner, content)
        if not kind:
            continue
        yield Part(text[done:start], plain)  # type: ignore[arg-type]
        yield Part(text[start:end], kind, inner if kind == "field" else "")  # type: ignore[arg-type]
        done = end
    yield Part(text[done:], plain)  # type: ignore[arg-type]


def _kind(whole: str, inner: str, content: Content) -> str:
    if whole.startswith("_"):
        return "wildcard"
    if inner in content.by_name:
        return "field"
    return "alternative" if "|" in inner or "$$" in inner else ""


def _outermost(text: str) -> list[tuple[int, int]]:
    """Start and end of every wildcard and every closed pair of braces that is not in another one."""
    found: list[tuple[int, int]] = []
    open_at: list[int] = []
    for sign in _SIGNS.finditer(text):
        if sign[0] == "{":
            open_at.append(sign.start())
        elif sign[0] == "}" and open_at:
            start = open_at.pop()
            while found and found[-1][0] >= start:
                found.pop()
            found.append((start, sign.end()))
        elif sign[0].startswith("__"):
            found.append((sign.start(), sign.end()))
    return found
