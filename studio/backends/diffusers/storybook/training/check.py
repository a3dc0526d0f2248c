"""Smoke test and speed of an exported folder: text-to-image, image-to-image, inpainting, on the CPU."""

import argparse
import copy
import time
from collections.abc import Callable

import numpy as np
import sample
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline, StableDiffusionPipeline
from PIL import Image, ImageDraw

PROMPT = "a red sailboat on the sea at sunset, watercolor"
COMMON = {"guidance_scale": 4, "num_inference_steps": 20}


def timed(draw: Callable[[], list[Image.Image]], n: int = 2) -> tuple[list[Image.Image], float]:
    """The last result and the seconds of one call, after a first one that does not count."""
    draw()
    start = time.time()
    for _ in range(n):
        result = draw()
    return result, (time.time() - start) / n


def generator(seed: int = 3) -> torch.Generator:
    """A CPU generator."""
    return torch.Generator().manual_seed(seed)


def inpaint_pipeline(pipe: StableDiffusionPipeline) -> StableDiffusionInpaintPipeline:
    """diffusers' inpainting accepts UNets with 4 or 9 input channels only and this one has 16.

    4 merely means "nothing is concatenated to the latents", which is true here, so a shallow copy of the UNet (same weights)
    says 4 in its config.
    """
    unet = copy.copy(pipe.unet)
    unet.register_to_config(in_channels=4)
    inpaint = StableDiffusionInpaintPipeline(**{**pipe.components, "unet": unet}, requires_safety_checker=False)
    inpaint.set_progress_bar_config(disable=True)
    return inpaint


def speed(model: str) -> Image.Image:
    """Print the seconds of one and of four pictures in two number formats; returns the float32 picture."""
    for dtype in (torch.bfloat16, torch.float32):
        start = time.time()
        pipe = sample.load(model, "cpu", dtype)
        load = time.time() - start
        one, s1 = timed(lambda p=pipe: p(PROMPT, generator=generator(), **COMMON).images)
        _, s4 = timed(lambda p=pipe: p([PROMPT] * 4, generator=generator(), **COMMON).images)
        how = f"{COMMON['num_inference_steps']} steps, {torch.get_num_threads()} threads"
        print(f"{dtype}, {how}: load {load:.1f} s, one picture {s1:.2f} s, four pictures {s4:.2f} s")
    return one[0]


def variations(pipe: StableDiffusionPipeline, base: Image.Image) -> list[Image.Image]:
    """Image to image at three strengths: keep the layout, change the hour and the style."""
    i2i = StableDiffusionImg2ImgPipeline(**pipe.components, requires_safety_checker=False)
    i2i.set_progress_bar_config(disable=True)
    prompt = "a red sailboat on the sea at night, flat illustration"
    return [i2i(prompt, image=base, strength=s, generator=generator(), **COMMON).images[0] for s in (0.3, 0.6, 0.9)]


def repaint(pipe: StableDiffusionPipeline) -> list[Image.Image]:
    """Inpainting: a tree on the left, then a house into the right half; prints how much changed outside and inside the mask."""
    scene = pipe("a green tree on the left, hills, sunny day, flat illustration", generator=generator(5), **COMMON).images[0]
    mask = Image.new("L", scene.size, 0)
    ImageDraw.Draw(mask).rectangle([64, 48, 127, 127], fill=255)
    words = "a red house on the right, hills, sunny day, flat illustration"
    how = {**COMMON, "strength": 1.0, "height": 128, "width": 128}
    raw = inpaint_pipeline(pipe)(words, image=scene, mask_image=mask, generator=generator(1), **how).images[0]
    composite = Image.composite(raw, scene, mask)
    outside = np.asarray(mask) == 0
    a, b, c = (np.asarray(im, int) for im in (scene, raw, composite))
    print(
        f"inpaint: mean |difference| outside the mask {np.abs(b - a)[outside].mean():.2f}, composited "
        f"{np.abs(c - a)[outside].max()}; inside {np.abs(c - a)[~outside].mean():.2f}"
    )
    return [scene, mask.convert("RGB"), raw, composite]


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--model", default="run/model")
    ap.add_argument("--out", default="check.png")
    ap.add_argument("--steps", type=int, default=20)
    a = ap.parse_args()
    COMMON["num_inference_steps"] = a.steps
    base = speed(a.model)
    pipe = sample.load(a.model, "cpu")
    pictures = [base, *variations(pipe, base), *repaint(pipe)]
    row = Image.new("RGB", (len(pictures) * 132, 132), "white")
    for i, im in enumerate(pictures):
        row.paste(im, (i * 132 + 2, 2))
    row.save(a.out)


if __name__ == "__main__":
    main()
