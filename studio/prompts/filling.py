"""From what was typed or filled in to the prompts of a picture.

`typed` and `of_template` read and check everything once; what they give can be resolved with any seed, or in all its combinations.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio.prompts.content import NEGATIVE, Content, ContentError
from studio.prompts.language import Prompt, PromptSyntaxError, Resolved, compose, count, every, parse, resolve

COUNTLESS = 1_000_000
"""More combinations than anybody wants to know of."""
Wildcards = Mapping[str, Sequence[str]]
SALT = "negative"
"""What is left out draws for itself: the same list in both prompts need not give the same line."""


class BadValues(ValueError):
    """Sentences by what they are about: the name of a field, `sections.<name>` of a section, `prompt` or `negative`."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__(next(iter(self.fields.values()), ""))


@dataclass(frozen=True, slots=True)
class Filled:
    """The prompts of one picture. `written` are those as typed, `values` what a template was filled with (`Job.template_values`)."""

    prompt: Resolved
    negative: Resolved
    written: dict[str, str]
    values: dict[str, Any]

    @property
    def is_as_typed(self) -> bool:
        """Whether the request has just what was typed, so that there is nothing more to remember."""
        return (self.prompt.text, self.negative.text) == (self.written["prompt"], self.written["negative_prompt"])


@dataclass(frozen=True, slots=True)
class Filling:
    """Prompts that have been read and checked, for any seed."""

    written: dict[str, str]
    values: dict[str, Any]
    _prompt: Prompt
    _negative: Prompt
    _lists: Wildcards
    _words: Mapping[str, str] = field(default_factory=dict)

    @property
    def varies(self) -> bool:
        """Whether another seed may give other words."""
        return any(one.has_alternatives or one.wildcards for one in (self._prompt, self._negative))

    @property
    def combinations(self) -> int:
        """How many different choices there are, `COUNTLESS` where there are more than that."""
        try:
            return min(COUNTLESS, count(self._prompt, wildcards=self._lists) * count(self._negative, wildcards=self._lists))
        except PromptSyntaxError:  # what else can be wrong was found when it was read
            return COUNTLESS

    def at(self, seed: int) -> Filled:
        """The prompts that belong to a seed. Raises `BadValues`."""
        prompt, negative = self._resolved(self._prompt, "prompt", seed), self._resolved(self._negative, NEGATIVE, seed, SALT)
        return Filled(prompt, negative, self.written, self.values)

    def every(self, limit: int) -> Iterator[Filled]:
        """All combinations, `limit` of them at most. Raises `BadValues`."""
        left = limit
        for prompt in self._every(self._prompt, "prompt", limit):
            for negative in self._every(self._negative, NEGATIVE, left):
                yield Filled(prompt, negative, self.written, self.values)
                left -= 1
            if left <= 0:
                return

    def _resolved(self, prompt: Prompt, place: str, seed: int, salt: str = "") -> Resolved:
        try:
            return resolve(prompt, values=self._words, seed=seed, wildcards=self._lists, salt=salt)
        except PromptSyntaxError as error:
            raise BadValues({place: _sentence(error, self._lists)}) from error

    def _every(self, prompt: Prompt, place: str, limit: int) -> Iterator[Resolved]:
        try:
            yield from every(prompt, values=self._words, wildcards=self._lists, limit=limit)
        except PromptSyntaxError as error:
            raise BadValues({place: _sentence(error, self._lists)}) from error


def typed(prompt: str, negative: str = "", *, wildcards: Wildcards) -> Filling:
    """A prompt without a template. Raises `BadValues`."""
    problems: dict[str, str] = {}
    read = [_read(text, place, (), wildcards, problems) for text, place in ((prompt, "prompt"), (negative, NEGATIVE))]
    if problems:
        raise BadValues(problems)
    return Filling({"prompt": prompt, "negative_prompt": negative}, {}, read[0], read[1], wildcards)


def of_template(
    content: Content,
    *,
    values: Mapping[str, Any],
    sections: Mapping[str, str] = {},
    wildcards: Wildcards,
    unfinished: bool = False,
) -> Filling:
    """A template with the values of its fields, and with other words where it may be reworded.

    A field that is not named has its default. Raises `BadValues`, with every problem that there is. While somebody is still filling it in
    (`unfinished`), a field whose value is missing or wrong stands there by its label.
    """
    cleaned, problems = content.fill(values)
    words = content.words(cleaned)
    if unfinished:
        words |= {name: f"[{content.by_name[name].title}]" for name in problems if name in content.by_name}
        problems = {}
    try:
        own = content.reworded(sections)
    except ContentError as error:
        raise BadValues(problems | error.problems) from error
    for one in own.sections:
        _read(one.text, f"sections.{one.name}", content.by_name, wildcards, problems)
    negative = _read(own.negative.text, f"sections.{NEGATIVE}", content.by_name, wildcards, problems)
    if problems:
        raise BadValues(problems)
    try:
        prompt = compose([(one.text, one.locked) for one in own.sections], fields=content.by_name)
    except PromptSyntaxError as error:
        raise BadValues({"prompt": error.message}) from error
    kept: dict[str, dict[str, Any]] = {
        "fields": {name: list(value) if isinstance(value, tuple) else value for name, value in cleaned.items()},
        "sections": {one.name: one.text for one, was in zip(own.sections, content.sections, strict=True) if one.text != was.text},
    }
    if own.negative.text != content.negative.text:
        kept["sections"][NEGATIVE] = own.negative.text
    written = {"prompt": own.composed, "negative_prompt": own.negative.text}
    return Filling(written, kept, prompt, negative, wildcards, words)


def as_typed(resolved: str) -> str:
    """What somebody would type to get just this text, whatever stands in it: nothing in it is an alternative or a list."""
    read = parse(resolved)
    if read.wildcards or read.has_alternatives:
        return re.sub(r"[{}|_]", r"\\\g<0>", resolved)
    return resolved


def _read(text: str, place: str, fields: Collection[str], wildcards: Wildcards, problems: dict[str, str]) -> Prompt:
    """Read one text, and see that the lists it names are there. What is wrong is put with the problems."""
    prompt = parse("")
    try:
        prompt = parse(text, fields=fields)
        count(prompt, wildcards=wildcards)
    except PromptSyntaxError as error:
        if error.code != "too_many":  # more combinations than can be told are no reason not to make one of them
            problems[place] = _sentence(error, wildcards)
    return prompt


def _sentence(error: PromptSyntaxError, wildcards: Wildcards) -> str:
    if error.code != "unknown_wildcard" or not wildcards:
        return error.message
    names = sorted(wildcards)
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"{error.message} There are: {', '.join(names[:20])}{more}."
