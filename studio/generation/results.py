"""What an engine delivered is read once, whatever it is, before it is kept: what cannot be read is not delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from studio.generation import glb, posters
from studio.generation.errors import BrokenResult
from studio.generation.images import Variants, decoded, variants_of
from studio.generation.kinds import kind_of
from studio.generation.waves import listen


@dataclass(frozen=True, slots=True)
class Result:
    """What a file turned out to be: `width` and `height` of a picture in pixels, `seconds` of a sound. `info` is kept with the artifact."""

    variants: Variants
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    info: Mapping[str, Any] = field(default_factory=dict)


def examine(data: bytes, mime: str, *, poster: Callable[[], bytes | None] = lambda: None) -> Result:
    """Read a result and draw what stands for it; `poster` gives the picture that a 3D model was made from. Raises `BrokenResult`."""
    kind = kind_of(mime)
    if kind == "model":
        counts = glb.examine(data)
        return Result(variants_of(posters.of_model(poster()), always_large=True), info=counts)
    if kind == "audio":
        sound = listen(data)
        drawing = posters.of_sound(sound.peaks)
        return Result(variants_of(drawing, always_large=True), seconds=sound.seconds, info={"peaks": list(sound.peaks)})
    picture = _picture(data)
    return Result(variants_of(picture), picture.width, picture.height)


def _picture(data: bytes) -> Image.Image:
    try:
        return decoded(data)
    except Exception as error:
        raise BrokenResult("This picture cannot be decoded.") from error
