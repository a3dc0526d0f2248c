"""What a reader found, and how values of anybody's files become settings: by kind, within bounds, or not at all."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_TEXT = 64 * 1024
"""Longest text, in characters, in which a reader looks for settings."""
MAX_GRAPH = 512 * 1024
"""The same of a ComfyUI graph: those of real work are larger than any other text."""
MAX_PROMPT = 10_000
"""Characters of a prompt that are kept."""
MAX_WORDS = 200
"""Characters of a name: a model, a sampler, a value that is shown only."""
MAX_OTHERS = 24
BIGGEST = 2**63 - 1
"""The largest number that a row holds."""

_CONTROL = dict.fromkeys([*(code for code in range(0x20) if code not in (0x09, 0x0A)), 0x7F])
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}(\.0{0,6})?", re.ASCII)
_SIZE = re.compile(r"\(?\s{0,4}([0-9]{1,5})\s{0,4}[x×,|]\s{0,4}([0-9]{1,5})\s{0,4}\)?", re.ASCII)
_SAID = {
    "prompt": "prompt",
    "negative_prompt": "negative prompt",
    "seed": "seed",
    "width": "size",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "scheduler": "sampler",
    "strength": "strength",
}


@dataclass(frozen=True, slots=True)
class Record:
    """What a file says of how it was made.

    `settings` stand under the names of `GenerationRequest` and of an engine's own parameters; nobody has checked them against any engine.
    `sampler` is named only when it has no name here. `others` is what the file says beside: labels and words to be shown.
    """

    tool: str
    settings: Mapping[str, Any]
    model: str = ""
    sampler: str = ""
    others: tuple[tuple[str, str], ...] = ()

    @property
    def sentence(self) -> str:
        """What somebody reads who dropped the file: "Settings from a ComfyUI file: prompt, seed, size." and what is not among them."""
        article = "an" if self.tool[:1] in "AEIOU" else "a"
        found = ", ".join(word for name, word in _SAID.items() if self.settings.get(name) not in (None, ""))
        said = f"Settings from {article} {self.tool} file: {found}." if found else f"Settings from {article} {self.tool} file."
        if self.model:
            said += f" Its model was {self.model}."
        if self.sampler:
            said += f" Its sampler {self.sampler} is not known here."
        return said


@dataclass(slots=True)
class Draft:
    """A record in the making: what makes no sense as the value that it should be is left out."""

    tool: str
    settings: dict[str, Any] = field(default_factory=lambda: {"mode": "text-to-image"})
    model: str = ""
    sampler: str = ""
    others: dict[str, str] = field(default_factory=dict)

    def prompt(self, value: Any, negative: Any = "") -> None:
        for name, text in (("prompt", value), ("negative_prompt", negative)):
            self.settings[name] = plain(text, MAX_PROMPT).strip()

    def whole(self, name: str, value: Any, *, least: int = 0) -> None:
        if (number := whole(value)) is not None and number >= least:
            self.settings[name] = number

    def real(self, name: str, value: Any) -> None:
        if (number := real(value)) is not None and number >= 0:
            self.settings[name] = number

    def size(self, width: Any, height: Any) -> None:
        sides = (whole(width), whole(height))
        if all(side is not None and 0 < side < 100_000 for side in sides):
            self.settings["width"], self.settings["height"] = sides

    def size_in(self, text: Any) -> None:
        """`512x768`, `(896, 1152)`."""
        if isinstance(text, str) and (match := _SIZE.fullmatch(text.strip()[:40])):
            self.size(*match.groups())

    def sampled(self, known: str, said: str) -> None:
        """The sampler: `known` under its name here, else as the file says it."""
        if known:
            self.settings["scheduler"] = known
        else:
            self.sampler = words(said)

    def other(self, label: str, value: Any) -> None:
        """Something to be shown only."""
        if len(self.others) < MAX_OTHERS and (said := words(value)):
            self.others.setdefault(words(label)[:60], said)

    def done(self) -> Record | None:
        """The record; None when not one setting was found."""
        if not any(value not in (None, "") for name, value in self.settings.items() if name != "mode"):
            return None
        return Record(self.tool, self.settings, self.model, self.sampler, tuple(self.others.items()))


def plain(value: Any, longest: int) -> str:
    """Text that can be kept anywhere: no NUL, no control characters, no half of a surrogate pair. Empty for what is no text."""
    if not isinstance(value, str):
        return ""
    text = value[:longest].replace("\r\n", "\n").translate(_CONTROL)
    return text.encode("utf-8", "replace").decode("utf-8")


def words(value: Any) -> str:
    """A name, or a value to be shown, in one line; of a list the names in it. Empty for anything else."""
    if isinstance(value, list):
        value = ", ".join(word for one in value[:20] if not isinstance(one, list) and (word := words(one)))
    elif not isinstance(value, str):
        number = real(value)
        value = "" if number is None else f"{number:.10g}"
    return " ".join(plain(value, 4 * MAX_WORDS).split())[:MAX_WORDS]


def whole(value: Any) -> int | None:
    if isinstance(value, str):
        match = _WHOLE.fullmatch(value.strip()[:30])
        value = int(match[0].partition(".")[0]) if match else None
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) and -BIGGEST <= value <= BIGGEST else None


def real(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value.strip()[:30])
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9:
        return None
    return float(value) if math.isfinite(value) else None


def name_of_file(value: Any) -> str:
    """A model as people call it: without the folders that it lay in and without `.safetensors`."""
    name = words(value).replace("\\", "/").rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and suffix.lower() in ("safetensors", "ckpt", "pt", "pth", "bin", "gguf", "sft") else name
