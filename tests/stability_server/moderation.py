"""Words that stand for what the provider's moderation finds, so that every outcome can be asked for in a prompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

CONTENT_FILTERED = "CONTENT_FILTERED"
WORDS: dict[str, str] = {
    "nsfw": "content_moderation",
    "unseemly": "content_moderation",
    "celebrity": "public_figure",
    "copyrighted": "copyrighted_content",
    "blurme": CONTENT_FILTERED,
}
"""Word → the refusal's name, or `CONTENT_FILTERED`: an answer 200 with a blurred picture, which is charged."""


def verdict(texts: Iterable[str], words: dict[str, str]) -> str:
    """What the first telling word asks for; `invalid_language` for texts that are mostly not in Latin letters; else nothing."""
    text = " ".join(texts)
    for word in re.findall(r"\w+", text.lower()):
        if word in words:
            return words[word]
    letters = [letter for letter in text if letter.isalpha()]
    foreign = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return "invalid_language" if foreign * 2 > len(letters) else ""
