"""What each endpoint makes: from the values of a request to a picture, a sound or a solid.

Sizes follow API.md 2.4–2.8. Where it gives two answers, or none:

- Core at other ratios than 1:1: the 1 MP table times 1.5. Control style: one megapixel at the exact ratio (its one recorded size, 1365x768,
  is that). SD3.5 image-to-image and style-transfer: one megapixel in the picture's own ratio, sides multiples of 8.
- Conservative and creative upscale: the area that was seen live (3112² and 3152² pixels), not the "4 megapixels" of the document.
  Fast: 4× each side, as the document's 16 MP allow, not the 4 MP of the price page.
- Ultra with an image gives the size of `aspect_ratio`, whatever the image's shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from studio.api.stability.uploads import Picture
from tests.stability_server.media import edits, solids, tunes
from tests.stability_server.media.scenes import Size, scene

Values = Mapping[str, Any]
Artist = Callable[[Values, int], Image.Image | bytes]
"""Values of a request and a seed → what it makes. Pictures are encoded later; the same again for the same arguments."""

MEGAPIXEL = 1024 * 1024
SIZES: dict[str, Size] = {"16:9": (1344, 768), "1:1": (1024, 1024), "21:9": (1536, 640), "2:3": (832, 1216), "3:2": (1216, 832)} | {
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
"""API.md 2.4."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`media` is image, audio or model; `submits` says that the answer is an id, and the result is fetched later."""

    draw: Artist
    media: str = "image"
    submits: bool = False


def in_shape_of(picture: Picture, pixels: float = MEGAPIXEL, step: int = 8) -> Size:
    """A size of this area in the picture's ratio, sides multiples of `step`."""
    width, height = picture.size
    scale = math.sqrt(pixels / (width * height))
    return max(step, round(width * scale / step) * step), max(step, round(height * scale / step) * step)


def exact_ratio(ratio: str) -> Size:
    across, down = map(int, ratio.split(":"))
    return int(math.sqrt(MEGAPIXEL * across / down)), int(math.sqrt(MEGAPIXEL * down / across))


def mask_of(values: Values) -> Image.Image | None:
    return values["mask"].image() if "mask" in values else None


# --- generate --------------------------------------------------------------------------------------------------------


def ultra(values: Values, seed: int) -> Image.Image:
    size, style = SIZES[values["aspect_ratio"]], values.get("style_preset")
    if "image" in values:
        return edits.mix(values["image"].image(), values["prompt"], seed, size, values["strength"], style)
    return scene(values["prompt"], seed, size, style=style)


def core(values: Values, seed: int) -> Image.Image:
    width, height = SIZES[values["aspect_ratio"]]
    return scene(values["prompt"], seed, (width * 3 // 2, height * 3 // 2), style=values.get("style_preset"))


def sd3(values: Values, seed: int) -> Image.Image:
    style = values.get("style_preset")
    if values["mode"] == "image-to-image":
        image = values["image"]
        return edits.mix(image.image(), values["prompt"], seed, in_shape_of(image), values["strength"], style)
    return scene(values["prompt"], seed, SIZES[values["aspect_ratio"]], style=style)


# --- edit ------------------------------------------------------------------------------------------------------------


def erase(values: Values, seed: int) -> Image.Image:
    image = values["image"].image()
    return edits.erase(image, edits.mask_for(image, mask_of(values), values["grow_mask"]))


def inpaint(values: Values, seed: int) -> Image.Image:
    image = values["image"].image()
    mask = edits.mask_for(image, mask_of(values), values.get("grow_mask", 0))
    return edits.repaint(image, mask, values["prompt"], seed, values.get("style_preset"))


def outpaint(values: Values, seed: int) -> Image.Image:
    margins = (values["left"], values["right"], values["up"], values["down"])
    return edits.outpaint(values["image"].image(), margins, values.get("prompt", ""), seed, values.get("style_preset"))


def search_and_replace(values: Values, seed: int) -> Image.Image:
    image = values["image"].image()
    region = edits.found_region(image.size, values["search_prompt"], values.get("grow_mask", 0))
    return edits.repaint(image, region, values["prompt"], seed, values.get("style_preset"))


def search_and_recolor(values: Values, seed: int) -> Image.Image:
    image = values["image"].image()
    return edits.recolor(image, edits.found_region(image.size, values["select_prompt"], values["grow_mask"]), values["prompt"], seed)


def old_inpaint(values: Values, seed: int) -> Image.Image:
    return search_and_replace(values, seed) if values["mode"] == "search" else inpaint(values, seed)


def remove_background(values: Values, seed: int) -> Image.Image:
    return edits.cut_out(values["image"].image())


def replace_background(values: Values, seed: int) -> Image.Image:
    image = values["subject_image"].image()
    if "background_reference" in values:
        background = values["background_reference"].image()
    else:
        background = scene(values["background_prompt"], seed, image.size, caption=False)
    if values["keep_original_background"] == "true":
        background = image
    return edits.relight(image, background, values.get("light_source_direction"), values["light_source_strength"])


# --- upscale ---------------------------------------------------------------------------------------------------------


def fast(values: Values, seed: int) -> Image.Image:
    image = values["image"]
    return edits.enlarge(image.image(), (4 * image.size[0], 4 * image.size[1]))


def conservative(values: Values, seed: int) -> Image.Image:
    return edits.enlarge(values["image"].image(), in_shape_of(values["image"], 3112**2), values["prompt"])


def creative(values: Values, seed: int) -> Image.Image:
    return edits.enlarge(values["image"].image(), in_shape_of(values["image"], 3152**2), values["prompt"])


# --- control ---------------------------------------------------------------------------------------------------------


def sketch(values: Values, seed: int) -> Image.Image:
    return edits.guided(values["image"].image(), values["prompt"], seed, values["control_strength"], values.get("style_preset"))


def style(values: Values, seed: int) -> Image.Image:
    drawn = scene(values["prompt"], seed, exact_ratio(values["aspect_ratio"]), style=values.get("style_preset"))
    return edits.in_colours_of(drawn, values["image"].image(), values["fidelity"])


def style_transfer(values: Values, seed: int) -> Image.Image:
    image = edits.fitted(values["init_image"].image(), in_shape_of(values["init_image"]))
    return edits.in_colours_of(image, values["style_image"].image(), values["style_strength"])


# --- v1 --------------------------------------------------------------------------------------------------------------


def words(values: Values) -> str:
    """The positive prompts of v1 as one."""
    return ", ".join(one["text"] for one in values["text_prompts"] if one.get("weight", 1) > 0)


def v1_text(values: Values, seed: int) -> Image.Image:
    return scene(words(values), seed, (values["width"], values["height"]), style=values.get("style_preset"))


def v1_image(values: Values, seed: int) -> Image.Image:
    kept = values["image_strength"] if values["init_image_mode"] == "IMAGE_STRENGTH" else 1 - values["step_schedule_start"]
    image = values["init_image"]
    return edits.mix(image.image(), words(values), seed, image.size, 1 - kept, values.get("style_preset"))


def v1_masking(values: Values, seed: int) -> Image.Image:
    image, source = values["init_image"].image(), values["mask_source"]
    mask = None if source == "INIT_IMAGE_ALPHA" else values["mask_image"].image().convert("L")
    if source == "MASK_IMAGE_BLACK":
        mask = mask.point(range(255, -1, -1))
    return edits.repaint(image, edits.mask_for(image, mask, 0), words(values), seed, values.get("style_preset"))


# --- 3D and audio ----------------------------------------------------------------------------------------------------


def fast_3d(values: Values, seed: int) -> bytes:
    limit = values["vertex_count"]
    rings = solids.rings_within(vertices=limit if limit > 0 else math.inf)
    return solids.sphere(values["image"].image(), int(values["texture_resolution"]), rings=rings)


def point_aware_3d(values: Values, seed: int) -> bytes:
    kind, count = values["target_type"], values["target_count"]
    limits = {"vertex": {"vertices": count}, "face": {"triangles": count}}.get(kind, {})
    return solids.sphere(values["image"].image(), int(values["texture_resolution"]), rings=solids.rings_within(**limits))


def text_to_audio(values: Values, seed: int) -> bytes:
    return tunes.text_to_audio(values["prompt"], seed, values["duration"], values["output_format"])


def audio_to_audio(values: Values, seed: int) -> bytes:
    upload, strength = values["audio"].data, values["strength"]
    return tunes.audio_to_audio(values["prompt"], seed, values["duration"], values["output_format"], upload, strength)


def audio_inpaint(values: Values, seed: int) -> bytes:
    span = (values["mask_start"], values["mask_end"])
    return tunes.inpaint(values["prompt"], seed, values["duration"], values["output_format"], values["audio"].data, *span)


OPERATIONS: dict[str, Operation] = {
    "/v1/generation/{engine_id}/text-to-image": Operation(v1_text),
    "/v1/generation/{engine_id}/image-to-image": Operation(v1_image),
    "/v1/generation/{engine_id}/image-to-image/masking": Operation(v1_masking),
    "/v2alpha/generation/stable-image/upscale": Operation(creative, submits=True),
    "/v2alpha/generation/stable-image/inpaint": Operation(old_inpaint),
    "/v2beta/3d/stable-fast-3d": Operation(fast_3d, "model"),
    "/v2beta/3d/stable-point-aware-3d": Operation(point_aware_3d, "model"),
    "/v2beta/audio/stable-audio-2/text-to-audio": Operation(text_to_audio, "audio"),
    "/v2beta/audio/stable-audio-2/audio-to-audio": Operation(audio_to_audio, "audio"),
    "/v2beta/audio/stable-audio-2/inpaint": Operation(audio_inpaint, "audio"),
    "/v2beta/audio/stable-audio/text-to-audio": Operation(text_to_audio, "audio", submits=True),
    "/v2beta/audio/stable-audio/audio-to-audio": Operation(audio_to_audio, "audio", submits=True),
    "/v2beta/audio/stable-audio/inpaint": Operation(audio_inpaint, "audio", submits=True),
    "/v2beta/stable-image/upscale/conservative": Operation(conservative),
    "/v2beta/stable-image/upscale/creative": Operation(creative, submits=True),
    "/v2beta/stable-image/upscale/fast": Operation(fast),
    "/v2beta/stable-image/edit/erase": Operation(erase),
    "/v2beta/stable-image/edit/inpaint": Operation(inpaint),
    "/v2beta/stable-image/edit/outpaint": Operation(outpaint),
    "/v2beta/stable-image/edit/search-and-replace": Operation(search_and_replace),
    "/v2beta/stable-image/edit/search-and-recolor": Operation(search_and_recolor),
    "/v2beta/stable-image/edit/remove-background": Operation(remove_background),
    "/v2beta/stable-image/edit/replace-background-and-relight": Operation(replace_background, submits=True),
    "/v2beta/stable-image/generate/ultra": Operation(ultra),
    "/v2beta/stable-image/generate/core": Operation(core),
    "/v2beta/stable-image/generate/sd3": Operation(sd3),
    "/v2beta/stable-image/control/sketch": Operation(sketch),
    "/v2beta/stable-image/control/structure": Operation(sketch),
    "/v2beta/stable-image/control/style": Operation(style),
    "/v2beta/stable-image/control/style-transfer": Operation(style_transfer),
}
"""Path, as the documents write it → what it makes. Every POST of the contract is here; a test compares."""
