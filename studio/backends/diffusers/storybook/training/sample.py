"""Draw prompts with an exported pipeline and lay them out as a contact sheet with the prompt under each picture."""

import argparse
import textwrap
import time

import common
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw, ImageFont

PROMPTS = [
    "a red sailboat on the sea at sunset, watercolor",
    "a cute orange cat in a meadow",
    "a robot in the city at night, neon",
    "a hot air balloon over the mountains at dawn",
    "pixel art of a blue house in a forest at night",
    "a castle on a hill under the northern lights",
    "pencil sketch of a lighthouse by the sea",
    "a green cactus in the desert at sunset",
    "a yellow tent in the forest, starry night",
    "a pink flower in spring, watercolor",
    "a rocket over the desert, pixel art",
    "a snowman with a blue scarf in the mountains in winter",
    "a white dog on the beach, sunny day",
    "a purple mushroom in the woods, neon glow",
    "a red car in the city at dusk",
    "a windmill in autumn, watercolor painting",
    "mountains at sunset",
    "the sea at night with a full moon",
    "a green tree on the left, hills, summer",
    "a blue boat on the right, lake, mountains, dawn",
    "a yellow robot in the desert, 8-bit",
    "a kitten in the snow at night",
    "a purple castle on the left, forest, dawn, watercolor",
    "a dog on the right, pencil drawing",
]


def load(path: str, device: str = "auto", dtype: torch.dtype = torch.float32) -> StableDiffusionPipeline:
    """An exported folder as a quiet pipeline."""
    pipe = StableDiffusionPipeline.from_pretrained(path, dtype=dtype).to(common.pick_device(device))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def sheet(pictures: list[Image.Image], prompts: list[str], columns: int = 6, cell: int = 192) -> Image.Image:
    """A contact sheet, `cell` pixels a picture."""
    font = ImageFont.load_default(12)
    rows = -(-len(pictures) // columns)
    out = Image.new("RGB", (columns * (cell + 12) + 12, rows * (cell + 46) + 12), (250, 249, 246))
    d = ImageDraw.Draw(out)
    for i, (im, p) in enumerate(zip(pictures, prompts, strict=True)):
        x, y = 12 + i % columns * (cell + 12), 12 + i // columns * (cell + 46)
        out.paste(im.resize((cell, cell), Image.LANCZOS), (x, y))
        for k, line in enumerate(textwrap.wrap(p, 32)[:2]):
            d.text((x, y + cell + 4 + 14 * k), line, fill=(70, 66, 74), font=font)
    return out


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--model", default="run/model")
    ap.add_argument("--out", default="samples.webp")
    ap.add_argument("--steps", type=int, default=20)
    ap.add_argument("--cfg", type=float, default=4.0)
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--device", default="auto")
    ap.add_argument("prompts", nargs="*")
    a = ap.parse_args()
    pipe = load(a.model, a.device)
    prompts, start, pictures = a.prompts or PROMPTS, time.time(), []
    for i in range(0, len(prompts), 8):
        part = prompts[i : i + 8]
        generators = [torch.Generator().manual_seed(a.seed + i + k) for k in range(len(part))]
        with common.autocast(pipe.device):
            done = pipe(part, num_inference_steps=a.steps, guidance_scale=a.cfg, height=128, width=128, generator=generators)
        pictures += done.images
    print(f"{(time.time() - start) / len(prompts):.2f} s per picture")
    sheet(pictures, prompts).save(a.out, quality=92)


if __name__ == "__main__":
    main()
