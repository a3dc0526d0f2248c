"""Wildcards: lists of lines, any of which may stand where the list's name does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studio.prompts.language.errors import PromptSyntaxError
from studio.prompts.language.parsing import Prompt, parse


def lines(text: str) -> list[str]:
    """The lines of a list as typed: trimmed, without empty ones and remarks (`# …`)."""
    trimmed = (line.strip() for line in text.splitlines())
    return [line for line in trimmed if line and not line.startswith("#")]


class Lists:
    """The wildcards there are, each line read once, when it is wanted. Lines know no fields."""

    def __init__(self, wildcards: Mapping[str, Sequence[str]]) -> None:
        self._wildcards = wildcards
        self._read: dict[tuple[str, int], Prompt] = {}

    def length(self, name: str, position: int) -> int:
        """How many lines it has, at least one. Raises PromptSyntaxError when there is no such list."""
        if name not in self._wildcards:
            message = f"There is no wildcard “{name}”. Make it, or write \\__{name}__ where you mean just these words."
            raise PromptSyntaxError(message, position, "unknown_wildcard")
        if not self._wildcards[name]:
            raise PromptSyntaxError(f"The wildcard “{name}” has no lines. Add some.", position, "empty_wildcard")
        return len(self._wildcards[name])

    def line(self, name: str, number: int, position: int) -> Prompt:
        key = (name, number)
        if key not in self._read:
            try:
                self._read[key] = parse(self._wildcards[name][number])
            except PromptSyntaxError as error:
                message = f"Wildcard “{name}”, entry {number + 1}: {error.message}"
                raise PromptSyntaxError(message, position, "wildcard_line") from error
        return self._read[key]


def check_path(path: Sequence[str], name: str, position: int, most: int) -> None:
    """Whether a list may be entered from within those of the path. Raises PromptSyntaxError for a circle and for too many levels."""
    if name in path:
        circle = " → ".join([*path[path.index(name) :], name])
        message = f"Wildcards name each other in a circle: {circle}. Take one of the names out."
        raise PromptSyntaxError(message, position, "wildcard_loop")
    if len(path) >= most:
        message = f"Wildcards are nested more than {most} deep: {' → '.join([*path, name])}. Take a level out."
        raise PromptSyntaxError(message, position, "too_deep")
