"""What one field says about another: the rules of API.md 2.5–2.11 that no schema holds.

Known texts are the provider's: `not allowed when 'mode' is set to 'image-to-image'`. The others are ours.
"""

from __future__ import annotations

from collections.abc import Callable

from studio.api.stability.fields import Reading

Rule = Callable[[Reading, str], None]
"""Adds its problems to the reading; the second argument is the dialect's word for an absent field."""


def image_needs_strength(reading: Reading, missing: str) -> None:
    """Ultra: `strength` is required with an image, and means nothing without one."""
    if reading.has("image") and not reading.has("strength"):
        reading.complain("strength", missing)
    if reading.has("strength") and not reading.has("image"):
        reading.complain("strength", "not allowed without 'image'")


def mode_decides(reading: Reading, missing: str) -> None:
    """SD3.5: image and strength belong to image-to-image, aspect_ratio to text-to-image."""
    mode = reading.values.get("mode")
    needed, refused = {"image-to-image": (("image", "strength"), ("aspect_ratio",)), "text-to-image": ((), ("image", "strength"))}.get(
        str(mode), ((), ())
    )
    complained = {problem.partition(":")[0] for problem in reading.problems}
    for name in needed:
        if not reading.has(name) and name not in complained:
            reading.complain(name, missing)
    for name in refused:
        if reading.has(name):
            reading.complain(name, f"not allowed when 'mode' is set to '{mode}'")


def some_side_grows(reading: Reading, missing: str) -> None:
    sides = ("left", "right", "up", "down")
    if not reading.problems and not any(reading.values[side] for side in sides):
        reading.complain("left", "at least one of 'left', 'right', 'up', 'down' must be greater than 0")


def background_is_said(reading: Reading, missing: str) -> None:
    if not (reading.has("background_prompt") or reading.has("background_reference")):
        reading.complain("background_prompt", "required when 'background_reference' is not given")
    if reading.has("light_source_strength") and not (reading.has("light_source_direction") or reading.has("light_reference")):
        reading.complain("light_source_strength", "not allowed without 'light_source_direction' or 'light_reference'")


RULES: dict[str, Rule] = {
    "/v2beta/stable-image/generate/ultra": image_needs_strength,
    "/v2beta/stable-image/generate/sd3": mode_decides,
    "/v2beta/stable-image/edit/outpaint": some_side_grows,
    "/v2beta/stable-image/edit/replace-background-and-relight": background_is_said,
}
