"""Settings, inputs and prices that several engines share (`stability/API.md` 1.3, 2.4 and 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from studio.backends.base import Engine, MediaInput, Mode, Parameter, PriceTable

PRICE_VERSION = "stability 2026-09-22"
"""The provider's list in force since 2025-08-01; on this day 23 live calls were billed exactly so (`stability/API.md` 3)."""

V1_MAX_SEED = 4294967295
V2BETA_MAX_SEED = 4294967294

NONE = "none"
"""The choice of a style or anything else that sends nothing."""
STYLES = (
    "enhance",
    "anime",
    "photographic",
    "digital-art",
    "comic-book",
    "fantasy-art",
    "line-art",
    "analog-film",
    "neon-punk",
    "isometric",
    "low-poly",
    "origami",
    "modeling-compound",
    "cinematic",
    "3d-model",
    "pixel-art",
    "tile-texture",
)
ASPECT_RATIOS = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")

STYLE = Parameter("style_preset", "Style", "style-preset", NONE, choices=(NONE, *STYLES), advanced=False)


def aspect_ratio(*modes: Mode) -> Parameter:
    return Parameter("aspect_ratio", "Shape", "aspect-ratio", "1:1", choices=ASPECT_RATIOS, modes=frozenset(modes), advanced=False)


def output_format(*formats: str) -> Parameter:
    return Parameter("output_format", "File format", "choice", formats[0], choices=formats)


FORMAT = output_format("png", "jpeg", "webp")


def number(name: str, label: str, default: float | None, low: float, high: float, step: float = 0.05, **more: Any) -> Parameter:
    return Parameter(name, label, "float", default, low, high, step, **more)


def whole(name: str, label: str, default: int | None, low: int, high: int, **more: Any) -> Parameter:
    return Parameter(name, label, "integer", default, low, high, 1, **more)


def strength(*modes: Mode, default: float = 0.6, low: float = 0.0, **more: Any) -> Parameter:
    """Where the contract has no default (it wants a value with every picture), 0.6 is ours: from about 0.95 on, SD3.5 Flash no longer
    looks at the picture (`stability/API.md` 4.14)."""
    help_text = "How much may change: low keeps what you gave, high follows the prompt."
    return number("strength", "Strength", default, low, 1, advanced=False, help=help_text, modes=frozenset(modes), **more)


def grow_mask(default: int, high: int) -> Parameter:
    return whole("grow_mask", "Grow mask", default, 0, high, help="Pixels by which the edge of the mask is moved outwards and softened.")


def credits(amount: float, *, noun: str = "picture") -> PriceTable:
    """A price per result, in the provider's credits."""
    return PriceTable(PRICE_VERSION, round(amount * 1000), noun=noun)


RULE_A = MediaInput("image", "Picture", min_side=64, min_pixels=4096, max_pixels=9_437_184)
RULE_B = replace(RULE_A, max_ratio=2.5)
"""Picture rules A and B of `stability/API.md` 2.4."""


def mask(*modes: Mode) -> MediaInput:
    """Not required: without one, what is transparent in the picture is what changes (`stability/API.md` 2.6)."""
    return MediaInput(
        "mask_image", "Mask", kind="mask", required=False, modes=frozenset(modes), help="Paint over the part that should change."
    )


def engine(engine_id: str, label: str, modes: tuple[Mode, ...], price: PriceTable, **more: Any) -> Engine:
    """A record with what all engines of this provider have in common. Backend and queue are filled in by the catalogue.

    Another language than English is refused by some services (422 `invalid_language`, `stability/API.md` 4.17). `weights` is "v2beta" where
    `prompt` is the shared field of 2.4, which documents `(word:weight)`; prompts with a rule of their own (outpaint, style transfer,
    relight, sounds) and negative ones have no weights.
    """
    return Engine(
        engine_id, label, backend="", queue="", modes=modes, price=price, **{"max_seed": V2BETA_MAX_SEED, "english_only": True, **more}
    )
