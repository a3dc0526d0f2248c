"""Lists of words, and what of a text stands in them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from studio.moderation.normal import is_emoji, plain, words_of

MAX_ENTRIES = 1000
"""Lines of one list."""
MAX_ENTRY = 300
"""Characters of a line."""


Phrase = tuple[str, ...]
"""Words that follow each other, as texts are compared with them; `behead*` stands for all that begin like this."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list. `parts` all have to be there, anywhere, each in one of its ways.

    `is_fixed`: no team can allow it; so are all that have several parts. `is_harmless`: where it stands, nothing else is found.
    """

    line: str
    parts: tuple[tuple[Phrase, ...], ...]
    is_harmless: bool = False
    is_fixed: bool = False


class _Text:
    """The words of a text, ready to be asked many times."""

    def __init__(self, text: str) -> None:
        self.words = words_of(text)
        self._sort()

    def _sort(self) -> None:
        self.places: dict[str, list[int]] = defaultdict(list)
        for place, meanings in enumerate(self.words):
            for meaning in meanings:
                self.places[meaning].append(place)
        self.sorted = sorted(self.places)

    def found(self, entry: Entry) -> str:
        """What of an entry is there: "nude", "child with nude"; empty when it is not."""
        there = [next((phrase for phrase in part if self.has(phrase)), ()) for part in entry.parts]
        return " with ".join(" ".join(phrase).replace("*", "\u2026") for phrase in there) if all(there) else ""

    def has(self, phrase: Phrase) -> bool:
        return next(self.places_of(phrase), None) is not None

    def take_out_harmless(self, entries: Iterable[Entry]) -> None:
        """Words of phrases that are harmless as a whole are as if they were not there."""
        phrases = (phrase for entry in entries if entry.is_harmless for phrase in entry.parts[0])
        gone = [(place, len(phrase)) for phrase in phrases for place in self.places_of(phrase)]
        for place, length in gone:
            self.words[place : place + length] = [()] * length
        if gone:
            self._sort()

    def places_of(self, phrase: Phrase) -> Iterator[int]:
        """Where it begins."""
        following = [set(self._word(part)) for part in phrase[1:]]
        for place in self._word(phrase[0]):
            if all(place + offset in places for offset, places in enumerate(following, 1)):
                yield place

    def _word(self, part: str) -> list[int]:
        if not part.endswith("*"):
            return [place for form in (part, f"{part}s", f"{part}es") for place in self.places.get(form, ())]
        found: list[int] = []
        for form in islice(self.sorted, bisect_left(self.sorted, part[:-1]), None):
            if not form.startswith(part[:-1]):
                break
            found += self.places[form]
        return found


def parse(text: str) -> list[Entry]:
    """The entries of a list, each once; remarks and empty lines left out. Raises ValueError with a sentence for a line that is none."""
    entries: dict[str, Entry] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = " ".join(raw.partition("#")[0].split())
        if not line:
            continue
        entry = _entry(line, number)
        entries.setdefault(entry.line.casefold(), entry)
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"A list has {MAX_ENTRIES:,} lines at most.")
    return list(entries.values())


def _entry(line: str, number: int) -> Entry:
    if len(line) > MAX_ENTRY:
        raise ValueError(f"Line {number} is longer than {MAX_ENTRY} characters.")
    is_harmless, is_fixed = line.startswith("!"), line.startswith("=")
    parts = tuple(
        tuple(tuple(part for word in phrase.split() for part in _parts(word)) for phrase in part.split("|"))
        for part in line.removeprefix("!").removeprefix("=").split("+")
    )
    phrases = [phrase for part in parts for phrase in part]
    if not all(phrase and all(phrase) for phrase in phrases) or (is_harmless and len(parts) > 1):
        raise ValueError(f"Line {number}, \u201c{line}\u201d, has no word where there should be one.")
    if any(word.endswith("*") and len(word) < 4 for phrase in phrases for word in phrase):
        raise ValueError(f"Line {number}, \u201c{line}\u201d: at least three letters have to stand before a *.")
    return Entry(line, parts, is_harmless, is_fixed or len(parts) > 1)


def _parts(word: str) -> list[str]:
    """A word as texts are compared with it; of emoji each is a word."""
    bare = plain(word)
    spread = "".join(f" {c} " if is_emoji(c) else c for c in bare).split() if any(map(is_emoji, bare)) else [word]
    return [one if is_emoji(one[0]) and len(one) == 1 else _part(one) for one in spread]


def _part(word: str) -> str:
    return "".join(c for c in plain(word.rstrip("*")) if c.isalnum()) + ("*" if word.endswith("*") else "")


def matches(text: str, entries: Sequence[Entry], allowed: Sequence[Entry] = ()) -> list[str]:
    """What of the entries stands in a text, in their order. What `allowed` has too is no match, and what is harmless there hides what
    stands in it; but for fixed entries, which ask it nothing.
    """
    words = _Text(text)
    words.take_out_harmless(entries)
    fixed = {entry: words.found(entry) for entry in entries if entry.is_fixed}
    words.take_out_harmless(allowed)
    free = {entry.parts for entry in allowed}
    asked = (entry for entry in entries if entry.is_fixed or not (entry.is_harmless or entry.parts in free))
    return [found for entry in asked if (found := fixed[entry] if entry.is_fixed else words.found(entry))]
