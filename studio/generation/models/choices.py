"""Choices of columns that stay open-ended."""

from __future__ import annotations

from studio.backends.base import Mode


def modes() -> list[tuple[str, str]]:
    """Choices of a mode; a callable, so that a new mode needs no migration."""
    return [(mode.value, mode.label) for mode in Mode]
