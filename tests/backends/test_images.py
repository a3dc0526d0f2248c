"""Pictures on their way in and out."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from studio.backends.diffusers import images
from studio.backends.errors import InvalidRequest
from tests.backends.conftest import difference, png


def mask_with(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (512, 512)) -> Image.Image:
    mask = Image.new("L", size, 0)
    for box in boxes:
        ImageDraw.Draw(mask).rectangle(box, fill=255)
    return mask


def test_a_soft_edge_lies_inside_the_mask() -> None:
    mask = mask_with((100, 100, 399, 399))
    soft = images.feather(mask)
    assert [soft.getpixel((x, 250)) for x in (99, 250, 400)] == [0, 255, 0]
    edge = [soft.getpixel((x, 250)) for x in range(100, 112)]
    assert edge == sorted(edge)  # type: ignore[type-var]
    assert edge[0] < 100  # type: ignore[operator]
    assert edge[-1] == 255


def test_thin_strokes_keep_their_full_weight() -> None:
    soft = images.feather(mask_with((100, 100, 399, 102)))
    assert [soft.getpixel((250, y)) for y in (99, 100, 101, 102, 103)] == [0, 255, 255, 255, 0]


def test_a_mask_with_a_soft_edge_of_its_own_is_taken_as_it_is() -> None:
    soft = Image.linear_gradient("L").resize((512, 512))
    assert images.feather(soft).tobytes() == soft.tobytes()


def test_every_cell_that_the_mask_touches_is_drawn_anew() -> None:
    small = images.mask_for_model(mask_with((40, 40, 40, 40), (508, 0, 511, 3)), (128, 128), 8)
    assert small.size == (128, 128)
    white = {(x // 8, y // 8) for x in range(128) for y in range(128) if small.getpixel((x, y)) == 255}
    assert white == {(1, 1), (15, 0)}


def test_the_crop_is_even_and_the_same_for_picture_and_mask() -> None:
    picture = Image.new("RGB", (800, 400), "black")
    ImageDraw.Draw(picture).rectangle((400, 0, 799, 399), fill="white")
    mask = mask_with((100, 0, 199, 199), size=(400, 200))  # half the picture's size, painted from 1/4 to 1/2
    source = images.read_source(png(picture), png(mask), (200, 200), masked=True)
    assert source.picture.size == (200, 200)
    assert source.mask is not None
    assert [source.picture.getpixel((x, 100)) for x in (90, 110)] == [(0, 0, 0), (255, 255, 255)]
    assert [source.mask.getpixel((x, 100)) for x in (10, 90, 110)] == [255, 255, 0]


def test_a_picture_that_fits_is_not_touched() -> None:
    picture = Image.effect_noise((128, 128), 80).convert("RGB")
    source = images.read_source(png(picture), None, (128, 128), masked=False)
    assert difference(source.picture, picture) == (0, 0.0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_pixels(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (20, 30)).save(buffer, "TIFF" if mode == "CMYK" else "PNG")
    assert images.read_source(buffer.getvalue(), None, (64, 64), masked=False).picture.mode == "RGB"


def test_a_mask_drawn_on_a_transparent_layer() -> None:
    layer = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    ImageDraw.Draw(layer).rectangle((0, 0, 31, 63), fill=(255, 255, 255, 255))
    source = images.read_source(png(Image.new("RGB", (64, 64))), png(layer), (64, 64), masked=True)
    assert source.mask is not None
    assert (source.mask.getpixel((10, 30)), source.mask.getpixel((50, 30))) == (255, 0)


def test_a_picture_of_many_pixels_is_refused_before_it_is_decoded() -> None:
    bomb = Image.new("1", (9000, 9000))
    with pytest.raises(InvalidRequest, match=r"The picture is too big: 9000 × 9000 pixels\."):
        images.read_picture(png(bomb))


def test_a_cut_off_file_is_refused() -> None:
    whole = png(Image.effect_noise((200, 200), 90))
    with pytest.raises(InvalidRequest, match="cannot be read as an image"):
        images.read_picture(whole[: len(whole) // 2])
