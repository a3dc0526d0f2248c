"""Storybook as a person meets it: the same seed gives the same picture, modes, sizes, samplers, previews."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from studio.backends.base import GeneratedMedia, GenerationRequest, Mode
from studio.backends.diffusers import DiffusersBackend, builtin, devices
from studio.backends.errors import InvalidRequest, ModelUnusable
from tests.backends.conftest import Watcher, difference, generate, picture, png, request

BOAT = "a red sailboat on the sea at sunset, watercolor"


@pytest.fixture(scope="module")
def boat(runner: DiffusersBackend) -> GeneratedMedia:
    [media] = generate(runner, request(BOAT, seed=3, num_inference_steps=20))
    return media


def scheduler_names(runner: DiffusersBackend) -> tuple[str, ...]:
    storybook = next(engine for engine in runner.engines() if engine.id == "storybook")
    return next(parameter.choices for parameter in storybook.parameters if parameter.name == "scheduler")


def test_a_picture_says_what_made_it(boat: GeneratedMedia) -> None:
    assert (boat.index, boat.seed, boat.mime, boat.width, boat.height, boat.filtered) == (0, 3, "image/png", 512, 512, False)
    assert picture(boat).size == (512, 512)
    assert Image.open(io.BytesIO(boat.data)).format == "PNG"
    assert boat.info["model"] == "storybook"
    assert boat.info["device"] == devices.place("auto", "auto").device
    assert boat.info["dtype"] == devices.place("auto", "auto").dtype
    assert boat.info["steps"] == 20
    assert boat.info["scheduler"] == "DPM++ 2M"
    assert boat.info["torch"] == devices.versions()["torch"]
    assert boat.info["diffusers"] == devices.versions()["diffusers"]


def test_the_same_request_gives_the_same_picture_and_another_seed_or_prompt_another(runner: DiffusersBackend) -> None:
    first, again = (generate(runner, request(BOAT)) for _ in range(2))
    assert first[0].data == again[0].data
    other_seed, other_prompt = generate(runner, request(BOAT, seed=8)), generate(runner, request("a yellow robot in the desert"))
    assert difference(picture(first[0]), picture(other_seed[0]))[1] > 5
    assert difference(picture(first[0]), picture(other_prompt[0]))[1] > 5


def test_every_picture_of_a_request_has_its_own_seed(runner: DiffusersBackend) -> None:
    several = generate(runner, request(BOAT, seed=7, num_images=3))
    assert [(media.index, media.seed) for media in several] == [(0, 7), (1, 8), (2, 9)]
    [alone] = generate(runner, request(BOAT, seed=9))
    assert difference(picture(several[2]), picture(alone))[1] < 0.5
    assert difference(picture(several[0]), picture(several[1]))[1] > 5


def test_it_is_the_picture_of_the_bare_pipeline(runner: DiffusersBackend) -> None:
    """Nothing that the runner adds (previews, a scheduler of its own, memory layout) changes the model's picture."""
    torch = devices.import_torch()
    from diffusers import StableDiffusionPipeline

    [media] = generate(runner, request(BOAT, seed=5, num_inference_steps=8))
    dtype = getattr(torch, str(media.info["dtype"]))
    bare = StableDiffusionPipeline.from_pretrained(builtin.FOLDER / "model", dtype=dtype, local_files_only=True)
    bare.set_progress_bar_config(disable=True)
    small = bare(BOAT, num_inference_steps=8, guidance_scale=4, generator=torch.Generator().manual_seed(5)).images[0]
    assert small.size == (128, 128)
    assert difference(picture(media).resize((128, 128), Image.Resampling.BOX), small)[1] < 3


@pytest.mark.parametrize("size", builtin.SIZES.choices)
def test_every_size_it_offers(runner: DiffusersBackend, size: tuple[int, int]) -> None:
    [media] = generate(runner, request(width=size[0], height=size[1], num_inference_steps=2))
    assert (media.width, media.height) == size
    assert picture(media).size == size


def test_every_sampler_runs_and_gives_its_own_picture(runner: DiffusersBackend) -> None:
    names = scheduler_names(runner)
    assert len(names) == 18
    made = {name: generate(runner, request(BOAT, num_inference_steps=4, scheduler=name)) for name in names}
    assert len({media[0].data for media in made.values()}) == len(names)
    assert {name: media[0].info["scheduler"] for name, media in made.items()} == {name: name for name in names}


def test_samplers_agree_on_the_picture_when_they_take_enough_steps(runner: DiffusersBackend) -> None:
    """Those that add no noise on the way solve one equation; a sampler that misread the model's configuration would end elsewhere."""
    names = ("DPM++ 2M Karras", "Euler", "UniPC", "DDIM", "Heun", "LMS", "PNDM")
    [reference] = generate(runner, request(BOAT, num_inference_steps=15))
    gaps = {}
    for name in names:
        [media] = generate(runner, request(BOAT, num_inference_steps=15, scheduler=name))
        gaps[name] = difference(picture(reference), picture(media))[1]
    assert max(gaps.values()) < 12, gaps


def test_guidance_and_negative_prompt_change_the_picture(runner: DiffusersBackend) -> None:
    plain, weak, without = (
        generate(runner, request("a house at night", **settings))[0]
        for settings in ({}, {"guidance_scale": 1.0}, {"negative_prompt": "night, dark"})
    )
    assert difference(picture(plain), picture(weak))[1] > 2
    assert difference(picture(plain), picture(without))[1] > 2


def test_strength_says_how_much_of_the_picture_stays(runner: DiffusersBackend, boat: GeneratedMedia) -> None:
    changed = []
    for strength in (0.1, 0.5, 1.0):
        wanted = request(
            "a green cactus in the desert at night", mode=Mode.IMAGE_TO_IMAGE, image=boat.data, strength=strength, num_inference_steps=10
        )
        changed.append(difference(picture(boat), picture(generate(runner, wanted)[0]))[1])
    assert changed[0] < 12
    assert changed[0] + 10 < changed[1] + 5 < changed[2]


def test_an_input_picture_of_any_size_is_fitted(runner: DiffusersBackend) -> None:
    wide = Image.new("RGBA", (900, 300), (0, 0, 0, 0))
    ImageDraw.Draw(wide).rectangle((300, 0, 599, 299), fill=(220, 20, 20, 255))
    wanted = request("red", mode=Mode.IMAGE_TO_IMAGE, image=png(wide), strength=0.05, num_inference_steps=20, width=576, height=384)
    made = picture(generate(runner, wanted)[0])
    assert made.size == (576, 384)
    red, left = made.getpixel((288, 192)), made.getpixel((20, 192))
    assert isinstance(red, tuple)
    assert isinstance(left, tuple)
    assert red[0] > 150
    assert red[1] < 90
    assert min(left) > 200  # transparent counts as white


def circle(size: tuple[int, int] = (512, 512), box: tuple[int, int, int, int] = (150, 150, 360, 360)) -> Image.Image:
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    return mask


def test_inpainting_changes_only_what_is_under_the_mask(runner: DiffusersBackend, boat: GeneratedMedia) -> None:
    import numpy

    mask = circle()
    wanted = request(
        "a green tree on the hills", mode=Mode.INPAINTING, image=boat.data, mask_image=png(mask), num_images=2, num_inference_steps=12
    )
    painted = numpy.asarray(mask) > 0
    before = numpy.asarray(picture(boat), int)
    made = generate(runner, wanted)
    assert len(made) == 2
    for media in made:
        gap = numpy.abs(numpy.asarray(picture(media), int) - before)
        assert gap[~painted].max() == 0
        assert gap[painted].mean() > 10


def test_inpainting_a_photograph_of_another_size_keeps_its_fitted_pixels(runner: DiffusersBackend) -> None:
    import numpy

    photograph = Image.effect_noise((900, 700), 90).convert("RGB")
    mask = circle((900, 700), (300, 250, 520, 470))
    wanted = request(
        "a blue flower", mode=Mode.INPAINTING, image=png(photograph), mask_image=png(mask), width=640, height=384, num_inference_steps=4
    )
    made = picture(generate(runner, wanted)[0])
    from studio.backends.diffusers.images import read_source

    source = read_source(png(photograph), png(mask), (640, 384), masked=True)
    assert source.mask is not None
    outside = numpy.asarray(source.mask) == 0
    gap = numpy.abs(numpy.asarray(made, int) - numpy.asarray(source.picture, int))
    assert gap[outside].max() == 0
    assert gap[~outside].max() > 0
    assert outside.mean() > 0.5


def test_a_stroke_thinner_than_a_latent_is_painted(runner: DiffusersBackend, boat: GeneratedMedia) -> None:
    import numpy

    mask = Image.new("L", (512, 512), 0)
    ImageDraw.Draw(mask).line((40, 80, 470, 83), fill=255, width=3)
    wanted = request("night sky", mode=Mode.INPAINTING, image=boat.data, mask_image=png(mask), num_inference_steps=6)
    gap = numpy.abs(numpy.asarray(picture(generate(runner, wanted)[0]), int) - numpy.asarray(picture(boat), int))
    assert gap[numpy.asarray(mask) > 0].mean() > 5
    assert gap[numpy.asarray(mask) == 0].max() == 0


def test_previews_arrive_and_come_to_look_like_the_picture(runner: DiffusersBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.backends.diffusers.previews.INTERVAL", 0.0)
    monkeypatch.setattr("studio.backends.diffusers.previews.WAIT", 1000.0)
    watcher = Watcher()
    [[media]] = runner.generate_batch(
        [request(BOAT, num_inference_steps=10)], on_progress=watcher.on_progress, is_canceled=watcher.is_canceled
    )
    told = watcher.seen[0]
    assert [(progress.step, progress.total) for progress in told] == [(step, 10) for step in range(1, 11)]
    assert [progress.preview is not None for progress in told] == [True] * 9 + [False]
    final = picture(media).resize((128, 128), Image.Resampling.BOX)
    gaps = []
    for progress in told[:-1]:
        assert progress.preview is not None
        preview = Image.open(io.BytesIO(progress.preview))
        assert (preview.format, preview.size) == ("JPEG", (128, 128))
        assert len(progress.preview) < 12_000
        gaps.append(difference(preview, final)[1])
    assert gaps[-1] < 10
    assert gaps[-1] < gaps[0] / 2


def test_at_most_five_previews_a_second(runner: DiffusersBackend) -> None:
    import time

    watcher = Watcher()
    started = time.monotonic()
    runner.generate_batch([request(BOAT, num_inference_steps=20)], on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    took = time.monotonic() - started
    previews = [progress for progress in watcher.seen[0] if progress.preview]
    assert 1 <= len(previews) <= 5 * took + 1


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a red house " * 9000,
        "🏠🌅 maison rouge 🎈",
        "بيت أحمر على التل",
        "a\x00red\x07house\u202e\n\t",
        "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    ],
    ids=["empty", "108,000 characters", "emoji", "right to left", "control characters", "half a pair"],
)
def test_odd_prompts_give_a_picture(runner: DiffusersBackend, prompt: str) -> None:
    [media] = generate(runner, request(prompt, negative_prompt=prompt, num_inference_steps=1))
    assert picture(media).size == (512, 512)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"width": 500},
            "This engine makes pictures of 512 × 512, 576 × 448, 448 × 576, 576 × 384, 384 × 576, 640 × 384, 384 × 640 pixels, "
            "not 500 × 512.",
        ),
        ({"num_inference_steps": 0}, "Steps must be from 1 to 100, not 0."),
        ({"guidance_scale": float("nan")}, "Guidance must be from 0 to 30, not nan."),
        ({"num_images": 9}, "Storybook makes 1 to 8 pictures at once, not 9."),
        ({"mode": Mode.UPSCALING}, "Storybook does not do “Upscale”."),
        ({"mode": Mode.IMAGE_TO_IMAGE}, "This needs a picture."),
        ({"mode": Mode.IMAGE_TO_IMAGE, "image": b"GIF89a nonsense"}, "The picture cannot be read as an image."),
        ({"mode": Mode.IMAGE_TO_IMAGE, "image": png(Image.new("RGB", (9, 9))), "strength": 2.0}, "Strength must be from 0.05 to 1, not 2."),
        ({"mode": Mode.INPAINTING, "image": png(Image.new("RGB", (9, 9)))}, "This needs a mask."),
        (
            {"mode": Mode.INPAINTING, "image": png(Image.new("RGB", (9, 9))), "mask_image": png(Image.new("L", (9, 9)))},
            "The mask is empty: paint over what should change.",
        ),
    ],
)
def test_settings_that_it_cannot_take_are_refused_in_words(runner: DiffusersBackend, settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        generate(runner, request(**settings))
    assert raised.value.message == sentence


def test_a_sampler_it_does_not_have(runner: DiffusersBackend) -> None:
    with pytest.raises(InvalidRequest, match=r"^Storybook has no sampler of this name\. It has: DPM\+\+ 2M, "):
        generate(runner, request(scheduler="Euler b"))


def test_an_engine_that_is_gone(runner: DiffusersBackend) -> None:
    with pytest.raises(ModelUnusable, match="no longer offered"):
        generate(runner, GenerationRequest(engine="gone", mode=Mode.TEXT_TO_IMAGE, seed=1))


def test_speed_is_kept_for_the_web_process(runner: DiffusersBackend, boat: GeneratedMedia) -> None:
    elsewhere = DiffusersBackend("diffusers", dict(runner.options))
    storybook = next(engine for engine in elsewhere.engines() if engine.id == "storybook")
    assert storybook.seconds_per_image is not None
    assert 0 < storybook.seconds_per_image < 120
