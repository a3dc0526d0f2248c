"""What the edit, control and upscale endpoints do to a picture: plainly visible, and only where they may.

Pictures are RGB or RGBA. Masks are L: white is edited, black is kept, gray in between (API.md 2.6).
"""

from __future__ import annotations

import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps, ImageStat

from tests.stability_server.media.scenes import Size, colour, font, hue_of, scene

PAINTED = 3
"""How often the surroundings are smeared over what is erased."""


def mask_for(picture: Image.Image, mask: Image.Image | None, grow: float) -> Image.Image:
    """The mask of an edit: the explicit one, resized to the picture, or else what is transparent in the picture.

    It is grown by soft edges, `grow` pixels outwards.
    """
    if mask is not None:
        found = mask.convert("L").resize(picture.size)
    elif "A" in picture.getbands():
        found = ImageOps.invert(picture.getchannel("A"))
    else:
        return Image.new("L", picture.size, 0)
    return ImageChops.lighter(found, found.filter(ImageFilter.BoxBlur(grow))) if grow else found


def repaint(picture: Image.Image, mask: Image.Image, prompt: str, seed: int, style: str | None) -> Image.Image:
    """Inpaint: a scene of the prompt inside the mask, every other pixel as it was."""
    return Image.composite(scene(prompt, seed, picture.size, style=style), picture.convert("RGB"), mask)


def erase(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """The masked part filled with its surroundings."""
    plain = picture.convert("RGB")
    kept = ImageOps.invert(mask)
    mean = tuple(round(value) for value in ImageStat.Stat(plain, mask=kept if kept.getbbox() else None).mean)
    filled = Image.composite(Image.new("RGB", plain.size, mean), plain, mask)
    for _ in range(PAINTED):
        filled = Image.composite(filled.filter(ImageFilter.BoxBlur(max(plain.size) / 12)), plain, mask)
    return filled


def mix(picture: Image.Image, prompt: str, seed: int, size: Size, share: float, style: str | None) -> Image.Image:
    """Image-to-image: the picture at share 0, the prompt alone at share 1."""
    return Image.blend(fitted(picture, size), scene(prompt, seed, size, style=style), share)


def fitted(picture: Image.Image, size: Size) -> Image.Image:
    plain = picture.convert("RGB")
    return plain if plain.size == size else ImageOps.fit(plain, size)


def outpaint(picture: Image.Image, margins: tuple[int, int, int, int], prompt: str, seed: int, style: str | None) -> Image.Image:
    """Margins (left, right, up, down) of blurred surroundings and scene around the untouched picture."""
    left, right, up, down = margins
    size = (picture.width + left + right, picture.height + up + down)
    around = fitted(picture, size).filter(ImageFilter.GaussianBlur(24))
    canvas = Image.blend(around, scene(prompt, seed, size, style=style, caption=False), 0.55)
    canvas.paste(picture.convert("RGB"), (left, up))
    return canvas


def found_region(size: Size, words: str, grow: float = 0) -> Image.Image:
    """Where something that is searched for is taken to be: an ellipse that depends on the words only."""
    rng = random.Random(words)
    width, height = size
    x, y = rng.uniform(0.35, 0.65) * width, rng.uniform(0.35, 0.65) * height
    across, down = 0.24 * width + grow, 0.24 * height + grow
    region = Image.new("L", size, 0)
    ImageDraw.Draw(region).ellipse((x - across, y - down, x + across, y + down), fill=255)
    return region


def recolor(picture: Image.Image, region: Image.Image, prompt: str, seed: int) -> Image.Image:
    """Tint a region, lights and shadows kept."""
    swatch = colour(hue_of(prompt, random.Random(f"{prompt}|{seed}")), 0.8, 0.8)
    tinted = ImageOps.colorize(ImageOps.grayscale(picture), (0, 0, 0), (255, 255, 255), mid=swatch)
    return Image.composite(tinted, picture.convert("RGB"), region)


def subject(picture: Image.Image) -> Image.Image:
    """The alpha of what stands before the background: what differs from the picture's own edge, or an ellipse where nothing does."""
    if "A" in picture.getbands() and picture.getchannel("A").getextrema()[0] < 255:
        return picture.getchannel("A")
    plain = picture.convert("RGB")
    rim = plain.resize((32, 32))
    edge = [rim.getpixel((x, y)) for x in range(32) for y in (0, 31)] + [rim.getpixel((x, y)) for y in range(32) for x in (0, 31)]
    middle = tuple(sorted(channel)[len(edge) // 2] for channel in zip(*edge, strict=True))
    difference = ImageChops.difference(plain, Image.new("RGB", plain.size, middle)).convert("L")
    alpha = difference.point([min(255, max(0, (level - 24) * 8)) for level in range(256)]).filter(ImageFilter.MedianFilter(3))
    alpha = alpha.filter(ImageFilter.GaussianBlur(1))
    share = ImageStat.Stat(alpha).mean[0] / 255
    return alpha if 0.02 < share < 0.98 else found_region(plain.size, "").filter(ImageFilter.GaussianBlur(1))


def cut_out(picture: Image.Image) -> Image.Image:
    result = picture.convert("RGBA")
    result.putalpha(subject(picture))
    return result


def relight(picture: Image.Image, background: Image.Image, direction: str | None, strength: float) -> Image.Image:
    """The subject before a new background, lit from one side."""
    result = Image.composite(picture.convert("RGB"), fitted(background, picture.size), subject(picture))
    if direction is None:
        return result
    turns = {"above": 180, "below": 0, "left": 270, "right": 90}
    light = Image.linear_gradient("L").rotate(turns[direction]).resize(result.size)
    lit = ImageChops.overlay(result, Image.merge("RGB", (light,) * 3))
    return Image.blend(result, lit, strength)


def guided(picture: Image.Image, prompt: str, seed: int, strength: float, style: str | None) -> Image.Image:
    """Control: the lines of the picture drawn into a scene of the prompt."""
    lines = ImageOps.grayscale(picture).filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.FIND_EDGES)
    lines = ImageOps.autocontrast(lines, cutoff=2).point([round(level * strength) for level in range(256)])
    made = scene(prompt, seed, picture.size, style=style)
    return Image.composite(Image.new("RGB", made.size, (16, 16, 20)), made, lines)


def in_colours_of(picture: Image.Image, other: Image.Image, share: float) -> Image.Image:
    """The picture with the mean and spread of each colour channel of another one."""
    plain, goal = picture.convert("RGB"), ImageStat.Stat(other.convert("RGB"))
    own = ImageStat.Stat(plain)
    channels = []
    for place, channel in enumerate(plain.split()):
        gain = min(4.0, goal.stddev[place] / max(own.stddev[place], 1))
        curve = [round(min(255, max(0, (level - own.mean[place]) * gain + goal.mean[place]))) for level in range(256)]
        channels.append(channel.point(curve))
    return Image.blend(plain, Image.merge("RGB", channels), share)


def enlarge(picture: Image.Image, size: Size, label: str = "") -> Image.Image:
    """Upscale; a label is written small into a corner."""
    large = picture.resize(size, Image.Resampling.LANCZOS if max(size) < 2048 else Image.Resampling.BICUBIC)
    if label:
        points = max(10, min(size) // 60)
        ImageDraw.Draw(large).text((points, points), label, (250, 250, 248), font=font(points), stroke_width=1, stroke_fill=(0, 0, 0))
    return large


def blurred(picture: Image.Image) -> Image.Image:
    """What the content filter leaves of a picture."""
    return picture.filter(ImageFilter.GaussianBlur(max(8, min(picture.size) // 16)))
