"""From what somebody typed to the words of a search. Both databases search for what this gives them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_WORDS = 64
MAX_WORD = 64
"""Characters; a longer word is found by its beginning."""
PREFIXES = 4
"""A search of more words than this takes all but its last as whole words: the beginnings of a common word are many, and each costs."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    """Letters and digits only, in composed form (NFC), in the case in which they were typed."""
    prefix: bool


def words(text: str) -> list[Word]:
    """The words that must all be in a prompt. Punctuation, quotes, operators and emoji separate words and are nothing themselves.

    "red sail" finds "a red sailboat": up to four words match from their beginnings.
    """
    typed = _WORD.findall(unicodedata.normalize("NFC", text))
    found: dict[str, str] = {}
    for word in typed:
        found.setdefault(word.casefold(), word)
    taken = list(found.values())[:MAX_WORDS]
    last = len(taken) - 1
    return [Word(word[:MAX_WORD], last < PREFIXES or place == last or len(word) > MAX_WORD) for place, word in enumerate(taken)]
