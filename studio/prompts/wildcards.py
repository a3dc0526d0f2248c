"""Lists of words that `__name__` in a prompt draws from: those that ship with the studio (`lists/`), and a team's own before them.

A list is lines of text; empty ones and remarks (`# …`) do not count. The first remark is what the list says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from accounts.models import Team
from studio.prompts.language import PromptSyntaxError, lines, parse
from studio.prompts.models import Wildcard

FOLDER = Path(__file__).parent / "lists"
SAMPLE = 8
"""Lines of a list that the page of all lists shows."""

_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class WordList:
    """A list as its page shows it. `own` is the team's row, None for one that ships; `hides`: one that ships is set aside by it."""

    name: str
    text: str
    own: Wildcard | None = None
    hides: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        return _lines(self.text)

    @property
    def about(self) -> str:
        first = self.text.lstrip().split("\n", 1)[0]
        return first.lstrip("# ").strip() if first.startswith("#") else ""

    @property
    def sample(self) -> tuple[str, ...]:
        return self.lines[:SAMPLE]


@cache
def shipped() -> Mapping[str, str]:
    """The text of each list that comes with the studio, by name."""
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.txt"))}


def lists(team: Team) -> Mapping[str, tuple[str, ...]]:
    """What each name stands for in a team. One query."""
    own = Wildcard.objects.filter(team=team).values_list("name", "lines")
    return {name: _lines(text) for name, text in {**shipped(), **dict(own)}.items()}


def word_lists(team: Team) -> list[WordList]:
    """The team's own lists, then those that ship and no own one hides; each by name. One query."""
    own = Wildcard.objects.filter(team=team).select_related("changed_by").order_by("name")
    mine = [WordList(one.name, one.lines, one, hides=one.name in shipped()) for one in own]
    taken = {one.name for one in mine}
    return mine + [WordList(name, text) for name, text in shipped().items() if name not in taken]


def word_list(team: Team, name: str) -> WordList | None:
    """The one that a name stands for; None where there is none. One query."""
    own = Wildcard.objects.filter(team=team, name=name).select_related("team", "changed_by").first()
    if own:
        return WordList(name, own.lines, own, hides=name in shipped())
    return WordList(name, shipped()[name]) if name in shipped() else None


def is_name(name: str) -> bool:
    """Small letters and digits, with a single - or _ between: two would end the name in a prompt."""
    return _NAME.fullmatch(name) is not None


def drawn(text: str) -> tuple[str, ...]:
    """The lists that the lines of a list draw from, each once. Lines that cannot be read name none."""
    return tuple(dict.fromkeys(name for line in _lines(text) if "__" in line for name in _names_in(line)))


def circle(name: str, text: str, others: Mapping[str, str]) -> tuple[str, ...]:
    """The way back to a list from its own lines (`("a", "b", "a")`), or nothing. `others`: the text of every list by name."""
    texts = {**others, name: text}
    came_from: dict[str, str] = {}
    waiting = [name]
    while waiting:
        here = waiting.pop()
        for there in drawn(texts[here]):
            if there == name:
                way = [name]
                while here != name:
                    way.append(here)
                    here = came_from[here]
                return (name, *reversed(way))
            if there in texts and there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return ()


def missing(text: str, known: Collection[str]) -> tuple[str, ...]:
    """The lists that a text draws from and that are not there."""
    return tuple(name for name in drawn(text) if name not in known)


@lru_cache(maxsize=500)
def _lines(text: str) -> tuple[str, ...]:
    return tuple(lines(text))


def _names_in(line: str) -> tuple[str, ...]:
    try:
        return parse(line).wildcards
    except PromptSyntaxError:
        return ()
