"""What is handed on: a `Wish` is a request of the contract in the studio's words, an `Ask` the same fitted to the engine that answers it,
`Wanted` what the client shall get back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from studio.backends.base import GenerationRequest, Mode
from studio.generation.models import InputFile

MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "mp3": "audio/mpeg", "wav": "audio/wav"}
"""By the contract's `output_format`."""
Clear = Literal["white", "black", "alpha"]
"""What of a mask changes: what is white, what is black, or what is transparent in the picture itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the client is answered: pixels (None: those of the result) and format.

    `ignored` are fields, by the contract's names, that the engine had no use for. `keeps`: outside the mask of the job the answer is the
    job's own picture, pixel by pixel.
    """

    size: tuple[int, int] | None
    mime: str
    ignored: tuple[str, ...] = ()
    keeps: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"size": self.size and list(self.size), "mime": self.mime, "ignored": list(self.ignored), "keeps": self.keeps}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Wanted:
        size = data.get("size")
        return cls((size[0], size[1]) if size else None, data["mime"], tuple(data.get("ignored", ())), bool(data.get("keeps")))


@dataclass(frozen=True, slots=True)
class Ask:
    """What to submit: `inputs` are stored, by the names of the engine's `MediaInput`s."""

    request: GenerationRequest
    inputs: Mapping[str, InputFile]
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Mask:
    """Which part changes: `data` is the file of a mask, None where the picture's own transparency says it; `grow` pixels outwards."""

    data: bytes | None = field(repr=False)
    clear: Clear = "white"
    grow: int = 0
    field_name: str = "mask"


@dataclass(frozen=True, slots=True)
class Wish:
    """A request of the contract by the studio's names.

    `modes` are ways to do it, the best first. `size` is what the contract promises where the provider itself does not answer; None: as it
    comes. `settings` are parameters of engines, `usual` the contract's defaults of them: what equals its default was not asked for.
    `files` are those beside `image`. `names` are the contract's names where they are other ones. A `seed` of 0 is a random one.
    """

    modes: tuple[Mode, ...]
    mime: str = "image/png"
    prompt: str = ""
    negative: str = ""
    seed: int = 0
    samples: int = 1
    size: tuple[int, int] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    usual: Mapping[str, Any] = field(default_factory=dict)
    image: bytes | None = field(default=None, repr=False)
    mask: Mask | None = None
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, ours: str) -> str:
        """The contract's name of one of the studio's."""
        return self.names.get(ours, ours)
