"""What can be made of a result next, with the engines that there are: the ways on that its tools offer, each an address of Create."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.backends.base import Engine, Mode
from studio.generation.models import Artifact


@dataclass(frozen=True, slots=True)
class Way:
    """One way on. `use` and `query` are how Create is told; `short` is the label where there is little room."""

    label: str
    short: str
    icon: str
    help: str
    use: str
    query: str


_USUAL = (
    (Mode.IMAGE_TO_IMAGE, "image", Way("Image to image", "To image", "image", "Start from this picture", "image", "use=image")),
    (Mode.INPAINTING, "image", Way("Inpaint", "To inpaint", "brush", "Paint over a part and make it anew", "mask", "use=mask")),
    (Mode.UPSCALING, "image", Way("Upscale", "Upscale", "upscale", "Make it larger", "upscale", "use=upscale")),
    (
        Mode.AUDIO_TO_AUDIO,
        "audio",
        Way("Audio to audio", "To audio", "sound", "Make another sound from this one", "image", "use=image&mode=audio-to-audio"),
    ),
)
"""What is done most, with the kind that it starts from; everything else is in the menu behind."""


@dataclass(frozen=True, slots=True)
class Onward:
    usual: list[Way]
    more: list[Way]


def onward(artifact: Artifact, engines: Sequence[Engine]) -> Onward:
    """The ways on from a result that an engine takes: its size or length is within what that one reads."""
    usual = [way for mode, kind, way in _USUAL if kind == artifact.kind and any(_takes(engine, mode, artifact) for engine in engines)]
    known = {mode for mode, _, _ in _USUAL}
    more = [mode for mode in Mode if mode not in known and any(_takes(engine, mode, artifact) for engine in engines)]
    return Onward(usual, [_way(mode) for mode in more])


def can_repeat(artifact: Artifact, engines: Sequence[Engine]) -> bool:
    """Whether its settings can be used again: by the engine that made it or, when it came from outside with some, by any that can."""
    if artifact.mode:
        return any(engine.id == artifact.engine and engine.supports(Mode(artifact.mode)) for engine in engines)
    mode = artifact.request.get("mode")
    return mode in list(Mode) and any(engine.supports(Mode(mode)) for engine in engines)


def _way(mode: Mode) -> Way:
    return Way(mode.label, mode.label, "", "", "image", f"use=image&mode={mode.value}")


def _takes(engine: Engine, mode: Mode, artifact: Artifact) -> bool:
    """Whether the engine can start from it in this mode: the input of its kind that is not for something else beside."""
    if not engine.supports(mode):
        return False
    for one in engine.inputs_for(mode):
        if one.name == artifact.kind == "image":
            return one.size_problem(*artifact.looks) is None
        if one.name == artifact.kind == "audio":
            return (one.min_seconds or 0) <= (artifact.seconds or 0) <= (one.max_seconds or float("inf"))
    return False
