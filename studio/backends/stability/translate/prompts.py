"""What leaves of a prompt: in v1 a list with weights, in v2beta one text, where some read weights in brackets (`stability/API.md` 2.4)."""

from __future__ import annotations

from studio.backends import weights
from studio.backends.base import Engine
from studio.backends.weights import Span


def weighted(prompt: str, negative_prompt: str = "") -> list[Span]:
    """The entries of v1's `text_prompts`: what weighs 1 as one text, then each weighted one; the same with the signs turned for what is
    left out. A negative weight keeps it out of the picture (`stability/API.md` 1.3); a weight of 0 says nothing and is not sent."""
    left_out = [Span(text, -weight) for text, weight in weights.prompts(negative_prompt)]
    return [span for span in weights.prompts(prompt) + left_out if span.weight]


def texts(engine: Engine, prompt: str, negative_prompt: str) -> dict[str, str]:
    """The same for v2beta, by the studio's names. Only the prompt itself is documented to have weights."""
    return {"prompt": weights.render(prompt, engine.weights), "negative_prompt": weights.plain(negative_prompt)}
