"""The records that are written: made from a request. `reading` reads them back, and those of other tools."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from studio.backends.base import GenerationRequest

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MAX_XMP = 128 * 1024
"""Characters of an XMP packet in which our JSON is looked for."""

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


def texts_of(request: GenerationRequest, *, seed: int | None, engine_label: str) -> Texts:
    ours = {**request.to_json(), "seed": seed, "num_images": 1}
    parameters = parameters_text(request, seed=seed, engine_label=engine_label)
    return Texts(parameters, json.dumps(ours, ensure_ascii=False, separators=(",", ":")))


def ours_in_xmp(xmp: str) -> str:
    """Our JSON in an XMP packet, looked for as text: a parser of XML from outside is a risk of its own."""
    found = _OURS_IN_XMP.search(xmp[:MAX_XMP])
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
