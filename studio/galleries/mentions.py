"""`@Name` in what people say: plain text, read against the names of the team whenever it is shown or somebody has to be told."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from accounts.models import User


def _key(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


@dataclass(frozen=True, slots=True)
class People:
    """The people who can be mentioned: by their whole name, or by their first one where only one of them has it.

    Of two with the same whole name both are meant, for nobody could say which. A first name that several have means nobody.
    """

    by_name: dict[str, list[User]] = field(default_factory=dict)
    shared: dict[str, list[User]] = field(default_factory=dict)
    pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, people: Iterable[User]) -> People:
        whole: dict[str, list[User]] = defaultdict(list)
        first: dict[str, list[User]] = defaultdict(list)
        written: set[str] = set()
        for person in people:
            if name := _key(person.name):
                whole[name].append(person)
                first[name.split()[0]].append(person)
                own = unicodedata.normalize("NFC", person.name)
                written |= {" ".join(own.split()), own.split()[0]}
        alone = {name: those for name, those in first.items() if len(those) == 1 and name not in whole}
        shared = {name: those for name, those in first.items() if len(those) > 1 and name not in whole}
        # As it is written too: an expression that ignores case does not know that “ß” is “ss”, as the keys have it.
        names = sorted({*whole, *alone, *shared, *written}, key=len, reverse=True)
        # Longest first, so that “@Ann Marie” is not “@Ann”; a name ends where its word ends, and an e-mail address mentions nobody.
        words = "|".join(r"\s+".join(map(re.escape, name.split())) for name in names)
        pattern = re.compile(rf"(?<![\w@.+-])@({words})(?!\w)", re.IGNORECASE) if names else None
        return cls({**whole, **alone}, shared, pattern)

    def split(self, text: str) -> list[tuple[str, Sequence[User]]]:
        """The text in pieces, each with those whom it mentions, or nobody."""
        pieces: list[tuple[str, Sequence[User]]] = []
        end = 0
        for found in self.pattern.finditer(text) if self.pattern else ():
            if people := self.by_name.get(_key(found[1])):
                pieces += [(text[end : found.start()], ()), (found[0], people)]
                end = found.end()
        return [piece for piece in [*pieces, (text[end:], ())] if piece[0]]

    def mentioned(self, text: str) -> list[User]:
        """Everybody whom it mentions, each once, in the order of the text."""
        return list({person.pk: person for _, people in self.split(text) for person in people}.values())

    def unclear(self, text: str) -> dict[str, list[User]]:
        """First names that were meant as a mention and that several have, with those who have them."""
        found = [match[1] for match in self.pattern.finditer(text)] if self.pattern else []
        return {name: self.shared[_key(name)] for name in found if _key(name) in self.shared}
