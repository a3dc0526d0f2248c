"""Which part of a picture changes, as the studio's engines read it: L, white changes, black stays, grey in between (API.md 2.6)."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageOps

from studio.api.stability.asks import pictures
from studio.api.stability.asks.sizes import Size
from studio.api.stability.asks.wishes import Mask
from studio.api.stability.errors import FieldRefused

NOTHING = "nothing is marked: what shall change must be white in the mask, or transparent in the picture"


def mask_of(mask: Mask, picture: Image.Image) -> Image.Image:
    """The mask at the picture's size. Raises `FieldRefused` where neither it nor the picture's transparency says what changes."""
    if mask.clear != "alpha" and mask.data is not None:
        given = pictures.opened(mask.data, mask.field_name)
        if given.mode == "RGBA":  # what is transparent in a mask says nothing
            paper = Image.new("RGBA", given.size, "white" if mask.clear == "black" else "black")
            given = Image.alpha_composite(paper, given)
        found = given.convert("L")
        found = found if found.size == picture.size else found.resize(picture.size, Image.Resampling.BILINEAR)
        return ImageOps.invert(found) if mask.clear == "black" else found
    if picture.mode == "RGBA":
        return ImageOps.invert(picture.getchannel("A"))
    raise FieldRefused(mask.field_name, NOTHING)


def is_clear(picture: Image.Image) -> bool:
    """Whether it is transparent somewhere."""
    return picture.mode == "RGBA" and bool(picture.getchannel("A").histogram()[255] < picture.width * picture.height)


def grown(mask: Image.Image, pixels: int) -> Image.Image:
    """The mask moved outwards on all sides. Each round reaches three times as far as the one before, so that 100 pixels take six."""
    for across in (True, False):
        reach = 0
        while reach < pixels:
            step = min(2 * reach + 1, pixels - reach)
            x, y = (step, 0) if across else (0, step)
            # What is cut from beyond an edge is black: a mask moved that way.
            moved = [mask.crop((sign * x, sign * y, sign * x + mask.width, sign * y + mask.height)) for sign in (1, -1)]
            mask = ImageChops.lighter(mask, ImageChops.lighter(*moved))
            reach += step
    return mask


def in_middle(mask: Image.Image, size: Size) -> Image.Image:
    """The mask in the middle of a larger one that stays as it is beyond it, as `pictures.in_middle` draws the picture out."""
    whole = Image.new("L", size, 0)
    whole.paste(mask, ((size[0] - mask.width) // 2, (size[1] - mask.height) // 2))
    return whole


def filled(picture: Image.Image, mask: Image.Image) -> Image.Image:
    """The picture with what is masked drawn over by its surroundings, softly: near the edge what is there, farther in what is about.

    The picture is halved until little is left, each time as the mean of what is kept, and put together again from the coarsest up.
    """
    layers = [picture.convert("RGB")]
    layers[0].putalpha(ImageOps.invert(mask))
    while max(layers[-1].size) > 1:
        width, height = layers[-1].size
        layers.append(layers[-1].resize((max(1, width // 2), max(1, height // 2)), Image.Resampling.BOX))
    whole = layers.pop().convert("RGB")
    for layer in reversed(layers):
        whole = whole.resize(layer.size, Image.Resampling.BILINEAR)
        whole.paste(layer.convert("RGB"), (0, 0), layer.getchannel("A"))
    return whole


def beyond(size: Size, margins: pictures.Margins) -> Image.Image:
    """The mask of margins round a picture of this size."""
    left, right, up, down = margins
    mask = Image.new("L", (size[0] + left + right, size[1] + up + down), 255)
    mask.paste(0, (left, up, left + size[0], up + size[1]))
    return mask
