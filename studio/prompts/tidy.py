"""Text as people write it, without what nothing draws and no database keeps."""

from __future__ import annotations

import re
import unicodedata

_TURNS = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
"""Marks that turn the order of letters around: with them a text reads as another."""

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but for the tab and the line end, and halves of characters."""


def text(value: str) -> str:
    """NFC, line ends unified, control characters and lone surrogates become spaces, nothing round it."""
    unified = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").translate(_TURNS)
    return _UNSEEN.sub(" ", unified).strip()


def line(value: str) -> str:
    """The same on one line, with single spaces."""
    return " ".join(text(value).split())
