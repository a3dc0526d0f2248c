"""The records themselves: made from a request, and read back from text that may be anybody's."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from studio.backends.base import GenerationRequest, Mode

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MAX_TEXT = 64 * 1024
"""Longest parameter text, in characters, that is looked at."""

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{source}"{ours}/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>"""
_OURS_IN_XMP = re.compile(r'\batelier:settings="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Texts:
    """What a file says of how it was made: A1111's `parameters`, and `atelier`, our own JSON. Empty: it does not say."""

    parameters: str = ""
    atelier: str = ""

    def xmp(self, *, whole: bool = False) -> str:
        """The digital source type as XMP; `whole`: our JSON as well, for a file that has no other place for it."""
        ours = escape(self.atelier, {'"': "&quot;"})
        extra = f'\n xmlns:atelier="urn:atelier:settings" atelier:settings="{ours}"' if whole else ""
        return _XMP.format(source=DIGITAL_SOURCE_TYPE, ours=extra)

    def settings(self) -> dict[str, Any]:
        """The settings, under the names of `GenerationRequest` and of an engine's own parameters, unchecked; empty for none."""
        if 0 < len(self.atelier) <= MAX_TEXT and (ours := _from_ours(self.atelier)):
            return ours
        return _from_parameters(self.parameters) if 0 < len(self.parameters) <= MAX_TEXT else {}


def texts_of(request: GenerationRequest, *, seed: int | None, engine_label: str) -> Texts:
    ours = {**request.to_json(), "seed": seed, "num_images": 1}
    parameters = parameters_text(request, seed=seed, engine_label=engine_label)
    return Texts(parameters, json.dumps(ours, ensure_ascii=False, separators=(",", ":")))


def ours_in_xmp(xmp: str) -> str:
    """Our JSON in an XMP packet, looked for as text: a parser of XML from outside is a risk of its own."""
    found = _OURS_IN_XMP.search(xmp[: 2 * MAX_TEXT])
    return html.unescape(found[1]) if found else ""


def parameters_text(request: GenerationRequest, *, seed: int | None, engine_label: str) -> str:
    """The text that A1111 writes: prompt, a line for the negative prompt, a line of `Name: value` pairs."""
    pairs: list[tuple[str, Any]] = [
        ("Steps", request.num_inference_steps),
        ("Sampler", request.scheduler),
        ("CFG scale", request.guidance_scale),
        ("Seed", seed),
        ("Size", f"{request.width}x{request.height}" if request.width else None),
        ("Model", engine_label.replace(",", " ")),
        ("Denoising strength", request.strength),
        ("Version", "Atelier"),
    ]
    lines = [request.prompt]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    lines.append(", ".join(f"{name}: {value}" for name, value in pairs if value is not None))
    return "\n".join(lines)


def _from_ours(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    fields = GenerationRequest.__dataclass_fields__.keys()
    own = data["extra"] if isinstance(data.get("extra"), dict) else {}
    known = {name: data[name] for name in fields - {"image", "mask_image", "media", "extra"} if name in data}
    settings = {name: value for name, value in {**own, **known}.items() if isinstance(value, str | int | float)}
    return settings if settings.get("mode") in list(Mode) else {}


_PAIR = re.compile(r"([A-Za-z][A-Za-z ]{0,30}): ([^,\n]{1,120})(?:, |$)")
_NAMES: dict[str, tuple[str, type]] = {
    "Steps": ("num_inference_steps", int),
    "Sampler": ("scheduler", str),
    "CFG scale": ("guidance_scale", float),
    "Seed": ("seed", int),
    "Denoising strength": ("strength", float),
}


def _from_parameters(text: str) -> dict[str, Any]:
    """A1111's text: the last line is pairs, the one that starts with `Negative prompt:` what to avoid, the rest the prompt."""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    pairs = dict(_PAIR.findall(lines[-1][:4000])) if "Steps: " in lines[-1] else {}
    if not pairs:
        return {}
    body = "\n".join(lines[:-1])
    prompt, _, negative = body.partition("Negative prompt:")
    settings: dict[str, Any] = {"mode": Mode.TEXT_TO_IMAGE.value, "prompt": prompt.strip(), "negative_prompt": negative.strip()}
    for label, (name, kind) in _NAMES.items():
        try:
            settings[name] = kind(pairs[label].strip())
        except (KeyError, ValueError):
            continue
    size = re.fullmatch(r"(\d{1,5})x(\d{1,5})", pairs.get("Size", "").strip())
    if size:
        settings["width"], settings["height"] = int(size[1]), int(size[2])
    return settings
