"""From a text that wants to hide a word to plain words: what looks the same becomes the same."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

MAX_TEXT = 100_000
"""Characters of a text that are looked at."""
MAX_SPELLED = 40
"""Letters of a word that is spelled."""

_LEET = str.maketrans("0134578@$!|+", "oleastbasiit")
"""Digits and signs that stand for letters inside a word."""
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_TOKEN = re.compile(r"[^\s,.;:()\[\]{}<>\"\u201c\u201d/\\]+")
_SPELLED = re.compile(r"(?<![^\W_])[^\W\d_]([ .\-_*\u00b7])[^\W\d_](?:\1[^\W\d_](?![^\W_]))+")
_REPEATED = re.compile(r"(.)\1{2,}")


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
    composed = unicodedata.normalize("NFKC", text[:MAX_TEXT])
    visible = "".join(c for c in composed if unicodedata.category(c) not in ("Cf", "Cc") or c in "\t\n\r")
    spread = unicodedata.normalize("NFD", visible.casefold())
    return "".join(c for c in spread if not unicodedata.combining(c)).translate(_lookalikes())


def words_of(text: str) -> list[tuple[str, ...]]:
    """The words of a text in their order, each with every way in which it may be meant.

    `nüde` is `nude`, and so is `n u d e`, `n.u.d.e` or `n-u-d-e`; `p0rn` and `nuuude` may be meant as `porn` and `nude`.
    """
    bare = plain(text)
    tokens = (found[0] for found in _TOKEN.finditer(bare))
    words = [_meanings(word, token) for token in tokens for word in _WORD.findall(token)]
    return words + [_pieces(found[0].replace(found[1], "")) for found in _SPELLED.finditer(bare)]


def _pieces(letters: str) -> tuple[str, ...]:
    """What letters that stand alone may be together: "a n u d e" has "nude"."""
    letters = letters[:MAX_SPELLED]
    return tuple({letters[start:end] for start in range(len(letters)) for end in range(start + 3, len(letters) + 1)})


def _meanings(word: str, token: str) -> tuple[str, ...]:
    forms = {word, word.replace("'", "").replace("\u2019", "")}
    if not token.isalpha() and any(c.isalpha() for c in token):
        forms.add("".join(c for c in token.translate(_LEET) if c.isalnum()))
    forms |= {_REPEATED.sub(r"\1", form) for form in forms}
    return tuple(sorted(forms - {""}))
