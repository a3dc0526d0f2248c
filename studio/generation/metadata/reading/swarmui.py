"""SwarmUI: `{"sui_image_params": {…}, …}` as a PNG's `parameters`, or as EXIF's UserComment."""

from __future__ import annotations

from collections.abc import Mapping

from studio.generation.metadata.reading.record import Draft, Record, name_of_file, plain
from studio.generation.metadata.reading.samplers import named, said
from studio.generation.metadata.reading.structures import parse, within

TOOL = "SwarmUI"


def read(texts: Mapping[str, str]) -> Record | None:
    for name in ("parameters", "UserComment"):
        if made := within(parse(texts.get(name)).get("sui_image_params")):
            draft = Draft(TOOL)
            draft.prompt(made.get("prompt"), made.get("negativeprompt"))
            draft.whole("seed", made.get("seed"))
            draft.whole("num_inference_steps", made.get("steps"), least=1)
            draft.real("guidance_scale", made.get("fluxguidancescale", made.get("cfgscale")))
            draft.size(made.get("width"), made.get("height"))
            sampler, schedule = plain(made.get("sampler"), 100), plain(made.get("scheduler"), 100)
            if sampler:
                draft.sampled(named(sampler, schedule), said(sampler, schedule))
            if "initimage" in made or "initimagecreativity" in made:
                draft.real("strength", made.get("initimagecreativity"))
            draft.model = name_of_file(made.get("model", ""))
            for label, key in (("VAE", "vae"), ("LoRAs", "loras"), ("LoRA weights", "loraweights"), ("Version", "swarm_version")):
                draft.other(label, made.get(key))
            return draft.done()
    return None
