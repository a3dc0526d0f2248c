"""The colours that pages are made of, against WCAG 2.2: text 4.5:1 (1.4.3), the edge of a control 3:1 (1.4.11), in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parents[2] / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text() + (CSS / "wallet.css").read_text()
COLOURS = {name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS)}
THEMES = ("light", "dark")
PAIRS = [
    *((ink, f"surface-{n}", 4.5) for ink in ("ink", "ink-2", "accent", "good", "warn", "bad") for n in range(4)),
    *(("ink-3", f"surface-{n}", 4.5) for n in range(4)),
    *(("ink-2", soft, 4.5) for soft in ("good-soft", "warn-soft", "bad-soft", "accent-soft")),
    *((ink, f"{ink}-soft", 4.5) for ink in ("good", "warn", "bad", "accent")),
    *(("accent-ink", ground, 4.5) for ground in ("accent", "accent-strong")),
    *(("line-strong", f"surface-{n}", 3.0) for n in range(3)),
    *((f"series-{n}", "surface-2", 3.0) for n in range(1, 7)),
]


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2, definition)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_definition_says() -> None:
    assert contrast("#ffffff", "#000000") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_written_can_be_read(theme: str) -> None:
    place = THEMES.index(theme)
    ratios = {(ink, ground): (contrast(COLOURS[ink][place], COLOURS[ground][place]), least) for ink, ground, least in PAIRS}
    assert {pair: round(ratio, 2) for pair, (ratio, least) in ratios.items() if ratio < least} == {}
