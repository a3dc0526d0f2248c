"""InvokeAI: `invokeai_metadata` (since 3), `sd-metadata` (2), `Dream` (1: a command line)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from studio.generation.metadata.reading.record import MAX_PROMPT, MAX_TEXT, Draft, Record, plain, words
from studio.generation.metadata.reading.samplers import named, said
from studio.generation.metadata.reading.structures import parse, within

TOOL = "InvokeAI"
_SWITCH = re.compile(r" -([a-zA-Z]) ?([^ ]{1,40})")
_NEGATIVE = re.compile(r"\[([^\[\]]{1,4000})\]")
"""In the prompts of InvokeAI 1 and 2, what to leave out stands in square brackets."""


def read(texts: Mapping[str, str]) -> Record | None:
    return _newest(parse(texts.get("invokeai_metadata"))) or _second(parse(texts.get("sd-metadata"))) or _first(texts.get("Dream", ""))


def _newest(data: Mapping[str, Any]) -> Record | None:
    if not data:
        return None
    draft = Draft(TOOL)
    draft.prompt(data.get("positive_prompt"), data.get("negative_prompt"))
    draft.whole("seed", data.get("seed"))
    draft.whole("num_inference_steps", data.get("steps"), least=1)
    # What was distilled (FLUX) runs at a CFG of 1, and has its guidance beside.
    draft.real("guidance_scale", data.get("guidance") if data.get("cfg_scale") in (None, 1) else data["cfg_scale"])
    if "guidance_scale" not in draft.settings:
        draft.real("guidance_scale", data.get("cfg_scale"))
    draft.size(data.get("width"), data.get("height"))
    _sampled(draft, data.get("scheduler"))
    draft.real("strength", data.get("strength"))
    draft.model = _model(data.get("model"))
    for label, key in (("Clip skip", "clip_skip"), ("Generation mode", "generation_mode"), ("Version", "app_version")):
        draft.other(label, data.get(key))
    for one in data["loras"][:20] if isinstance(data.get("loras"), list) else ():
        lora = within(one)
        draft.other(f"LoRA {_model(lora.get('model') or lora.get('lora'))}", lora.get("weight"))
    return draft.done()


def _model(value: Any) -> str:
    """A model is an object with its name, which was `model_name` before version 4, or just that."""
    return words(within(value).get("name") or within(value).get("model_name") or (value if isinstance(value, str) else ""))


def _second(data: Mapping[str, Any]) -> Record | None:
    image = within(data.get("image"))
    if not image:
        return None
    draft = Draft(TOOL)
    said_prompt = image.get("prompt")
    if isinstance(said_prompt, list):
        said_prompt = " ".join(text for one in said_prompt[:50] if isinstance(text := within(one).get("prompt"), str))
    draft.prompt(*_sides(plain(said_prompt, 2 * MAX_PROMPT)))
    draft.whole("seed", image.get("seed"))
    draft.whole("num_inference_steps", image.get("steps"), least=1)
    draft.real("guidance_scale", image.get("cfg_scale"))
    draft.size(image.get("width"), image.get("height"))
    _sampled(draft, image.get("sampler"))
    draft.real("strength", image.get("strength"))
    draft.model = words(data.get("model_weights"))
    draft.other("Model hash", data.get("model_hash"))
    draft.other("Version", data.get("app_version"))
    return draft.done()


def _first(line: str) -> Record | None:
    """`"a boat [rain]" -s 50 -S 123 -W 512 -H 512 -C 7.5 -A k_lms`."""
    end = line.rfind('"') if line.startswith('"') and len(line) <= MAX_TEXT else 0
    if end <= 0:
        return None
    switches = dict(_SWITCH.findall(line[end + 1 :][:2000]))
    draft = Draft(TOOL)
    draft.prompt(*_sides(plain(line[1:end], 2 * MAX_PROMPT)))
    draft.whole("seed", switches.get("S"))
    draft.whole("num_inference_steps", switches.get("s"), least=1)
    draft.real("guidance_scale", switches.get("C"))
    draft.size(switches.get("W"), switches.get("H"))
    _sampled(draft, switches.get("A"))
    draft.real("strength", switches.get("f"))
    return draft.done()


def _sides(prompt: str) -> tuple[str, str]:
    return " ".join(_NEGATIVE.sub("", prompt).split()), ", ".join(one.strip() for one in _NEGATIVE.findall(prompt))


def _sampled(draft: Draft, name: Any) -> None:
    if isinstance(name, str) and name.strip():
        draft.sampled(named(name), said(name))
