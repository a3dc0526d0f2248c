"""What a rule is: one variable, one question, one sentence on what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.core.checks import CheckMessage, Error, Warning

Finding = tuple[str, str]
"""What is wrong, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`find` returns a finding or None; a `warning` lets the studio start. `name` is the variable that has to change."""

    name: str
    find: Callable[[], Finding | None]
    warning: bool = False

    def messages(self) -> Iterator[CheckMessage]:
        found = self.find()
        if found:
            yield (Warning if self.warning else Error)(found[0], hint=found[1], id=f"studio.{self.name}")


def at_least(name: str, read: Callable[[], float], minimum: float, what: str) -> Rule:
    """A number with a lower limit; `what` begins the sentence that says so."""

    def find() -> Finding | None:
        value = read()
        return None if value >= minimum else (f"{name} is {value:g}.", f"{what} must be at least {minimum:g}.")

    return Rule(name, find)


def one_of(name: str, read: Callable[[], str], choices: Sequence[str]) -> Rule:
    """A word out of a few."""

    def find() -> Finding | None:
        return None if read() in choices else (f"{name} is “{read()[:40]}”.", f"Choose one of: {', '.join(choices)}.")

    return Rule(name, find)
