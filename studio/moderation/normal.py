"""From a text that wants to hide a word to plain words: what looks the same becomes the same."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

MAX_TEXT = 100_000
"""Characters of a text that are looked at."""
MAX_SPELLED = 24
"""Letters of a word that is spelled; the longest of a list are shorter."""

_LEET = str.maketrans("0134578@$!|+", "oleastbasiit")
"""Digits and signs that stand for letters inside a word."""
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_SIGN = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*|[^\x00-\x7f\w\s]")
_TOKEN = re.compile(r"[^\s,.;:()\[\]{}<>\"\u201c\u201d/\\]+")
_SPELLED = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]{1,3}[^\W_](?![^\W_])){2,}")
"""Three letters or more that stand alone, each so near to the next that they may be read together."""
_REPEATED = re.compile(r"(.)\1{2,}")
_CAPITALS = str.maketrans("\u039d\u03a5", "NY")
"""Greek capitals that look like another Latin letter than their small forms do (\u03bd like v, \u03c5 like u)."""
_SIGNS = {first + place: letter for first in (0x1F150, 0x1F170, 0x1F1E6) for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
"""White letters in black circles and squares, and those that flags are made of: Unicode knows no plain letter for them."""
_UNSEEN = dict.fromkeys(
    (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800),  # a joiner, fillers, the empty Braille cell
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),  # what chooses between two drawings of a character
        *range(0xE0100, 0xE01F0),
    )
)
"""Characters without ink that count as letters or marks."""


@cache
def _lookalikes() -> dict[int, str]:
    """Characters that are taken for a Latin letter (Unicode Technical Standard 39), each with that letter."""
    lines = (Path(__file__).parent / "lookalikes.txt").read_text("utf-8").splitlines()
    pairs = (line.split(" ", 1) for line in lines if line and not line.startswith("#"))
    return {ord(character): letter for letter, characters in pairs for character in characters}


def plain(text: str) -> str:
    """Lower case without accents, marks, invisible characters and foreign letters that look like Latin ones.

    Full-width, circled and mathematical letters become ordinary ones (NFKC). Other scripts stay what they are.
    """
    composed = unicodedata.normalize("NFKC", text[:MAX_TEXT]).translate(_SIGNS | _UNSEEN)
    visible = "".join(c for c in composed if unicodedata.category(c) not in ("Cf", "Cc") or c in "\t\n\r")
    spread = unicodedata.normalize("NFD", visible.casefold())
    return "".join(c for c in spread if not unicodedata.combining(c)).translate(_lookalikes())


def words_of(text: str) -> list[tuple[str, ...]]:
    """The words of a text in their order, each with every way in which it may be meant.

    `nüde` is `nude`, and so is `n u d e`, `n.u.d.e` or `n-u-d-e`; `p0rn` and `nuuude` may be meant as `porn` and `nude`. A text with
    capitals that can be taken for either of two letters is read twice.
    """
    bare, other = plain(text), plain(text.translate(_CAPITALS))
    return _words(bare) if other == bare else [*_words(bare), (), *_words(other)]


def _words(bare: str) -> list[tuple[str, ...]]:
    """Emoji stand between no two words. Where there are some, the text is read once more with each of them as a word."""
    tokens = [found[0] for found in _TOKEN.finditer(bare)]
    words = [_meanings(word, token) for token in tokens for word in _WORD.findall(token)]
    if not bare.isascii() and any(map(is_emoji, bare)):
        read = ((word, token) for token in tokens for word in _SIGN.findall(token))
        words += [(), *((w,) if is_emoji(w[0]) else _meanings(w, token) for w, token in read if w[0].isalnum() or is_emoji(w[0]))]
    return words + [_pieces("".join(c for c in found[0] if c.isalnum())) for found in _SPELLED.finditer(bare)]


def is_emoji(character: str) -> bool:
    """One of the signs that a list can have as a word, of which newer ones than this Python knows."""
    return unicodedata.category(character) == "So" or 0x1F000 <= ord(character) < 0x1FC00


def _pieces(letters: str) -> tuple[str, ...]:
    """What letters that stand alone may be together: "a n u d e" has "nude", and "n u d 3" may be meant so."""
    meant = {letters, letters.translate(_LEET)} if any(c.isalpha() for c in letters) else set()
    return tuple(
        {
            one[start:end]
            for one in meant
            for start in range(len(one) - 2)
            for end in range(start + 3, min(start + MAX_SPELLED, len(one)) + 1)
        }
    )


def _meanings(word: str, token: str) -> tuple[str, ...]:
    forms = {word, word.replace("'", "").replace("\u2019", "")}
    if not token.isalpha() and any(c.isalpha() for c in token):
        forms.add("".join(c for c in token.translate(_LEET) if c.isalnum()))
    forms |= {_REPEATED.sub(r"\1", form) for form in forms}
    return tuple(sorted(forms - {""}))
