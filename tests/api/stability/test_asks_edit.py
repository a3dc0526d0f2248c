"""Pictures that are changed: where, how far outwards, and at which size they come back."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

from studio.api.models import EngineRoute
from studio.api.stability.asks import CannotDo, FieldRefused, Wanted
from studio.backends.base import Mode
from studio.generation import files
from tests.api.stability.asking import answered, asked, encoded, mask, png

pytestmark = pytest.mark.django_db

ERASE, INPAINT, OUTPAINT = (f"stable-image/edit/{name}" for name in ("erase", "inpaint", "outpaint"))
SIZE, BOX = (900, 400), (300, 100, 600, 300)


def source(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def changed(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    """The box of all pixels that differ at all."""
    return ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox()


@pytest.fixture
def null_answers():
    """The operator has the test card answer all edits."""
    for operation in (ERASE, INPAINT, OUTPAINT, "v1/masking"):
        EngineRoute.objects.create(asked=operation, engine="null")


# --- the tiny model, for real ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", [ERASE, INPAINT])
def test_the_tiny_model_changes_what_is_white_and_nothing_else(operation: str, rich, alice, bells, hints) -> None:
    data = png(SIZE)
    words = {"prompt": "a castle"} if operation == INPAINT else {}
    found = asked(operation, rich, alice, image=data, mask=mask(SIZE, BOX), grow_mask=0, seed=4, **words)
    picture, headers, form = answered(found, rich, alice)
    # Of what is taken out half may change: its surroundings are there already. What is painted anew comes from noise.
    assert found.request.strength == (0.5 if operation == ERASE else None)
    box = changed(source(data), picture)
    assert (picture.size, form) == (SIZE, "PNG")
    assert box is not None
    assert (box[0] >= 300, box[1] >= 100, box[2] <= 600, box[3] <= 300) == (True,) * 4
    assert (box[2] - box[0]) * (box[3] - box[1]) > 0.8 * 300 * 200
    assert headers == {"x-atelier-engine": "storybook", "x-atelier-resampled": "640x384"}


def test_the_tiny_model_draws_beyond_the_edges(rich, alice, bells, hints) -> None:
    data = png((400, 300))
    found = asked(OUTPAINT, rich, alice, image=data, left=120, up=50, right=7, output_format="webp", prompt="sea")
    picture, headers, form = answered(found, rich, alice)
    assert (picture.size, form) == ((527, 350), "WEBP")
    assert found.request.mode == Mode.INPAINTING
    assert found.request.strength == 0.65
    inner = picture.convert("RGB").crop((120, 50, 520, 350))
    drift = ImageChops.difference(source(data), inner).convert("L")
    assert sum(level * count for level, count in enumerate(drift.histogram())) / (400 * 300) < 6  # WebP is not exact
    assert headers["x-atelier-engine"] == "storybook"


def test_outpaint_keeps_the_picture_exactly(rich, alice, bells, hints, null_answers) -> None:
    data = png((400, 300))
    picture, _, _ = answered(asked(OUTPAINT, rich, alice, image=data, left=33, down=50), rich, alice)
    assert picture.size == (433, 350)
    assert changed(source(data), picture.crop((33, 0, 433, 300))) is None
    assert len(picture.crop((0, 0, 33, 350)).convert("RGB").getcolors(99999) or []) > 1


# --- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(64, 64), (512, 512), (1000, 400), (400, 1000), (1537, 1023), (640, 384)])
@pytest.mark.parametrize("operation", [ERASE, INPAINT])
def test_an_edit_has_the_size_of_its_picture(operation: str, size: tuple[int, int], rich, alice, bells, hints, null_answers) -> None:
    data, box = png(size), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2)
    words = {"prompt": "a castle"} if operation == INPAINT else {}
    found = asked(operation, rich, alice, image=data, mask=mask(size, box), grow_mask=0, **words)
    picture, headers, _ = answered(found, rich, alice)
    assert picture.size == size
    assert changed(source(data), picture) == box
    assert headers["x-atelier-engine"] == "null"


# --- masks -----------------------------------------------------------------------------------------------------------


def test_a_mask_grows_by_pixels_of_the_picture(rich, alice, bells, hints, null_answers) -> None:
    data = png(SIZE)
    for grow, box in ((0, BOX), (5, (295, 95, 605, 305)), (17, (283, 83, 617, 317)), (100, (200, 0, 700, 400))):
        found = asked(INPAINT, rich, alice, prompt="x", image=data, mask=mask(SIZE, BOX), grow_mask=grow)
        picture, _, _ = answered(found, rich, alice)
        assert changed(source(data), picture) == box


def test_a_mask_of_another_size_is_stretched_over_the_picture(rich, alice, bells, hints, null_answers) -> None:
    data = png(SIZE)
    found = asked(INPAINT, rich, alice, prompt="x", image=data, mask=mask((90, 80), (30, 20, 60, 60)), grow_mask=0)
    picture, _, _ = answered(found, rich, alice)
    left, top, right, bottom = changed(source(data), picture) or (0, 0, 0, 0)
    assert max(abs(left - 300), abs(top - 100), abs(right - 600), abs(bottom - 300)) <= 6


def test_without_a_mask_what_is_transparent_changes_and_an_explicit_one_wins(rich, alice, bells, hints, null_answers) -> None:
    data = png(SIZE, clear=BOX)
    by_alpha, _, _ = answered(asked(INPAINT, rich, alice, prompt="x", image=data, grow_mask=0), rich, alice)
    by_mask, _, _ = answered(asked(INPAINT, rich, alice, prompt="x", image=data, mask=mask(SIZE, (0, 0, 50, 60)), grow_mask=0), rich, alice)
    assert by_alpha.mode == "RGB"
    assert changed(source(png(SIZE)), by_alpha) == BOX
    assert by_mask.mode == "RGBA"  # what was transparent beside the mask still is
    assert by_mask.getchannel("A").crop(BOX).getextrema() == (0, 0)
    assert changed(source(data), by_mask) == (0, 0, 50, 60)


def test_grey_changes_in_part(rich, alice, bells, hints, null_answers) -> None:
    data = png((512, 512))
    grey = Image.new("L", (512, 512), 0)
    grey.paste(255, (0, 0, 256, 512))
    grey.paste(64, (256, 0, 512, 512))
    found = asked(INPAINT, rich, alice, prompt="x", image=data, mask=encoded(grey), grow_mask=0, seed=3)
    picture, _, _ = answered(found, rich, alice)
    full, _, _ = answered(asked(INPAINT, rich, alice, prompt="x", image=data, mask=mask((512, 512), (0, 0, 512, 512)), seed=3), rich, alice)
    for x, share in ((10, 1.0), (500, 0.25)):
        for band in range(3):
            before, made, now = (one.convert("RGB").getpixel((x, 200))[band] for one in (source(data), full, picture))
            assert abs(before + share * (made - before) - now) <= 2


@pytest.mark.parametrize("operation", [ERASE, INPAINT])
def test_a_mask_that_marks_nothing_is_refused(operation: str, team, alice) -> None:
    words = {"prompt": "a castle"} if operation == INPAINT else {}
    for given in ({}, {"mask": mask(SIZE, (0, 0, 0, 0))}):
        with pytest.raises(FieldRefused) as told:
            asked(operation, team, alice, image=png(SIZE), **given, **words)
        assert told.value.field == "mask"


def test_v1_says_with_the_mask_what_changes(rich, alice, bells, hints, null_answers) -> None:
    data = png((1152, 896))
    box = (100, 200, 900, 700)
    ways = {
        "MASK_IMAGE_WHITE": {"init_image": data, "mask_image": mask((1152, 896), box)},
        "MASK_IMAGE_BLACK": {"init_image": data, "mask_image": mask((1152, 896), box, black=True)},
        "INIT_IMAGE_ALPHA": {"init_image": png((1152, 896), clear=box)},
    }
    for way, given in ways.items():
        found = asked("v1/masking", rich, alice, text_prompts=[{"text": "x"}], mask_source=way, **given)
        picture, _, form = answered(found, rich, alice)
        assert (picture.size, form) == ((1152, 896), "PNG")
        assert changed(source(data), picture) == box


def test_v1_misses_a_mask(team, alice) -> None:
    with pytest.raises(FieldRefused) as told:
        asked("v1/masking", team, alice, text_prompts=[{"text": "x"}], mask_source="MASK_IMAGE_WHITE", init_image=png((1024, 1024)))
    assert (told.value.field, told.value.sentence) == ("mask_image", "is required when mask_source is MASK_IMAGE_WHITE or MASK_IMAGE_BLACK")


def test_a_picture_that_lies_on_its_side_is_answered_upright(rich, alice, bells, hints, null_answers) -> None:
    upright = Image.open(io.BytesIO(png((300, 500))))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", exif=exif)
    found = asked(INPAINT, rich, alice, prompt="x", image=buffer.getvalue(), mask=mask((300, 500), (50, 100, 200, 300)), grow_mask=0)
    picture, _, _ = answered(found, rich, alice)
    assert picture.size == (300, 500)
    assert changed(upright, picture) == (50, 100, 200, 300)


# --- what is refused -------------------------------------------------------------------------------------------------


def test_what_is_too_large_or_too_long_is_refused_before_anything_is_stored(team, alice) -> None:
    with pytest.raises(CannotDo) as large:
        asked(OUTPAINT, team, alice, image=png((2000, 2000)), left=2000, right=2000, up=2000, down=2000)
    with pytest.raises(CannotDo) as long:
        asked(ERASE, team, alice, image=png((9000, 64)), mask=mask((9000, 64), (0, 0, 64, 64)))
    assert large.value.sentence == "6000 × 6000 pixels are more than this studio makes. Ask for 25,000,000 at most."
    assert long.value.sentence.startswith("Storybook, which answers this here, cannot take a picture of 9000 × 64 pixels")


def test_what_hides_under_transparency_is_not_kept(team, alice) -> None:
    picture = Image.new("RGBA", (600, 400), (200, 180, 90, 255))
    picture.paste((255, 0, 255, 0), (100, 100, 300, 300))
    found = asked(INPAINT, team, alice, prompt="x", image=encoded(picture), grow_mask=0)
    kept = source(files.read(found.inputs["image"].file))
    assert kept.size == (600, 400)
    assert all(
        abs(low - value) <= 2 and abs(high - value) <= 2 for (low, high), value in zip(kept.getextrema(), (200, 180, 90), strict=True)
    )
    assert found.wanted == Wanted((600, 400), "image/png", keeps=True)
