"""What can be done, in groups and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.backends.base import Kind, Mode

GROUPS: tuple[tuple[str, tuple[tuple[Mode, str], ...]], ...] = (
    (
        "Make",
        (
            (Mode.TEXT_TO_IMAGE, "A picture from words"),
            (Mode.IMAGE_TO_IMAGE, "Another picture from one you have"),
        ),
    ),
    (
        "Edit",
        (
            (Mode.INPAINTING, "Make anew what you paint over"),
            (Mode.OUTPAINTING, "Make a picture larger on any side"),
            (Mode.ERASE, "Take out what you paint over"),
            (Mode.SEARCH_AND_REPLACE, "Name a thing, and what comes in its place"),
            (Mode.SEARCH_AND_RECOLOR, "Name a thing, and its new colour"),
            (Mode.REMOVE_BACKGROUND, "Keep only what is in front"),
            (Mode.REPLACE_BACKGROUND, "Another background, in its light"),
        ),
    ),
    (
        "Control",
        (
            (Mode.SKETCH, "A finished picture from a drawing"),
            (Mode.STRUCTURE, "Keep where everything is"),
            (Mode.STYLE, "A new picture in the style of yours"),
            (Mode.STYLE_TRANSFER, "One picture in the style of another"),
        ),
    ),
    ("Enlarge", ((Mode.UPSCALING, "More pixels"),)),
    ("3D", ((Mode.IMAGE_TO_3D, "A model from one picture"),)),
    (
        "Audio",
        (
            (Mode.TEXT_TO_AUDIO, "Music and sounds from words"),
            (Mode.AUDIO_TO_AUDIO, "Another sound from one you have"),
            (Mode.AUDIO_INPAINTING, "Make a part of a sound anew"),
        ),
    ),
)
USED_MOST = (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING, Mode.UPSCALING)
FEW = 5
"""So many modes stand side by side; of more the most used ones do, and a menu has all."""


@dataclass(frozen=True, slots=True)
class Group:
    """Modes under one heading, each with a few words on what it does."""

    label: str
    modes: list[tuple[Mode, str]]


@dataclass(frozen=True, slots=True)
class Switch:
    """The mode switch: what is one press away, and all the rest in groups (none where all fit side by side)."""

    close: list[Mode]
    groups: list[Group]


def switch(modes: Sequence[Mode], chosen: Mode) -> Switch:
    """For the modes that the engines of this studio do; the chosen one is always among the close ones."""
    if len(modes) <= FEW:
        return Switch(list(modes), [])
    groups = [Group(label, [(mode, words) for mode, words in all_of_it if mode in modes]) for label, all_of_it in GROUPS]
    close = [mode for mode in USED_MOST if mode in modes]
    return Switch(close if chosen in close else [*close[:-1], chosen], [group for group in groups if group.modes])


def group_of(mode: Mode) -> str:
    return next(label for label, modes in GROUPS if any(mode is one for one, _ in modes))


DESCRIBE: dict[Mode | Kind, str] = {
    "image": "Describe a picture",
    "model": "Describe the model",
    "audio": "Describe the sound",
    Mode.SEARCH_AND_REPLACE: "Describe what comes in its place",
    Mode.SEARCH_AND_RECOLOR: "Describe the new colours",
    Mode.REPLACE_BACKGROUND: "Describe the new background",
    Mode.OUTPAINTING: "Describe what lies beyond the edges",
}
NOTHING: dict[Kind, str] = {
    "image": "Write what the picture should show.",
    "model": "Write what the model should be.",
    "audio": "Write what should be heard.",
}
"""What is said when nothing was written."""


FIRST: dict[Mode | Kind, str] = {
    Mode.TEXT_TO_IMAGE: "Say what is in it, what colour it has, where it is and what time of day it is.",
    Mode.TEXT_TO_AUDIO: "Say what plays, how fast it goes and how it feels.",
    "image": "Choose the picture to start from in the panel: a file of yours, or one of the library.",
    "audio": "Choose the sound to start from in the panel: a file of yours, or one of the library.",
}
THEN: dict[Kind, str] = {
    "image": "you see the price first, and the picture as it takes shape.",
    "model": "you see the price first, and turn the model when it is made.",
    "audio": "you see the price first, and hear the sound when it is made.",
}


@dataclass(frozen=True, slots=True)
class Beginning:
    """What stands where a result will: what the mode makes, and how one gets there."""

    title: str
    words: str


def beginning(mode: Mode) -> Beginning:
    first = FIRST.get(mode) or FIRST["audio" if mode.makes == "audio" else "image"]
    title = describe(mode) if mode in FIRST else next(words for _, modes in GROUPS for one, words in modes if one is mode)
    return Beginning(title, f"{first} Then press Generate: {THEN[mode.makes]}")


def describe(mode: Mode) -> str:
    """What an empty prompt asks for."""
    return DESCRIBE.get(mode, DESCRIBE[mode.makes])
