"""An operation that another engine of Stability answers, because the operator says so: its words, its sizes, and the answer as it was
asked for."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

from studio.api.models import EngineRoute
from studio.api.stability.asks import Ask, NoEngine, Wanted, ask
from studio.api.stability.uploads import Picture
from studio.backends.base import Mode
from tests.api.stability.asking import answered, asked, mask, png
from tests.api.stability.test_asks_round_trip import calls

pytestmark = pytest.mark.django_db

SDXL = "stable-diffusion-xl-1024-v1-0"
SIZE, BOX = (900, 400), (300, 100, 600, 300)


def sent(found: Ask) -> dict[str, str]:
    [call] = calls(found)
    return dict(call.fields)


@pytest.fixture
def route():
    return lambda asked_for, engine: EngineRoute.objects.create(asked=asked_for, engine=engine)


def test_core_by_ultra_has_cores_size(stability, route, team, alice) -> None:
    route("stable-image/generate/core", "stable-image-ultra")
    found = asked(
        "stable-image/generate/core", team, alice, prompt="a cat", aspect_ratio="16:9", style_preset="anime", output_format="webp"
    )
    form = sent(found)
    assert (form["aspect_ratio"], form["style_preset"], form["output_format"]) == ("16:9", "anime", "webp")
    assert found.wanted == Wanted((2016, 1152), "image/webp")


def test_v1_by_an_engine_that_knows_shapes_only(stability, route, team, alice) -> None:
    route("v1/text-to-image", "sd3.5-medium")
    prompts = [{"text": "a cat"}, {"text": "fog", "weight": -1}]
    found = asked("v1/text-to-image", team, alice, text_prompts=prompts, width=768, height=1344, steps=20, cfg_scale=12, sampler="DDIM")
    form = sent(found)
    assert (form["prompt"], form["negative_prompt"], form["aspect_ratio"], form["cfg_scale"]) == ("a cat", "fog", "9:16", "10")
    assert found.wanted == Wanted((768, 1344), "image/png", ("steps", "sampler"))


def test_inpaint_by_an_engine_of_few_sizes_shows_it_the_whole_picture(stability, route, team, alice) -> None:
    route("stable-image/edit/inpaint", SDXL)
    found = asked("stable-image/edit/inpaint", team, alice, prompt="x", image=png(SIZE), mask=mask(SIZE, BOX), grow_mask=0)
    [call] = calls(found)
    files = {file.name: Image.open(io.BytesIO(file.data)) for file in call.files}
    assert (found.request.width, found.request.height) == (1536, 640)
    assert {name: picture.size for name, picture in files.items()} == {"init_image": (1536, 640), "mask_image": (1536, 640)}
    left, top, right, bottom = files["mask_image"].point(lambda level: 255 * (level > 127)).getbbox() or (0, 0, 0, 0)
    scale = 640 / 400
    middle = (1536 - 900 * scale) / 2
    for found_at, expected in ((left, 300 * scale + middle), (top, 100 * scale), (right, 600 * scale + middle), (bottom, 300 * scale)):
        assert abs(found_at - expected) <= 2
    assert found.wanted == Wanted(SIZE, "image/png", keeps=True)


def test_erase_and_outpaint_by_inpaint_say_what_they_have_no_words_for(stability, route, team, alice) -> None:
    route("stable-image/edit/erase", "stable-image-inpaint")
    route("stable-image/edit/outpaint", "stable-image-inpaint")
    erased = asked("stable-image/edit/erase", team, alice, image=png(SIZE), mask=mask(SIZE, BOX), grow_mask=7)
    grown = asked("stable-image/edit/outpaint", team, alice, image=png(SIZE), left=100, prompt="the sea (calm)", creativity=0.9)
    assert (sent(erased)["prompt"], sent(erased)["grow_mask"]) == ("the background, nothing else", "7")
    assert sent(grown)["prompt"] == "the sea (calm)"
    assert (grown.inputs["image"].width, grown.inputs["mask_image"].width) == (1000, 1000)
    assert (erased.wanted, grown.wanted) == (
        Wanted(SIZE, "image/png", keeps=True),
        Wanted((1000, 400), "image/png", keeps=True),
    )


def test_v1s_upscale_is_made_by_fast_whatever_the_picture(stability, team, alice) -> None:
    for size, taken, factor in (((200, 100), (200, 100), {"width": 512}), ((1400, 1300), (1062, 986), {})):
        values = {"image": Picture.read(png(size)), "engine_id": "esrgan-v1-x2plus", **factor}
        found = ask("v1/upscale", values, team=team, user=alice)
        [call] = calls(found)
        assert call.path == "/v2beta/stable-image/upscale/fast"
        assert (found.inputs["image"].width, found.inputs["image"].height) == taken
        assert found.wanted.size == ((512, 256) if factor else (2800, 2600))


def test_an_engine_that_starts_from_no_picture_says_so(stability, route, team, alice) -> None:
    route("stable-image/generate/ultra", "stable-image-core")
    assert asked("stable-image/generate/ultra", team, alice, prompt="x").request.mode == Mode.TEXT_TO_IMAGE
    with pytest.raises(NoEngine) as told:
        asked("stable-image/generate/ultra", team, alice, prompt="x", image=png(SIZE), strength=0.5)
    assert told.value.sentence.startswith("Stable Image Core, which answers this here, does not do that.")


def test_what_the_provider_makes_is_handed_on_and_else_brought_to_size(provider, route, rich, alice, bells, hints) -> None:
    """With the stand-in of the provider behind it."""
    own = asked("stable-image/edit/inpaint", rich, alice, prompt="a red boat", image=png(SIZE), mask=mask(SIZE, BOX), output_format="webp")
    picture, headers, form = answered(own, rich, alice)
    assert (picture.size, form, headers) == (SIZE, "WEBP", {"x-atelier-engine": "stable-image-inpaint"})
    route("stable-image/edit/inpaint", SDXL)
    routed = asked("stable-image/edit/inpaint", rich, alice, prompt="a red boat", image=png(SIZE), mask=mask(SIZE, BOX), grow_mask=0)
    picture, headers, form = answered(routed, rich, alice)
    before = Image.open(io.BytesIO(png(SIZE))).convert("RGB")
    assert (picture.size, form) == (SIZE, "PNG")
    assert headers == {"x-atelier-engine": SDXL, "x-atelier-resampled": "1536x640"}
    assert ImageChops.difference(before, picture.convert("RGB")).getbbox() == BOX
