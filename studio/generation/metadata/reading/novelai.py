"""NovelAI: `Software` says so, and `Comment` is JSON."""

from __future__ import annotations

from collections.abc import Mapping

from studio.generation.metadata.reading.record import Draft, Record, plain, words
from studio.generation.metadata.reading.samplers import named, said
from studio.generation.metadata.reading.structures import parse

TOOL = "NovelAI"


def read(texts: Mapping[str, str]) -> Record | None:
    made = parse(texts.get("Comment")) if texts.get("Software", "").startswith(TOOL) else {}
    if not made:
        return None
    draft = Draft(TOOL)
    draft.prompt(made.get("prompt") or texts.get("Description"), made.get("uc"))
    draft.whole("seed", made.get("seed"))
    draft.whole("num_inference_steps", made.get("steps"), least=1)
    draft.real("guidance_scale", made.get("scale"))
    draft.size(made.get("width"), made.get("height"))
    sampler, schedule = plain(made.get("sampler"), 100), plain(made.get("noise_schedule"), 100)
    if sampler:
        draft.sampled(named(sampler, schedule), said(sampler, schedule))
    draft.real("strength", made.get("strength"))
    draft.model = words(texts.get("Source", ""))
    return draft.done()
