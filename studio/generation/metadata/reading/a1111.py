"""A1111 and what descends from it (Forge, SD.Next, Civitai): the prompt, a line `Negative prompt: …`, a line of `Name: value` pairs.

A value with a comma, a colon or the end of a line in it is written as a JSON string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from studio.generation.metadata.reading.record import MAX_TEXT, Draft, Record, name_of_file
from studio.generation.metadata.reading.samplers import named, said

TOOL = "A1111"
NEGATIVE, STEPS = "Negative prompt:", "Steps: "
MAX_PAIRS, MAX_NAME = 200, 60
_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9.,e+-]*|nan|inf|infinity)", re.ASCII | re.IGNORECASE)
"""Whatever its size: a number that makes no sense is left out later, and takes nothing else along."""
_SHOWN = (
    *("Model hash", "VAE", "Clip skip", "Hires upscale", "Hires steps", "Hires upscaler", "Hires resize", "Lora hashes", "TI hashes"),
    *("Refiner", "Variation seed", "Version"),
)


def read(texts: Mapping[str, str]) -> Record | None:
    return next((found for name in ("parameters", "UserComment", "postprocessing") if (found := record(texts.get(name, "")))), None)


def record(text: str, tool: str = TOOL) -> Record | None:
    """The record that such a text is; None for another text."""
    if not 0 < len(text) <= MAX_TEXT:
        return None
    prompt, negative, pairs = parts(text)
    if not pairs:
        return None
    draft = Draft("Atelier" if pairs.get("Version") == "Atelier" else tool)
    draft.prompt(prompt, negative)
    draft.whole("num_inference_steps", pairs.get("Steps"), least=1)
    sampler, schedule = pairs.get("Sampler", ""), pairs.get("Schedule type", "")
    if sampler:
        draft.sampled(named(sampler, schedule), said(sampler, schedule))
    draft.real("guidance_scale", pairs.get("CFG scale"))
    draft.whole("seed", pairs.get("Seed"))
    draft.size_in(pairs.get("Size"))
    has_second_pass = any(name.startswith("Hires ") for name in pairs)
    if "Denoising strength" in pairs:  # with a second pass it is that one's, and the picture began from nothing
        (draft.other if has_second_pass else draft.real)("Hires strength" if has_second_pass else "strength", pairs["Denoising strength"])
    draft.model = name_of_file(pairs.get("Model", ""))
    for label in _SHOWN:
        draft.other(label, pairs.get(label, ""))
    return draft.done()


def parts(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and pairs. Extensions add lines behind the pairs, and a prompt may have a line that looks like them."""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    begins = [place for place, line in enumerate(lines) if line.startswith(STEPS)]
    holds = begins or [place for place, line in enumerate(lines) if STEPS in line]
    if not holds:
        return text, "", {}
    pairs = dict(_pairs(lines[holds[-1]]))
    body = lines[: holds[-1]]
    cut = next((place for place, line in enumerate(body) if line.startswith(NEGATIVE)), len(body))
    negative = "\n".join(body[cut:]).removeprefix(NEGATIVE)
    return "\n".join(body[:cut]).strip(), negative.strip(), pairs if _NUMBER.fullmatch(pairs.get("Steps", "")) else {}


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """The pairs of a line, from left to right; each character is looked at once or twice."""
    at = 0
    for _ in range(MAX_PAIRS):
        colon = line.find(":", at)
        if colon < 0:
            return
        # What stands before a comma without a colon belongs to nothing.
        name = line[max(at, line.rfind(",", at, colon) + 1) : colon].strip()
        start = colon + 1 + (len(line) - colon - 1 - len(line[colon + 1 :].lstrip(" ")))
        value, at = _quoted(line, start) if line[start : start + 1] == '"' else _bare(line, start)
        if 0 < len(name) <= MAX_NAME:
            yield name, value


def _bare(line: str, start: int) -> tuple[str, int]:
    end = line.find(",", start)
    end = len(line) if end < 0 else end
    return line[start:end].strip(), end + 1


def _quoted(line: str, start: int) -> tuple[str, int]:
    """A JSON string; what only begins like one is read as any other value."""
    try:
        value, end = json.JSONDecoder().raw_decode(line, start)
    except ValueError:
        return _bare(line, start)
    comma = line.find(",", end)
    return value, len(line) if comma < 0 else comma + 1
