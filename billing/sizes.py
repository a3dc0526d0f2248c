"""Amounts of storage as people read them."""

from __future__ import annotations

UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(number: int) -> str:
    """Bytes in the unit that fits, by 1024: 900 → "900 bytes", 1536 → "1.5 kB", 21474836480 → "20 GB"."""
    value, unit = float(number), 0
    while value >= 1024 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    text = f"{value:.0f}" if unit == 0 or value >= 100 else f"{value:.1f}".removesuffix(".0")
    return f"{text} {UNITS[unit]}"
