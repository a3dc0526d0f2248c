"""What a team's brand rules say to a request, before anything is held for it."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import Team
from studio.backends.base import Engine, GenerationRequest, Mode
from studio.generation.errors import BrandRefused
from studio.prompts import brand
from studio.prompts.models import BrandRule

LOOKED_FOR = frozenset(("search_prompt", "select_prompt"))
"""Texts that say what is in a picture already: whoever takes a rival's name out of one has to write it."""


def check_brand(team: Team, request: GenerationRequest, engine: Engine) -> None:
    """Raises `BrandRefused`, with a sentence beside the prompt, the size or the shape. One query."""
    refused = refusals(brand.rules_of(team), request, engine)
    if refused:
        raise BrandRefused(next(iter(refused.values())), refused)


def refusals(rules: Iterable[BrandRule], request: GenerationRequest, engine: Engine) -> dict[str, str]:
    """Why a request may not be made, by the fields of its form; empty when it may.

    What shall be left out of a picture may be named, as in the word filter.
    """
    said: dict[str, list[str]] = {}
    for problem in brand.broken(rules, wish_of(request, engine)):
        said.setdefault(_place(request, engine) if problem.field == "size" else problem.field, []).append(problem.message)
    return {name: " ".join(messages) for name, messages in said.items()}


def wish_of(request: GenerationRequest, engine: Engine) -> brand.Wish:
    """What of a request the rules look at. Words that prompts must have are asked of pictures alone."""
    others = {name: str(text) for name, text in request.extra.items() if name.endswith("prompt") and name not in LOOKED_FOR}
    shape = _shape_field(request, engine)
    return brand.Wish(
        prompt=request.prompt,
        width=request.width,
        height=request.height,
        shape=str(request.extra.get(shape[0]) or shape[1]) if shape else "",
        others=others,
        asks_for_words=Mode(request.mode).makes == "image",
    )


def _shape_field(request: GenerationRequest, engine: Engine) -> tuple[str, str] | None:
    """Name and default of the engine's shape, where it has one instead of a size."""
    return next(((one.name, str(one.default)) for one in engine.parameters_for(request.mode) if one.kind == "aspect-ratio"), None)


def _place(request: GenerationRequest, engine: Engine) -> str:
    """The field of the form beside which a size is refused."""
    shape = _shape_field(request, engine)
    return shape[0] if shape and not request.width else "width"
