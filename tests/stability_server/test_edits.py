"""Edits change what they are asked to change, and only that."""

from __future__ import annotations

import base64
import io

import httpx
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from studio.api.stability.contract import endpoint
from tests.stability_server.minimal import png, post

EDIT = "/v2beta/stable-image/edit/"
BOX = (32, 24, 96, 72)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def as_png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def box_mask() -> Image.Image:
    mask = Image.new("L", (128, 96))
    ImageDraw.Draw(mask).rectangle((BOX[0], BOX[1], BOX[2] - 1, BOX[3] - 1), fill=255)
    return mask


def changed(before: bytes, after: bytes) -> tuple[int, int, int, int] | None:
    """The box in which two pictures differ."""
    return ImageChops.difference(opened(before), opened(after)).getbbox()


def inside(box: tuple[int, int, int, int], grow: int = 0) -> bool:
    return box[0] >= BOX[0] - grow and box[1] >= BOX[1] - grow and box[2] <= BOX[2] + grow and box[3] <= BOX[3] + grow


@pytest.mark.parametrize("name", ["inpaint", "erase"])
@pytest.mark.parametrize("grow", [0, 8])
def test_inside_the_mask_only(client: httpx.Client, name: str, grow: int) -> None:
    answer = post(client, endpoint("POST", EDIT + name), mask=as_png(box_mask()), grow_mask=str(grow))
    box = changed(png(), answer.content)

    assert answer.status_code == 200
    assert box is not None
    assert inside(box, grow)
    assert inside(box) == (grow == 0)


def test_without_a_mask_the_alpha_says_where(client: httpx.Client) -> None:
    clear = opened(png()).convert("RGBA")
    clear.putalpha(ImageChops.invert(box_mask()))
    one = endpoint("POST", EDIT + "inpaint")
    by_alpha = post(client, one, image=as_png(clear), grow_mask="0", seed="3")
    by_mask = post(client, one, image=as_png(clear), mask=as_png(box_mask().resize((64, 48))), grow_mask="0", seed="3")
    nowhere = post(client, one)

    assert changed(png(), by_alpha.content) == BOX
    assert inside(changed(png(), by_mask.content) or (0, 0, 0, 0), grow=2)
    assert changed(png(), nowhere.content) is None


@pytest.mark.parametrize("source", ["MASK_IMAGE_WHITE", "MASK_IMAGE_BLACK", "INIT_IMAGE_ALPHA"])
def test_v1_masking_replaces_the_side_that_it_names(client: httpx.Client, source: str) -> None:
    left = Image.new("L", (1024, 1024))
    ImageDraw.Draw(left).rectangle((0, 0, 511, 1023), fill=255)
    init = opened(png(1024, 1024)).convert("RGBA")
    if source == "INIT_IMAGE_ALPHA":
        init.putalpha(ImageChops.invert(left))
    given = {"init_image": as_png(init), "mask_image": as_png(left), "mask_source": source}
    answer = post(client, endpoint("POST", "/v1/generation/{engine_id}/image-to-image/masking"), **given)
    data = base64.b64decode(answer.json()["artifacts"][0]["base64"])

    assert changed(png(1024, 1024), data) == ((512, 0, 1024, 1024) if source == "MASK_IMAGE_BLACK" else (0, 0, 512, 1024))


def test_outpaint_keeps_the_picture_and_adds_margins(client: httpx.Client) -> None:
    answer = post(client, endpoint("POST", EDIT + "outpaint"), left="10", right="20", up="30", down="40", bottom="500")

    assert opened(answer.content).size == (128 + 30, 96 + 70)
    assert changed(png(), as_png(opened(answer.content).crop((10, 30, 138, 126)))) is None


def test_remove_background_gives_alpha(client: httpx.Client) -> None:
    answer = post(client, endpoint("POST", EDIT + "remove-background"), output_format="webp")
    image = Image.open(io.BytesIO(answer.content))
    alpha = image.getchannel("A")

    assert (image.format, image.mode, image.size) == ("WEBP", "RGBA", (128, 96))
    assert (alpha.getpixel((2, 2)), alpha.getpixel((64, 48))) == (0, 255)


@pytest.mark.parametrize(("name", "words"), [("search-and-replace", "search_prompt"), ("search-and-recolor", "select_prompt")])
def test_a_search_changes_one_region(client: httpx.Client, name: str, words: str) -> None:
    one = endpoint("POST", EDIT + name)
    ball, hat = (post(client, one, **{words: text}, seed="4") for text in ("the ball", "the hat"))
    box = changed(png(), ball.content)

    assert box is not None
    assert box[2] - box[0] < 128
    assert box[3] - box[1] < 96
    assert ball.content != hat.content


def test_light_comes_from_where_it_is_said(client: httpx.Client) -> None:
    one = endpoint("POST", EDIT + "replace-background-and-relight")
    given = {"background_reference": as_png(Image.new("RGB", (64, 64), "#808080")), "light_source_strength": "1"}
    halves = {}
    for direction in ("left", "right", "above", "below"):
        id = post(client, one, light_source_direction=direction, **given).json()["id"]
        image = opened(client.get(f"/v2beta/results/{id}").content).convert("L")
        parts = {"left": (0, 0, 64, 96), "right": (64, 0, 128, 96), "above": (0, 0, 128, 48), "below": (0, 48, 128, 96)}
        halves[direction] = max(parts, key=lambda part: ImageStat.Stat(image.crop(parts[part])).mean[0])

    assert halves == {direction: direction for direction in halves}


def test_strength_goes_from_the_picture_to_the_prompt(client: httpx.Client) -> None:
    one = endpoint("POST", "/v2beta/stable-image/generate/ultra")
    image = png(1024, 1024)
    kept, half, new = (post(client, one, image=image, strength=strength, seed="2") for strength in ("0", "0.5", "1"))
    alone = post(client, one, seed="2")

    assert changed(image, kept.content) is None
    assert changed(new.content, alone.content) is None
    assert changed(image, half.content) is not None


def test_an_enlarged_picture_is_the_same_picture(client: httpx.Client) -> None:
    large = opened(post(client, endpoint("POST", "/v2beta/stable-image/upscale/fast")).content)
    difference = ImageChops.difference(large.resize((128, 96)), opened(png()))

    assert large.size == (512, 384)
    assert max(ImageStat.Stat(difference).mean) < 3


def test_control_keeps_the_lines_and_takes_the_prompt(client: httpx.Client) -> None:
    one = endpoint("POST", "/v2beta/stable-image/control/structure")
    none, full, other = (
        post(client, one, control_strength=strength, prompt=prompt, seed="2").content
        for strength, prompt in (("0", "hills"), ("1", "hills"), ("0", "a lake at night"))
    )

    assert changed(none, full) is not None
    assert changed(none, other) is not None


def test_style_transfer_takes_the_colours_of_the_other_picture(client: httpx.Client) -> None:
    one = endpoint("POST", "/v2beta/stable-image/control/style-transfer")
    blue = as_png(Image.effect_noise((128, 128), 20).convert("RGB").point([0] * 256 + [0] * 256 + list(range(256))))
    without, full = (opened(post(client, one, style_image=blue, style_strength=strength).content) for strength in ("0", "1"))

    assert ImageStat.Stat(full).mean[0] < 30 < ImageStat.Stat(without).mean[0]
    assert ImageStat.Stat(full).mean[2] > 90
