"""What an engine can do, as a record that the form is drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from studio.backends import weights
from studio.backends.modes import MediaInput, Mode, PromptNeed, usual_inputs
from studio.backends.prices import PriceTable, Quote

if TYPE_CHECKING:
    from studio.backends.base import GenerationRequest

MAX_SEED = 2**32 - 1
"""Largest seed, as at Stability (`stability/API.md`) and in most tools; 0 is a seed like any other."""


class EngineState(StrEnum):
    """Whether an engine can work now. Everything but READY and SLOW carries a sentence in `Engine.state_detail`."""

    READY = "ready"
    SLOW = "slow"
    STARTING = "starting"
    COOLING_DOWN = "cooling-down"
    NO_KEY = "no-key"
    NO_CREDITS = "no-credits"
    NOT_INSTALLED = "not-installed"
    BROKEN = "broken"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting that an engine understands; the form draws a field from it.

    `name` is a field of `GenerationRequest` or a key of its `extra`. `modes` empty means every mode of the engine. Limits are inclusive;
    `max_length` is of a text. A `default` of None leaves it to the engine, unless a value is `required`. An aspect ratio or a style is a
    choice that is drawn as shapes or pictures. Seconds of a sound that somebody gave: `share` of its length takes the place of the
    default, and what is `within` must not lie beyond its end.
    """

    name: str
    label: str
    kind: Literal["integer", "float", "choice", "text", "boolean", "aspect-ratio", "style-preset"]
    default: Any
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    modes: frozenset[Mode] = frozenset()
    advanced: bool = True
    required: bool = False
    max_length: int | None = None
    share: float | None = None
    within: bool = False

    def default_for(self, seconds: float | None) -> Any:
        """What stands there by itself, beside a sound of this length (None: there is none)."""
        if self.share is None or seconds is None:
            return self.default
        most = seconds if self.maximum is None else self.maximum
        return min(most, max(self.minimum or 0, round(self.share * seconds)))

    def problem_beside(self, value: float, seconds: float) -> str | None:
        """Say in one sentence why a value does not go with a sound of this length; a second that has begun may be named."""
        if self.within and value > ceil(seconds):
            return f"{self.label} lies beyond the end: the sound lasts {seconds:.1f} seconds."
        return None

    def applies_to(self, mode: Mode) -> bool:
        return not self.modes or mode in self.modes


@dataclass(frozen=True, slots=True)
class SizeRules:
    """Which picture sizes (width, height in pixels) an engine makes.

    With `choices` only those; without, any size on the grid `multiple_of` within `minimum` and `maximum` per side and `max_pixels`.
    """

    default: tuple[int, int]
    choices: tuple[tuple[int, int], ...] = ()
    multiple_of: int = 8
    minimum: int = 64
    maximum: int = 2048
    max_pixels: int = 2048 * 2048

    def problem(self, width: int, height: int) -> str | None:
        """Say in one sentence why a size cannot be made, or None when it can."""
        if self.choices:
            if (width, height) in self.choices:
                return None
            sizes = ", ".join(f"{w} × {h}" for w, h in self.choices)
            return f"This engine makes pictures of {sizes} pixels, not {width} × {height}."
        for side, value in (("Width", width), ("Height", height)):
            if not self.minimum <= value <= self.maximum:
                return f"{side} must be from {self.minimum} to {self.maximum} pixels, not {value}."
            if value % self.multiple_of:
                return f"{side} must be a multiple of {self.multiple_of}: {value} is not; {self.nearest(value)} is the nearest."
        if width * height > self.max_pixels:
            return f"{width} × {height} is more than the {self.max_pixels:,} pixels that this engine makes."
        return None

    def nearest(self, value: int) -> int:
        """The allowed side length closest to `value` pixels."""
        grid = round(value / self.multiple_of) * self.multiple_of
        low = -(-self.minimum // self.multiple_of) * self.multiple_of
        high = self.maximum // self.multiple_of * self.multiple_of
        return max(low, min(high, grid))


_WEIGHTS_HELP: dict[weights.Dialect, str] = {
    "": "{label} ignores weights: (cat:1.2) is read as cat.",
    "a1111": "(word:1.2) gives a word more weight, (word:0.8) less.",
    "v2beta": "{label} takes weights up to 1: what weighs most counts as 1, the rest in proportion. What to leave out has none.",
    "text-prompts": "(word:1.3) gives a word more weight, (word:-0.5) keeps it out.",
    "embeddings": "(word:1.2) gives a word more weight, (word:0.8) less. Far from 1, pictures fall apart.",
}


@dataclass(frozen=True, slots=True)
class Engine:
    """A capability record: what a person picks, and what the form is drawn from.

    `batch_limit` is the number of pictures that one call of the backend takes, over all requests of one shape.
    `examples` are prompts that show what the engine can do, `weights` says how it is told of `(word:1.2)` ("": it ignores weights),
    `english_only` that it understands prompts in no other language; `size` None means the result's size follows from the input picture or
    the aspect ratio.
    `inputs` are the files a mode starts from where they follow rules of their own, `prompt` whether there is one where that differs from
    what the mode says. `max_seed` None: it takes no seed. `state_seconds` is how long the state will last, where that is known.
    """

    id: str
    label: str
    backend: str
    queue: str
    modes: tuple[Mode, ...]
    price: PriceTable
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    size: SizeRules | None = None
    inputs: tuple[MediaInput, ...] = ()
    prompt: PromptNeed | None = None
    max_seed: int | None = MAX_SEED
    max_images: int = 1
    max_prompt_length: int = 10_000
    negative_prompt: bool = False
    batch_limit: int = 1
    local: bool = False
    examples: tuple[str, ...] = ()
    weights: weights.Dialect = ""
    knows: str = ""
    english_only: bool = False
    state: EngineState = EngineState.READY
    state_detail: str = ""
    state_seconds: float | None = None
    seconds_per_image: float | None = None

    def supports(self, mode: Mode) -> bool:
        return mode in self.modes

    def parameters_for(self, mode: Mode) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters if p.applies_to(mode))

    def inputs_for(self, mode: Mode) -> tuple[MediaInput, ...]:
        own = tuple(one for one in self.inputs if one.applies_to(mode))
        return own or usual_inputs(mode)

    def prompt_for(self, mode: Mode) -> PromptNeed:
        return self.prompt or mode.prompt

    @property
    def weights_help(self) -> str:
        """What comes of a weight in the prompt, in a sentence for whoever writes one."""
        return _WEIGHTS_HELP[self.weights].format(label=self.label)

    def length_of(self, prompt: str) -> int:
        """Characters of a prompt that `max_prompt_length` counts: those that leave for the engine."""
        return weights.length(prompt, self.weights)

    def quote(self, request: GenerationRequest) -> Quote:
        """Price a request; pure arithmetic, cheap enough for every key press."""
        return self.price.quote(request)

    def in_state(self, state: EngineState, detail: str = "", seconds: float | None = None) -> Engine:
        return replace(self, state=state, state_detail=detail, state_seconds=seconds)
