"""Fast upscale: any picture four times as wide and high, in tiles that leave no seam."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from studio.backends.base import GenerationRequest, Mode
from studio.backends.diffusers import DiffusersBackend, builtin, upscaler
from studio.backends.errors import InvalidRequest, RequestCanceled
from tests.backends.conftest import Watcher, difference, generate, picture, png


def drawing(size: tuple[int, int]) -> Image.Image:
    """Flat shapes, drawn large and scaled down, so that there is a right answer to compare with."""
    return large_drawing(size).resize(size, Image.Resampling.BOX)


def large_drawing(size: tuple[int, int]) -> Image.Image:
    width, height = size[0] * 4, size[1] * 4
    image = Image.new("RGB", (width, height), "#8cc8f0")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height // 2, width, height), fill="#509850")
    draw.ellipse((width // 8, height // 8, width // 2, height // 2), fill="#f0d040")
    draw.polygon([(width // 2, height * 3 // 4), (width * 3 // 4, height // 4), (width - 9, height * 3 // 4)], fill="#b03030")
    return image


def upscale(image: bytes, **settings: object) -> GenerationRequest:
    return GenerationRequest(**{"engine": "storybook-upscale", "mode": Mode.UPSCALING, "seed": 0, "image": image, **settings})


def test_it_is_sharper_than_bicubic(runner: DiffusersBackend) -> None:
    small = drawing((120, 90))
    [media] = generate(runner, upscale(png(small)))
    assert (media.width, media.height, media.seed) == (480, 360, None)
    right = large_drawing((120, 90))
    bicubic = small.resize((480, 360), Image.Resampling.BICUBIC)
    assert difference(picture(media), right)[1] < 0.95 * difference(bicubic, right)[1]
    assert media.info["model"] == "storybook-upscale"


def test_tiles_leave_no_seam(runner: DiffusersBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    image = png(drawing((150, 110)))
    [whole] = generate(runner, upscale(image))
    monkeypatch.setattr(upscaler, "TILE", 40)
    watcher = Watcher()
    [[tiled]] = runner.generate_batch([upscale(image)], on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    assert [(progress.step, progress.total) for progress in watcher.seen[0]] == [(tile, 12) for tile in range(1, 13)]
    assert difference(picture(whole), picture(tiled))[0] <= 3


def test_alpha_is_kept(runner: DiffusersBackend) -> None:
    image = drawing((40, 40)).convert("RGBA")
    mask = Image.new("L", (40, 40), 0)
    ImageDraw.Draw(mask).rectangle((0, 0, 19, 39), fill=255)
    image.putalpha(mask)
    [media] = generate(runner, upscale(png(image)))
    alpha = Image.open(io.BytesIO(media.data)).getchannel("A")
    assert alpha.size == (160, 160)
    assert (alpha.getpixel((20, 80)), alpha.getpixel((140, 80))) == (255, 0)


def test_a_single_pixel(runner: DiffusersBackend) -> None:
    [media] = generate(runner, upscale(png(Image.new("RGB", (1, 1), "#336699"))))
    assert (media.width, media.height) == (4, 4)


def test_a_picture_that_is_too_big_is_refused_in_words(runner: DiffusersBackend) -> None:
    side = round(builtin.UPSCALER_MAX_PIXELS**0.5) + 1
    with pytest.raises(InvalidRequest) as raised:
        generate(runner, upscale(png(Image.new("L", (side, side)))))
    assert raised.value.message == "The picture is too big to enlarge: 1601 × 1601 pixels; 1600 × 1600 is the limit."


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"image": None}, "This needs a picture."),
        ({"image": b"\x89PNG broken"}, "The picture cannot be read as an image."),
        ({"mode": Mode.TEXT_TO_IMAGE}, "Fast upscale enlarges one picture."),
        ({"num_images": 2}, "Fast upscale enlarges one picture."),
    ],
)
def test_what_it_cannot_do(runner: DiffusersBackend, settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        generate(runner, upscale(**{"image": png(drawing((8, 8))), **settings}))  # type: ignore[arg-type]
    assert raised.value.message == sentence


def test_a_cancel_stops_after_the_tile(runner: DiffusersBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upscaler, "TILE", 20)
    watcher = Watcher(cancel={0}, after=2)
    [outcome] = runner.generate_batch([upscale(png(drawing((80, 80))))], on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    assert isinstance(outcome, RequestCanceled)
    assert len(watcher.seen[0]) == 2
