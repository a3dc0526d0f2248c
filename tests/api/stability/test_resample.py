"""Answers have the size and the format that the client asked for, whatever the engine makes."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from studio.api.models import EngineRoute
from studio.api.stability.asks import Wanted, ask
from studio.api.stability.asks.sizes import BY_RATIO, nearest, of
from studio.api.stability.resample import answer_bytes, encoded
from studio.api.stability.uploads import Picture
from studio.backends.base import SizeRules
from studio.generation import files
from studio.generation.images import ORIENTATION
from studio.generation.models import Artifact
from tests.api.stability.asking import answered, asked, png
from tests.generation.conftest import run

pytestmark = pytest.mark.django_db

CORE, ULTRA, SD3 = (f"stable-image/generate/{name}" for name in ("core", "ultra", "sd3"))


@pytest.fixture
def null_answers():
    for asked_for in (CORE, ULTRA, SD3, "v1/text-to-image", "v1/image-to-image"):
        EngineRoute.objects.create(asked=asked_for, engine="null")


@pytest.fixture
def done(make_job, alice, rich):
    """`done()`: a delivered picture of 64 × 64 pixels, PNG."""

    def make() -> Artifact:
        make_job(alice, rich, num_images=1)
        [job] = run()
        return job.artifacts.get()

    return make


# --- sizes -----------------------------------------------------------------------------------------------------------


def test_how_a_picture_is_turned_is_not_looked_for_in_one_that_is_too_large(settings) -> None:
    """A PNG has to be decoded for that, and may be far larger in memory than it was on its way."""
    turned, data = Image.Exif(), io.BytesIO()
    turned[ORIENTATION] = 6
    Image.new("RGB", (20, 10)).save(data, "PNG", exif=turned)
    picture = Picture.read(data.getvalue())
    assert of(picture) == (10, 20)
    settings.MAX_UPLOAD_PIXELS = 199
    assert of(picture) == (20, 10)


@pytest.mark.parametrize("operation", [CORE, ULTRA, SD3])
@pytest.mark.parametrize("ratio", BY_RATIO)
def test_every_ratio_is_answered_at_its_size(operation: str, ratio: str, rich, alice, bells, hints, null_answers) -> None:
    picture, headers, form = answered(asked(operation, rich, alice, prompt="a cat", aspect_ratio=ratio, output_format="jpeg"), rich, alice)
    width, height = BY_RATIO[ratio]
    assert picture.size == ((width * 3 // 2, height * 3 // 2) if operation == CORE else (width, height))
    assert form == "JPEG"
    assert headers["x-atelier-engine"] == "null"
    assert headers["x-atelier-resampled"] in ("512x512", "640x384", "384x640")


def test_the_tiny_model_is_answered_at_the_size_asked_for(rich, alice, bells, hints) -> None:
    found = asked(CORE, rich, alice, prompt="a red sailboat", aspect_ratio="21:9", output_format="webp", style_preset="anime", seed=5)
    picture, headers, form = answered(found, rich, alice)
    assert (picture.size, form) == ((2304, 960), "WEBP")
    assert headers == {"x-atelier-engine": "storybook", "x-atelier-resampled": "640x384", "x-atelier-ignored": "style_preset"}


@pytest.mark.parametrize(
    ("operation", "given", "size"),
    [
        (ULTRA, {"prompt": "x", "image": png((300, 900)), "strength": 0.5, "aspect_ratio": "16:9"}, (1344, 768)),
        (SD3, {"prompt": "x", "mode": "image-to-image", "image": png((900, 300)), "strength": 0.5}, (1776, 592)),
        ("v1/image-to-image", {"text_prompts": [{"text": "x"}], "init_image": png((1536, 640))}, (1536, 640)),
        ("v1/text-to-image", {"text_prompts": [{"text": "x"}], "width": 640, "height": 1536}, (640, 1536)),
    ],
)
def test_other_pictures_are_answered_at_the_contracts_size(
    operation: str, given: dict[str, object], size: tuple[int, int], rich, alice, bells, hints, null_answers
) -> None:
    picture, headers, _ = answered(asked(operation, rich, alice, **given), rich, alice)
    assert (picture.size, headers["x-atelier-engine"]) == (size, "null")


def test_nothing_of_a_picture_is_lost_on_the_way_to_another_shape(rich, alice, bells, hints) -> None:
    """A hundredth of noise keeps every corner where it is, in its colour."""
    data = png((900, 300))
    found = asked(SD3, rich, alice, prompt="x", mode="image-to-image", image=data, strength=0.05)
    picture, _, _ = answered(found, rich, alice)
    before = Image.open(io.BytesIO(data)).convert("RGB").resize(picture.size)
    for x, y in ((0.08, 0.1), (0.9, 0.1), (0.08, 0.9), (0.9, 0.9), (0.5, 0.5)):
        at = (round(x * picture.width), round(y * picture.height))
        now, then = picture.convert("RGB").getpixel(at), before.getpixel(at)
        assert max(abs(a - b) for a, b in zip(now, then, strict=True)) < 70  # type: ignore[arg-type]


# --- enlarging -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(32, 32), (64, 48), (101, 33)])
def test_fast_is_four_times_each_side(size: tuple[int, int], rich, alice, bells, hints) -> None:
    picture, headers, form = answered(asked("stable-image/upscale/fast", rich, alice, image=png(size), output_format="webp"), rich, alice)
    assert (picture.size, form) == ((4 * size[0], 4 * size[1]), "WEBP")
    assert headers == {"x-atelier-engine": "storybook-upscale"}


def test_v1_enlarges_to_a_width_or_a_height_and_else_twice(rich, alice, bells, hints) -> None:
    image = Picture.read(png((200, 120)))
    for given, size, resampled in (
        ({}, (400, 240), True),
        ({"width": 512}, (512, 307), True),
        ({"height": 600}, (1000, 600), True),
        ({"width": 800}, (800, 480), False),
    ):
        found = ask("v1/upscale", {"image": image, "engine_id": "esrgan-v1-x2plus", **given}, team=rich, user=alice)
        picture, headers, _ = answered(found, rich, alice)
        assert picture.size == size
        assert headers == {"x-atelier-engine": "storybook-upscale"} | ({"x-atelier-resampled": "800x480"} if resampled else {})


def test_what_redraws_is_answered_by_an_upscaler_only_where_the_operator_says_so(rich, alice, bells, hints) -> None:
    EngineRoute.objects.create(asked="stable-image/upscale/creative", engine="storybook-upscale")
    found = asked("stable-image/upscale/creative", rich, alice, image=png((128, 64)), prompt="a cat", negative_prompt="fog", creativity=0.4)
    assert found.request.prompt == ""
    assert found.wanted == Wanted((4456, 2232), "image/png", ("creativity", "prompt", "negative_prompt"))


# --- the answer itself -----------------------------------------------------------------------------------------------


def test_what_fits_is_handed_on_byte_by_byte(done) -> None:
    artifact = done()
    data, headers = answer_bytes(artifact, Wanted((64, 64), "image/png"))
    as_it_comes, _ = answer_bytes(artifact, Wanted(None, "image/png"))
    assert data == as_it_comes == files.read(artifact.variant("original"))
    assert headers == {"x-atelier-engine": "null"}


def test_another_format_alone_is_no_resampling(done) -> None:
    data, headers = answer_bytes(done(), Wanted(None, "image/webp", ("sampler", "style_preset")))
    picture = Image.open(io.BytesIO(data))
    assert (picture.size, picture.format) == ((64, 64), "WEBP")
    assert headers == {"x-atelier-engine": "null", "x-atelier-ignored": "sampler, style_preset"}


def test_a_file_that_is_gone_says_so(done) -> None:
    artifact = done()
    files.delete_artifacts([artifact.id])
    with pytest.raises(FileNotFoundError):
        answer_bytes(artifact, Wanted(None, "image/png"))


def test_jpeg_has_white_for_what_is_clear_and_the_others_keep_it() -> None:
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    pixels = {mime: Image.open(io.BytesIO(encoded(clear, mime))) for mime in ("image/jpeg", "image/png", "image/webp")}
    assert pixels["image/jpeg"].getpixel((3, 3)) == (255, 255, 255)
    assert pixels["image/png"].getpixel((3, 3)) == (0, 0, 0, 0)
    assert pixels["image/webp"].convert("RGBA").getpixel((3, 3))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("wanted", [*BY_RATIO.values(), (512, 512), (3072, 128), (64, 64), (1536, 1536)])
@pytest.mark.parametrize(
    "rules",
    [
        SizeRules((512, 512)),
        SizeRules((1024, 1024), multiple_of=64, minimum=512, maximum=2048),
        SizeRules((512, 512), ((512, 512), (640, 384), (384, 640))),
        SizeRules((512, 512), multiple_of=64, minimum=320, maximum=768, max_pixels=512 * 512),
    ],
)
def test_the_nearest_size_is_one_that_the_engine_makes(wanted: tuple[int, int], rules: SizeRules) -> None:
    width, height = nearest(rules, wanted)
    assert rules.problem(width, height) is None
    assert width * height <= 1.6 * rules.default[0] * rules.default[1]
    assert width >= height if wanted[0] >= wanted[1] else width <= height
