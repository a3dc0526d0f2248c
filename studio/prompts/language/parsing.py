"""From a text as typed to a tree of words, fields and choices, in two passes over the signs in it.

The first finds out which braces and bars mean something: only what is closed and has a bar of its own does. The second builds the tree.
Both look at each sign once, so time grows with the length of the text, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from studio.prompts.language.errors import PromptSyntaxError
from studio.prompts.language.limits import MAX_NESTING, MAX_TAKEN, MAX_TEXT
from studio.prompts.language.literals import PAIR, literal

_NAME = r"[^\W_](?:[^\W_]|[-/.]|_(?!_)){0,63}"
_TOKEN = re.compile(rf"{PAIR}|[{{}}|]|__(?P<wildcard>{_NAME})__")
_HEAD = re.compile(r"\s*+(?P<low>[0-9]{1,4})(?:-(?P<high>[0-9]{1,4}))?\$\$(?:(?P<joiner>(?:\\.|[^\\{}|$]|\$(?!\$))*+)\$\$)?", re.DOTALL)
_POOL = re.compile(rf"{_HEAD.pattern}\s*+__{_NAME}__\s*+\}}", re.DOTALL)
_ODDS = re.compile(r"\s*+(?:([0-9]{1,9})(?:\.([0-9]{1,6}))?|\.([0-9]{1,6}))::")
_SPACE = re.compile(r"\s*+")
_MILLION = 1_000_000


class Words(NamedTuple):
    text: str


class Field(NamedTuple):
    name: str
    position: int


class Choice(NamedTuple):
    """From `low` to `high` of the options, or of the lines of the wildcard `pool`, in the order in which they are written.

    `odds` are millionths, and empty where all are alike. `position` is where in the text it starts.
    """

    options: tuple[tuple[Node, ...], ...] = ()
    odds: tuple[int, ...] = ()
    low: int = 1
    high: int = 1
    joiner: str = ", "
    pool: str = ""
    position: int = 0


Node: TypeAlias = Words | Field | Choice


class Section(NamedTuple):
    nodes: tuple[Node, ...]
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text that has been read. `fields` and `wildcards` are the names in it, each once, in order.

    `wildcards` are those of the text itself; their lines may name others. `has_alternatives` is about braces, not about wildcards.
    """

    sections: tuple[Section, ...]
    fields: tuple[str, ...] = ()
    wildcards: tuple[str, ...] = ()
    has_alternatives: bool = False


def is_wildcard_name(name: str) -> bool:
    """Whether `__name__` stands for a line of a list: letters and digits, with single `_ - / .` between, 64 characters at most."""
    found = _TOKEN.fullmatch(f"__{name}__")
    return found is not None and found["wildcard"] == name


def parse(text: str, *, fields: Collection[str] = ()) -> Prompt:
    """Read a text. `{name}` is a field where `name` is one of `fields`, else words.

    Raises PromptSyntaxError: too long, alternatives nested too deep, an amount or odds that cannot be. Everything else that is not
    well-formed is words, since people paste all kinds of text.
    """
    if len(text) > MAX_TEXT:
        raise PromptSyntaxError(f"This text has {len(text):,} characters; {MAX_TEXT:,} are allowed. Shorten it.", MAX_TEXT, "too_long")
    if "{" not in text and "__" not in text:  # as most lines of wildcards, of which there may be many
        return Prompt((Section((Words(literal(text)),) if text else ()),))
    tokens = list(_tokens(text, frozenset(fields)))
    root = _Braces()
    frames, at = [root], 0
    for token in tokens:
        if token.start < at:
            continue  # inside the joiner
        frame = frames[-1]
        frame.add_words(text[at : token.start], is_last=token.kind in ("|", "}"))
        at = token.end
        match token.kind:
            case "{":
                if len(frames) > MAX_NESTING:
                    raise PromptSyntaxError(
                        f"Alternatives are nested more than {MAX_NESTING} deep here. Take a level out.", token.start, "too_deep"
                    )
                frames.append(_Braces(token.start))
                at = frames[-1].begin(text, at)
            case "|":
                at = frame.next_option(text, at)
            case "}":
                frames.pop()
                frames[-1].nodes.append(frame.choice())
            case "field":
                frame.nodes.append(Field(token.name, token.start))
            case _:
                frame.nodes.append(Choice(pool=token.name, position=token.start))
    root.add_words(text[at:])
    names = {kind: tuple(dict.fromkeys(token.name for token in tokens if token.kind == kind)) for kind in ("field", "wildcard")}
    has_alternatives = any(token.kind == "{" for token in tokens)
    return Prompt((Section(tuple(root.nodes)),), names["field"], names["wildcard"], has_alternatives)


# --- signs -----------------------------------------------------------------------------------------------------------


class _Token(NamedTuple):
    kind: str
    start: int
    end: int
    name: str = ""


def _tokens(text: str, fields: frozenset[str]) -> Iterator[_Token]:
    """What means something in the text, in order: fields, wildcards, and braces with their bars."""
    longest = max(map(len, fields), default=0)
    found: list[_Token] = []
    meant: set[int] = set()
    opened: list[list[int]] = []
    at = 0
    for match in _TOKEN.finditer(text):
        sign, start = match[0], match.start()
        if start < at or sign[0] == "\\":
            continue
        if sign[0] == "_":
            meant.add(len(found))
            found.append(_Token("wildcard", start, match.end(), match["wildcard"]))
        elif sign == "{":
            end = text.find("}", start, start + longest + 2)
            if end > 0 and text[start + 1 : end] in fields:
                at = end + 1
                meant.add(len(found))
                found.append(_Token("field", start, at, text[start + 1 : end]))
            else:
                opened.append([len(found)])
                found.append(_Token(sign, start, start + 1))
        elif opened:
            opened[-1].append(len(found))
            found.append(_Token(sign, start, start + 1))
            if sign == "}":
                family = opened.pop()
                if len(family) > 2 or _takes_from_pool(text, found[family[0]].end, start):
                    meant.update(family)
    return (token for place, token in enumerate(found) if place in meant)


def _takes_from_pool(text: str, start: int, end: int) -> bool:
    """Whether all between two braces is an amount and a wildcard: `{2$$__colour__}`."""
    found = _POOL.match(text, start)
    return found is not None and found.end() == end + 1


# --- braces ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Braces:
    """A pair of braces while its options are collected; the outermost frame stands for the whole text.

    Spaces around the options of a joined one are left out, since its joiner brings its own; elsewhere they are kept: `{|very }big`.
    """

    position: int = 0
    joiner: str | None = None
    low: int = 1
    high: int = 1
    nodes: list[Node] = field(default_factory=list)
    options: list[tuple[Node, ...]] = field(default_factory=list)
    odds: list[int] = field(default_factory=list)

    def add_words(self, raw: str, *, is_last: bool = False) -> None:
        text = literal(raw.rstrip() if is_last and self.joiner is not None else raw)
        if text:
            self.nodes.append(Words(text))

    def begin(self, text: str, at: int) -> int:
        """Read amount and joiner, and the odds of the first option. Return where its words start."""
        if head := _HEAD.match(text, at):
            self.low = int(head["low"])
            self.high = int(head["high"] or head["low"])
            self.joiner = ", " if head["joiner"] is None else literal(head["joiner"])
            at = head.end()
        return self._start_option(text, at)

    def next_option(self, text: str, at: int) -> int:
        self.options.append(tuple(self.nodes))
        self.nodes = []
        return self._start_option(text, at)

    def _start_option(self, text: str, at: int) -> int:
        odds = _MILLION
        if found := _ODDS.match(text, at):
            whole, part = found[1] or "0", found[2] or found[3] or ""
            odds = int(whole) * _MILLION + int(part.ljust(6, "0"))
            at = found.end()
        self.odds.append(odds)
        found = _SPACE.match(text, at) if self.joiner is not None else None
        return found.end() if found else at

    def choice(self) -> Choice:
        options = (*self.options, tuple(self.nodes))
        joiner = ", " if self.joiner is None else self.joiner
        first = options[0][0] if len(options) == 1 else None
        if isinstance(first, Choice):
            self._check_amount()
            return first._replace(low=self.low, high=self.high, joiner=joiner, position=self.position)
        usable = sum(odds > 0 for odds in self.odds)
        if not usable:
            raise PromptSyntaxError("All alternatives here have the odds 0. Give one of them more.", self.position, "odds")
        self._check_amount()
        check_enough(self.high, usable, self.position)
        odds = tuple(self.odds) if len(set(self.odds)) > 1 else ()
        return Choice(options, odds, self.low, self.high, joiner, position=self.position)

    def _check_amount(self) -> None:
        if self.low > self.high:
            raise PromptSyntaxError(f"“{self.low}-{self.high}$$” counts down. Write the smaller number first.", self.position, "amount")
        if not 1 <= self.high <= MAX_TAKEN:
            raise PromptSyntaxError(
                f"“{self.high}$$” is no number of alternatives to take. Write one from 1 to {MAX_TAKEN}.", self.position, "amount"
            )


def check_enough(taken: int, usable: int, position: int) -> None:
    if taken > usable:
        raise PromptSyntaxError(
            f"{taken} alternatives are to be taken here, but there are only {usable}. Take fewer, or add some.", position, "amount"
        )
