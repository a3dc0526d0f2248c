"""What people call themselves, their teams and what they make: in one line, and to be seen."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from django import forms

_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Marks that turn the writing of whatever comes after them, on the page around a name too (Unicode Standard Annex 9, 2)."""
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers, which count as letters, and the empty Braille cell, which counts as a sign."""
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"))
"""Kinds of characters without ink, or with none of their own."""


def is_seen(text: str) -> bool:
    """Whether anything of a text can be seen."""
    return any(unicodedata.category(c) not in _UNSEEN and c not in _BLANK for c in text)


def tidy(text: str) -> str:
    """A name in one line, without control characters and marks that turn the writing; empty when nothing of it can be seen.

    What joins letters and emoji, and the marks that go with one letter, stay: names have them.
    """
    line = " ".join(text.translate(_TURNS).split())
    name = "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs"))
    return name if is_seen(name) else ""


def matches_any(entries: Iterable[str], name: str) -> bool:
    """Whether one of the entries of a list of what is allowed is this name, or its beginning with a star ("sd3.5-*")."""
    return any(name.startswith(entry[:-1]) if entry.endswith("*") else name == entry for entry in entries)


class OneLineField(forms.CharField):
    """A name; one that nobody can see is none."""

    def to_python(self, value: Any) -> str:
        return tidy(super().to_python(value) or "")
