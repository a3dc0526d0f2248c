"""Which words of a prompt are drawn how: those of fields, of alternatives and wildcards, and those that are locked.

The editor's script (`static/js/prompts/colours.js`) reads a text as `typed` does. Neither decides anything: the language does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from studio.backends.weights import readable
from studio.prompts.content import Field
from studio.prompts.language import Part

COLOURS = 6
"""How many fields have a colour of their own; the seventh has the first one's."""

_SIGN = re.compile(r"\\.|\{|\}|\||__[^\W_](?:[^\W_]|[-/.]|_(?!_)){0,63}__", re.DOTALL)


class Stretch(NamedTuple):
    """Some words and how they are drawn: `look` is a class of `prompts.css`, empty for plain ones; `title` says where they are from."""

    text: str
    look: str = ""
    title: str = ""


def numbers(fields: Iterable[Field]) -> dict[str, int]:
    """Name of a field -> the number of its colour, from 1."""
    return {one.name: place % COLOURS + 1 for place, one in enumerate(fields)}


def typed(text: str, colours: Mapping[str, int], *, locked: bool = False) -> list[Stretch]:
    """A text as somebody typed it. Braces without a bar of their own are words, unless they name a field."""
    plain = "lock" if locked else ""
    found: list[Stretch] = []
    at = depth = 0
    groups = _groups(text)
    for sign in _SIGN.finditer(text):
        start, end = sign.span()
        if start < at:
            continue
        look = _look_of(text, sign, groups, colours)
        if look is None:
            continue
        found.append(Stretch(text[at:start], "alt" if depth else plain))
        if sign[0] == "{" and look != "alt":
            end = text.index("}", start) + 1
        depth += (look == "alt") * {"{": 1, "}": -1}.get(sign[0], 0)
        found.append(Stretch(text[start:end], look))
        at = end
    found.append(Stretch(text[at:], plain))
    return _joined(found)


def _look_of(text: str, sign: re.Match[str], groups: set[int], colours: Mapping[str, int]) -> str | None:
    """The look of a sign that means something; None for one that is a word among words."""
    if sign[0].startswith("__"):
        return "wild"
    if sign.start() in groups:
        return "alt"
    if sign[0] == "{":
        end = text.find("}", sign.start(), sign.start() + 64)
        name = text[sign.start() + 1 : end] if end > 0 else ""
        return f"f{colours[name]}" if name in colours else None
    return None


def _groups(text: str) -> set[int]:
    """Where the braces and bars of alternatives are: those that are closed and have a bar, or an amount, of their own."""
    found: set[int] = set()
    opened: list[list[int]] = []
    for sign in _SIGN.finditer(text):
        if sign[0] == "{":
            opened.append([sign.start()])
        elif sign[0] in ("|", "}") and opened:
            opened[-1].append(sign.start())
            if sign[0] == "}":
                family = opened.pop()
                if len(family) > 2 or re.match(r"\{\s*\d{1,4}(-\d{1,4})?\$\$", text[family[0] : family[0] + 16]):
                    found.update(family)
    return found


def resolved(parts: Sequence[Part], fields: Sequence[Field] = ()) -> list[Stretch]:
    """What a template came to, by where each stretch comes from. Without its `fields` they are coloured as they come, by their names."""
    colours, titles = numbers(fields), {one.name: one.title for one in fields}
    if not fields:
        named = dict.fromkeys(part.name for part in parts if part.kind == "field")
        colours = {name: place % COLOURS + 1 for place, name in enumerate(named)}
    return [Stretch(readable(part.text), *_drawn(part, colours, titles)) for part in parts if part.text]


def _drawn(part: Part, colours: Mapping[str, int], titles: Mapping[str, str]) -> tuple[str, str]:
    if part.kind == "field":
        return f"f{colours.get(part.name, 1)}", titles.get(part.name, part.name)
    return {
        "alternative": ("alt", "One of the alternatives"),
        "wildcard": ("wild", f"A line of {part.name}"),
        "locked": ("lock", "Locked"),
    }.get(part.kind, ("", ""))


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours of one look as one, without empty ones."""
    found: list[Stretch] = []
    for one in stretches:
        if not one.text:
            continue
        if found and found[-1].look == one.look and not one.look.startswith("f"):
            found[-1] = found[-1]._replace(text=found[-1].text + one.text)
        else:
            found.append(one)
    return found
