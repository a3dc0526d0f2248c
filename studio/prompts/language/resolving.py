"""From a prompt that has been read to the text of one picture: fields filled in, alternatives and wildcards decided."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Literal, NamedTuple, TypeVar

from studio.backends.weights import escape
from studio.prompts.language.choosing import Chooser, Seeded, Trail
from studio.prompts.language.errors import PromptSyntaxError
from studio.prompts.language.limits import MAX_LISTS, MAX_OUTPUT, MAX_STEPS
from studio.prompts.language.lists import Lists, check_path
from studio.prompts.language.literals import weight_colons
from studio.prompts.language.parsing import Choice, Field, Node, Prompt, Words, check_enough

Kind = Literal["words", "field", "alternative", "wildcard", "locked"]

Run = TypeVar("Run")


class Part(NamedTuple):
    """A stretch of a resolved prompt and where it comes from; `name` is that of the field or wildcard.

    What a wildcard's line decides in braces of its own counts as the wildcard's.
    """

    text: str
    kind: Kind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The text with weights as typed, escaped as a backend reads it (`literals`), and the parts that it is made of."""

    text: str
    parts: tuple[Part, ...]


def resolve(
    prompt: Prompt,
    *,
    values: Mapping[str, str],
    seed: int,
    wildcards: Mapping[str, Sequence[str]],
    salt: str = "",
) -> Resolved:
    """The text that belongs to a seed, the same for ever. A `salt` of its own lets the negative prompt choose for itself.

    A value is words, whatever stands in it. Raises PromptSyntaxError: a field without a value, a wildcard that does not exist, is empty
    or leads back to itself, or a result beyond the limits.
    """
    return _Walk(values, Lists(wildcards), Seeded(seed, salt)).through(prompt)


def every(
    prompt: Prompt,
    *,
    values: Mapping[str, str],
    wildcards: Mapping[str, Sequence[str]],
    limit: int,
) -> Iterator[Resolved]:
    """All that `resolve` can give, each choice once (texts may repeat: `{a|a}`), the last choice changing first; `limit` at most.

    Ask `count` first: nothing here says that there would be more. Raises as `resolve` does, when it comes to it.
    """
    lists, trail = Lists(wildcards), Trail()
    for _ in range(limit):
        yield _Walk(values, lists, trail).through(prompt)
        if not trail.advance():
            return


class _Walk:
    """One way through the tree, writing down what it comes by."""

    def __init__(self, values: Mapping[str, str], lists: Lists, chooser: Chooser) -> None:
        self._values = values
        self._lists = lists
        self._chooser = chooser
        self._parts: list[Part] = []
        self._length = 0
        self._steps = 0
        self._path: list[str] = []
        self._position = 0
        self._joiner: Part | None = None

    def through(self, prompt: Prompt) -> Resolved:
        number = 0
        for section in self._joined(prompt.sections, Part(", ", "words")):
            number = self._follow(section.nodes, Part("", "locked" if section.locked else "words"), "", number)
        parts = tuple(_merged(_guarded(_closed(self._parts))))
        return Resolved("".join(part.text for part in parts), parts)

    def _follow(self, nodes: Sequence[Node], voice: Part, place: str, number: int = 0) -> int:
        """Say what the nodes say; plain words in this voice. Choices are numbered on from `number`; return the next."""
        for node in nodes:
            if not self._path:
                self._position = 0 if isinstance(node, Words) else node.position
            self._spend(1)
            match node:
                case Words():
                    self._say(Part(node.text, voice.kind, voice.name))
                case Field():
                    value = Part(self._value(node), "field", node.name)
                    if value.text:
                        self._say(value)
                    else:
                        self._parts.append(value)  # a gap, which `_closed` closes
                case Choice():
                    self._choose(node, voice, f"{place}{number}")
                    number += 1
        return number

    def _choose(self, choice: Choice, voice: Part, place: str) -> None:
        if choice.pool:
            check_path(self._path, choice.pool, self._position, MAX_LISTS)
            options = self._lists.length(choice.pool, self._position)
            check_enough(choice.high, options, self._position)
            voice = Part("", "wildcard", choice.pool)
            self._path.append(choice.pool)
        else:
            options = len(choice.options)
            voice = voice if voice.kind == "wildcard" else Part("", "alternative")
        self._spend(len(choice.odds) * choice.high)
        taken = self._chooser.take(place, options, choice.odds, choice.low, choice.high)
        for option in self._joined(taken, voice._replace(text=choice.joiner)):
            nodes = self._lists.line(choice.pool, option, self._position).sections[0].nodes if choice.pool else choice.options[option]
            self._follow(nodes, voice, f"{place}.{option}.")
        if choice.pool:
            self._path.pop()

    def _joined(self, runs: Iterable[Run], joiner: Part) -> Iterator[Run]:
        """Give each run its turn; what the next one says comes behind a joiner. A run that says nothing leaves none behind."""
        outer, start = self._joiner, self._length
        for run in runs:
            self._joiner = joiner if self._length > start else outer
            yield run
        self._joiner = None if self._length > start else outer

    def _value(self, field: Field) -> str:
        if field.name not in self._values:
            raise PromptSyntaxError(f"The field “{field.name}” has no value. Fill it in.", field.position, "missing_value")
        value = self._values[field.name]
        self._check_length(len(value))
        return escape(value)

    def _say(self, part: Part) -> None:
        if not part.text:
            return
        if self._joiner:
            joiner, self._joiner = self._joiner, None
            self._say(joiner)
        self._check_length(len(part.text))
        self._length += len(part.text)
        self._parts.append(part)

    def _check_length(self, more: int) -> None:
        if self._length + more > MAX_OUTPUT:
            message = f"This prompt becomes longer than {MAX_OUTPUT:,} characters. Shorten it, or what it takes from fields and wildcards."
            raise PromptSyntaxError(message, self._position, "too_much")

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            message = "This prompt asks for too many choices at once. Take alternatives or wildcards out."
            raise PromptSyntaxError(message, self._position, "too_much")


def _closed(parts: Sequence[Part]) -> list[Part]:
    """Without the comma or space that an empty field leaves behind: "a table, {colour}, in oil" becomes "a table, in oil"."""
    found: list[Part] = []
    is_gap = False
    for part in parts:
        if not part.text:
            is_gap = True
            continue
        text, before = part.text, found[-1].text if found else ","
        if is_gap and part.kind in ("words", "locked"):
            if before.rstrip().endswith(",") and text.lstrip().startswith(","):
                text = text.lstrip()[1:]
            if not found or before[-1].isspace():
                text = text.lstrip()
        is_gap = is_gap and not text.strip(", \n\t")
        if text:
            found.append(part._replace(text=text))
    if is_gap and found and found[-1].kind in ("words", "locked"):
        found[-1] = found[-1]._replace(text=found[-1].text.rstrip(", \n\t"))
    return [part for part in found if part.text]


def _guarded(parts: list[Part]) -> list[Part]:
    """No value ends a weight with a bracket that stands behind it: such a colon is marked (`literals`)."""
    starts = list(accumulate((len(part.text) for part in parts), initial=0))
    for colon in reversed(weight_colons("".join(part.text for part in parts))):
        place = bisect_right(starts, colon) - 1
        text, kind, name = parts[place]
        at = colon - starts[place]
        if kind == "field":
            parts[place] = Part(f"{text[:at]}\\{text[at:]}", kind, name)
    return parts


def _merged(parts: list[Part]) -> Iterator[Part]:
    """Neighbours of one kind as one part, but for fields."""
    for (kind, name), same in groupby(parts, key=itemgetter(1, 2)):
        if kind == "field":
            yield from same
        else:
            yield Part("".join(part.text for part in same), kind, name)
