"""Prompts with alternatives: what one press makes of them. Each picture draws its own words, with its own seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings

from studio.backends.base import GenerationRequest, PromptNeed
from studio.generation.forms import GenerationForm
from studio.generation.forms.fields import too_long
from studio.generation.services import Item
from studio.prompts.filling import BadValues, Filled

ALL = "all"
"""The name of the button that makes all combinations; its value is how many those were when it was drawn."""


class NotAsShown(Exception):
    """Nothing can be made of this; the sentence says why, and what to do."""


def wanted(posted: Mapping[str, Any], form: GenerationForm) -> bool:
    """Whether a valid form asks for jobs with words of their own."""
    varies = form.filling is not None and form.filling.varies
    return ALL in posted or (varies and (form.cleaned_data.get("num_images") or 1) > 1)


def remembered(form: GenerationForm) -> dict[str, Any]:
    """What a single job keeps of how its prompt came about."""
    return _remembered(form, form.filled)


def items_of(form: GenerationForm, posted: Mapping[str, Any]) -> list[Item]:
    """The jobs of one picture each: all combinations with the same seed, or one for each seed. Raises `NotAsShown`.

    A picture that is made again alone, with the seed that it shows, draws the same words again.
    """
    assert form.filling
    request = form.to_request()
    if ALL not in posted:
        filled = zip(request.seeds, _drawn(form.filling.at(seed) for seed in request.seeds), strict=True)
        return [_item(form, replace(request, num_images=1, seed=seed), one) for seed, one in filled]
    count = form.filling.combinations
    if not 1 < count <= settings.MAX_BATCH:
        raise NotAsShown(f"There are {count:,} combinations; from 2 to {settings.MAX_BATCH} can be made at once.")
    if str(count) != posted[ALL]:
        raise NotAsShown(f"There are {count} combinations now. Look at the price, then press again.")
    return [_item(form, replace(request, num_images=1), one) for one in _drawn(form.filling.every(count))]


def title_of(form: GenerationForm) -> str:
    """What the batch is called: the template, or the prompt as typed."""
    if form.version:
        return f"{form.version.template}, {form.version}"
    return " ".join(form.filling.written["prompt"].split())[:200] if form.filling else ""


def _drawn(several: Iterable[Filled]) -> list[Filled]:
    try:
        return list(several)
    except BadValues as error:
        raise NotAsShown(str(error)) from error


def _item(form: GenerationForm, request: GenerationRequest, filled: Filled) -> Item:
    engine, prompt = form.engine, filled.prompt.text
    if problem := too_long("One of these prompts", prompt, engine.max_prompt_length, engine.length_of):
        raise NotAsShown(problem)
    if not prompt.strip() and engine.prompt_for(form.mode) is PromptNeed.REQUIRED:
        raise NotAsShown("One of these prompts would be empty. Write something that stands in each of them.")
    negative = filled.negative.text if engine.negative_prompt else ""
    kept = _remembered(form, filled)
    return Item(replace(request, prompt=prompt, negative_prompt=negative), **kept)


def _remembered(form: GenerationForm, filled: Filled | None) -> dict[str, Any]:
    if filled is None or (form.version is None and filled.is_as_typed):
        return {}
    values = filled.values if form.version else None
    return {"template_version": form.version, "template_values": values, "written": filled.written}
