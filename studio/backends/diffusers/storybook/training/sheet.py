"""A contact sheet of random drawn scenes, to look at after a change to the drawing code."""

import argparse

import numpy as np
import scenes
from PIL import Image


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--out", default="sheet.png")
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--style", choices=scenes.STYLES)
    a = ap.parse_args()
    rng, kinds = np.random.default_rng(a.seed), len(scenes.OBJECTS)
    sheet = Image.new("RGB", (8 * 132, 7 * 132), "white")
    for i in range(56):
        s = scenes.random_scene(rng)
        s["style"] = a.style or s["style"]
        s["object"] = scenes.OBJECTS[i % kinds] if i < 3 * kinds else None
        sheet.paste(scenes.draw(s, rng), (i % 8 * 132 + 2, i // 8 * 132 + 2))
    sheet.save(a.out)


if __name__ == "__main__":
    main()
