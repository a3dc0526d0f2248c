"""What a person wants done, and which files that starts from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

Kind = Literal["image", "model", "audio"]
"""What a result is: a picture, a 3D model (GLB) or a sound."""


class Mode(StrEnum):
    """What a person wants done. The value is what URLs, rows and metrics say."""

    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_IMAGE = "image-to-image"
    INPAINTING = "inpainting"
    UPSCALING = "upscaling"
    OUTPAINTING = "outpainting"
    ERASE = "erase"
    SEARCH_AND_REPLACE = "search-and-replace"
    SEARCH_AND_RECOLOR = "search-and-recolor"
    REMOVE_BACKGROUND = "remove-background"
    REPLACE_BACKGROUND = "replace-background-and-relight"
    SKETCH = "sketch"
    STRUCTURE = "structure"
    STYLE = "style"
    STYLE_TRANSFER = "style-transfer"
    IMAGE_TO_3D = "image-to-3d"
    TEXT_TO_AUDIO = "text-to-audio"
    AUDIO_TO_AUDIO = "audio-to-audio"
    AUDIO_INPAINTING = "audio-inpainting"

    @property
    def label(self) -> str:
        return _TRAITS[self.value].label

    @property
    def makes(self) -> Kind:
        return _TRAITS[self.value].makes

    @property
    def prompt(self) -> PromptNeed:
        """What most engines want; `Engine.prompt_for` says what one does."""
        return _TRAITS[self.value].prompt

    @property
    def needs_image(self) -> bool:
        return _TRAITS[self.value].image

    @property
    def needs_mask(self) -> bool:
        return self in (Mode.INPAINTING, Mode.ERASE)


class PromptNeed(StrEnum):
    """Whether there is a prompt at all, and whether it may be empty."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


class _Traits(NamedTuple):
    label: str
    prompt: PromptNeed = PromptNeed.REQUIRED
    image: bool = True
    makes: Kind = "image"


_TRAITS = {
    "text-to-image": _Traits("Text", image=False),
    "image-to-image": _Traits("Image"),
    "inpainting": _Traits("Inpaint"),
    "upscaling": _Traits("Upscale", PromptNeed.NONE),
    "outpainting": _Traits("Outpaint", PromptNeed.OPTIONAL),
    "erase": _Traits("Erase", PromptNeed.NONE),
    "search-and-replace": _Traits("Search and replace"),
    "search-and-recolor": _Traits("Search and recolor"),
    "remove-background": _Traits("Remove background", PromptNeed.NONE),
    "replace-background-and-relight": _Traits("Replace background", PromptNeed.OPTIONAL),
    "sketch": _Traits("Sketch"),
    "structure": _Traits("Structure"),
    "style": _Traits("Style"),
    "style-transfer": _Traits("Style transfer", PromptNeed.OPTIONAL),
    "image-to-3d": _Traits("3D", PromptNeed.NONE, makes="model"),
    "text-to-audio": _Traits("Audio", image=False, makes="audio"),
    "audio-to-audio": _Traits("Audio from audio", image=False, makes="audio"),
    "audio-inpainting": _Traits("Audio inpaint", image=False, makes="audio"),
}


@dataclass(frozen=True, slots=True)
class MediaInput:
    """A file that a mode starts from, and what it may be like.

    `name` is where `GenerationRequest` keeps it: the field `image` or `mask_image`, else a key of `media`. Sides and pixels are those of
    a picture, `max_ratio` its longer side over its shorter one, seconds the length of a sound. Limits are inclusive; `modes` empty means
    every mode of the engine.
    """

    name: str
    label: str
    kind: Literal["image", "mask", "audio"] = "image"
    required: bool = True
    formats: tuple[str, ...] = ("image/png", "image/jpeg", "image/webp")
    min_side: int | None = None
    max_side: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    max_ratio: float | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    max_bytes: int | None = None
    help: str = ""
    modes: frozenset[Mode] = frozenset()

    def applies_to(self, mode: Mode) -> bool:
        return not self.modes or mode in self.modes

    def problem(self, mime: str, *, width: int | None = None, height: int | None = None, seconds: float | None = None) -> str | None:
        """Say in one sentence why a file that is like this cannot be used, or None when it can. What is not known is not looked at."""
        if mime not in self.formats:
            return "Use an MP3 or WAV file." if self.kind == "audio" else "Use a PNG, JPEG or WebP file."
        if width and height and (problem := self.size_problem(width, height)):
            return problem
        return None if seconds is None else self.length_problem(seconds)

    def length_problem(self, seconds: float) -> str | None:
        """The same for a sound of this length."""
        least, most = self.min_seconds or 0, self.max_seconds or seconds
        if not least <= seconds <= most:
            return f"The sound must last from {least:g} to {most:g} seconds; this one lasts {seconds:.1f}."
        return None

    def size_problem(self, width: int, height: int) -> str | None:
        """Say in one sentence why a picture of this size cannot be used, or None when it can."""
        size, pixels = f"this one has {width} × {height}", width * height
        if self.min_side and min(width, height) < self.min_side:
            return f"Each side must have at least {self.min_side} pixels; {size}."
        if self.max_side and max(width, height) > self.max_side:
            return f"Each side may have at most {self.max_side:,} pixels; {size}."
        if self.min_pixels and pixels < self.min_pixels:
            return f"The picture must have at least {self.min_pixels:,} pixels; {size}."
        if self.max_pixels and pixels > self.max_pixels:
            return f"The picture may have at most {self.max_pixels:,} pixels; {size}."
        if self.max_ratio and max(width, height) > self.max_ratio * min(width, height):
            return f"The longer side may be at most {self.max_ratio:g} times the shorter one; {size}."
        return None


def usual_inputs(mode: Mode) -> tuple[MediaInput, ...]:
    """What a mode starts from on an engine that has no rules of its own."""
    inputs = [MediaInput("image", "Picture")] if mode.needs_image else []
    if mode.needs_mask:
        inputs.append(MediaInput("mask_image", "Mask", kind="mask"))
    if mode in (Mode.AUDIO_TO_AUDIO, Mode.AUDIO_INPAINTING):
        inputs.append(MediaInput("audio", "Audio", kind="audio", formats=("audio/mpeg", "audio/wav")))
    return tuple(inputs)
