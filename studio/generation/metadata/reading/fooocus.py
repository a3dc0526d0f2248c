"""Fooocus: `fooocus_scheme` says whether `parameters` are its own JSON or A1111's text. In EXIF the scheme is the MakerNote.

Older versions, and those that keep a log only, wrote the JSON of their log, with the labels of the page, as a comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.generation.metadata.reading import a1111
from studio.generation.metadata.reading.record import Draft, Record, name_of_file, plain
from studio.generation.metadata.reading.samplers import named, said
from studio.generation.metadata.reading.structures import parse

TOOL = "Fooocus"
_LOGGED = {
    "prompt": "Prompt",
    "negative_prompt": "Negative Prompt",
    "steps": "Steps",
    "guidance_scale": "Guidance Scale",
    "seed": "Seed",
    "resolution": "Resolution",
    "sampler": "Sampler",
    "scheduler": "Scheduler",
    "base_model": "Base Model",
    "performance": "Performance",
    "styles": "Styles",
    "sharpness": "Sharpness",
    "version": "Version",
}


def read(texts: Mapping[str, str]) -> Record | None:
    scheme = texts.get("fooocus_scheme", texts.get("MakerNote", ""))
    for name in ("parameters", "UserComment", "Comment"):
        text = texts.get(name, "")
        if scheme == "a1111" and (found := a1111.record(text, TOOL)):
            return found
        data = parse(text)
        if data and (scheme == "fooocus" or "Base Model" in data or {"base_model", "performance"} <= data.keys()):
            return _record(data)
    return None


def _record(data: Mapping[str, Any]) -> Record | None:
    def given(name: str) -> Any:
        return data.get(name, data.get(_LOGGED.get(name, ""), ""))

    draft = Draft(TOOL)
    draft.prompt(given("prompt"), given("negative_prompt"))
    draft.whole("seed", given("seed"))
    draft.whole("num_inference_steps", given("steps"), least=1)
    draft.real("guidance_scale", given("guidance_scale"))
    resolution = given("resolution")
    if isinstance(resolution, list) and len(resolution) == 2:
        draft.size(*resolution)
    else:
        draft.size_in(resolution)
    sampler, schedule = plain(given("sampler"), 100), plain(given("scheduler"), 100)
    if sampler:
        draft.sampled(named(sampler, schedule), said(sampler, schedule))
    draft.model = name_of_file(given("base_model"))
    for label, name in (("Performance", "performance"), ("Styles", "styles"), ("Sharpness", "sharpness"), ("Version", "version")):
        draft.other(label, given(name))
    draft.other("Model hash", data.get("base_model_hash"))
    return draft.done()
