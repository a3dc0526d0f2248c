"""Numbers that come from a browser."""

from __future__ import annotations


def number(text: str | None) -> int:
    """An id as a form sends it; 0, which no row has, for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
