"""Text as people write it, without what nothing draws and no database keeps."""

from __future__ import annotations

import unicodedata

_TURNS = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
"""Marks that turn the order of letters around: with them a text reads as another."""


def text(value: str) -> str:
    """NFC, line ends unified, control characters and lone surrogates become spaces, nothing round it."""
    unified = unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").translate(_TURNS)
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" else c for c in unified).strip()


def line(value: str) -> str:
    """The same on one line, with single spaces."""
    return " ".join(text(value).split())
