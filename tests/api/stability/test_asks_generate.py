"""Text to a picture: the contract's words in the studio's, and the size that the client asked for."""

from __future__ import annotations

import pytest

from studio.api.stability.asks import CannotDo, FieldRefused, Wanted
from studio.api.stability.asks.sizes import BY_RATIO
from studio.backends import registry
from studio.backends.base import Mode
from studio.generation.models import InputFile
from tests.api.stability.asking import asked, png

pytestmark = pytest.mark.django_db

CORE, ULTRA, SD3 = (f"stable-image/generate/{name}" for name in ("core", "ultra", "sd3"))
V1 = "v1/text-to-image"
CAT = [{"text": "a cat"}]


@pytest.mark.parametrize("operation", [CORE, ULTRA, SD3])
@pytest.mark.parametrize("ratio", BY_RATIO)
def test_the_tiny_model_makes_its_nearest_shape_for_every_ratio(operation: str, ratio: str, team, alice) -> None:
    found = asked(operation, team, alice, prompt="a cat", aspect_ratio=ratio)
    width, height = found.request.width or 0, found.request.height or 0
    rules = registry.engine("storybook").size
    wide, high = BY_RATIO[ratio]
    assert (found.request.engine, found.request.mode) == ("storybook", Mode.TEXT_TO_IMAGE)
    assert rules is not None
    assert (width, height) in rules.choices
    assert all(abs(width / height - wide / high) <= abs(w / h - wide / high) + 1e-9 or (w > h) != (wide > high) for w, h in rules.choices)
    assert found.wanted == Wanted((wide * 3 // 2, high * 3 // 2) if operation == CORE else (wide, high), "image/png")


@pytest.mark.parametrize(("said", "mime"), [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")])
def test_the_format_is_the_answers_where_the_engine_has_none(said: str, mime: str, team, alice) -> None:
    found = asked(CORE, team, alice, prompt="a cat", output_format=said)
    assert found.wanted.mime == mime
    assert found.wanted.ignored == ()
    assert found.request.extra == {}


def test_what_the_tiny_model_does_not_know_is_left_out_and_told(team, alice) -> None:
    found = asked(CORE, team, alice, prompt="a (cat:0.8) \\o/", negative_prompt="rain (heavy)", style_preset="anime", seed=7)
    assert found.request.prompt == "a (cat:0.8) \\\\o/"
    assert (found.request.negative_prompt, found.request.seed) == ("rain \\(heavy\\)", 7)
    assert found.wanted.ignored == ("style_preset",)


def test_the_contracts_defaults_are_not_those_of_another_model(team, alice) -> None:
    plain = asked(SD3, team, alice, prompt="a cat")
    turbo = asked(SD3, team, alice, prompt="a cat", model="sd3.5-large-turbo")
    said = asked(SD3, team, alice, prompt="a cat", cfg_scale="6.5")
    assert (plain.request.guidance_scale, turbo.request.guidance_scale, said.request.guidance_scale) == (None, None, 6.5)
    assert plain.wanted.ignored == turbo.wanted.ignored == said.wanted.ignored == ()


@pytest.mark.parametrize("seed", [{}, {"seed": "0"}])
def test_no_seed_and_zero_are_random_ones(seed: dict[str, str], team, alice) -> None:
    seeds = {asked(CORE, team, alice, prompt="a cat", **seed).request.seed for _ in range(5)}
    assert len(seeds) == 5
    assert 0 not in seeds


def test_a_picture_to_start_from_is_fitted_whole(team, alice) -> None:
    ultra = asked(ULTRA, team, alice, prompt="a cat", image=png((300, 900)), strength=0.4)
    sd3 = asked(SD3, team, alice, prompt="a cat", mode="image-to-image", image=png((1536, 640)), strength=0)
    for found, size, strength, wanted in (
        (ultra, (512, 512), 0.4, (1024, 1024)),
        (sd3, (640, 384), 0.05, (1584, 664)),
    ):
        assert (found.request.mode, found.request.strength) == (Mode.IMAGE_TO_IMAGE, strength)
        assert (found.request.width, found.request.height) == size
        assert (found.inputs["image"].width, found.inputs["image"].height) == size
        assert found.wanted.size == wanted


def test_v1_has_weights_for_each_prompt_and_settings_of_its_own(team, alice) -> None:
    prompts = [{"text": "a cat"}, {"text": "moss (green)", "weight": 0.5}, {"text": "rain", "weight": -1}, {"text": "fog", "weight": -0.4}]
    found = asked(
        V1, team, alice, text_prompts=prompts, width=1152, height=896, samples=3, steps=12, cfg_scale=9, sampler="K_EULER_ANCESTRAL", seed=3
    )
    request = found.request
    assert (request.prompt, request.negative_prompt) == ("a cat, (moss \\(green\\):0.5)", "rain, (fog:0.4)")
    assert (request.num_images, request.num_inference_steps, request.guidance_scale, request.seed) == (3, 12, 9.0, 3)
    assert request.scheduler == "Euler a"
    assert (request.width, request.height) == (576, 448)
    assert found.wanted == Wanted((1152, 896), "image/png")


def test_v1_tells_what_it_left_out(team, alice) -> None:
    found = asked(
        V1,
        team,
        alice,
        text_prompts=CAT,
        width=1024,
        height=1024,
        sampler="K_DPMPP_2S_ANCESTRAL",
        clip_guidance_preset="SLOW",
        style_preset="anime",
        steps=30,
        cfg_scale=7,
    )
    assert found.wanted.ignored == ("clip_guidance_preset", "style_preset", "sampler")
    assert (found.request.num_inference_steps, found.request.guidance_scale) == (None, None)


def test_v1_refuses_what_says_nothing_and_more_than_the_engine_makes(team, alice) -> None:
    size = {"width": 1024, "height": 1024}
    with pytest.raises(FieldRefused) as nothing:
        asked(V1, team, alice, text_prompts=[{"text": "rain", "weight": -1}], **size)
    with pytest.raises(FieldRefused) as many:
        asked(V1, team, alice, text_prompts=CAT, samples=10, **size)
    assert nothing.value.field == "text_prompts"
    assert (many.value.field, many.value.sentence) == ("samples", "Storybook, which answers this here, makes at most 8 at once, not 10")


def test_weights_beyond_the_studios_keep_their_proportion(team, alice) -> None:
    prompts = [{"text": "a cat", "weight": 4}, {"text": "moss", "weight": 1}, {"text": "rain", "weight": -2}, {"text": "12", "weight": 3}]
    found = asked(V1, team, alice, text_prompts=prompts, width=1024, height=1024)
    assert (found.request.prompt, found.request.negative_prompt) == ("(a cat:2), (moss:0.5), 12", "rain")


def test_what_is_wanted_survives_being_kept() -> None:
    wanted = Wanted((640, 384), "image/webp", ("sampler",), keeps=True)
    assert Wanted.from_json(wanted.to_json()) == wanted
    assert Wanted.from_json(Wanted(None, "audio/wav").to_json()) == Wanted(None, "audio/wav")


def test_a_picture_much_longer_than_wide_takes_no_more_memory_than_another(team, alice) -> None:
    """A frame of its own height round it would have 540 megapixels."""
    found = asked(SD3, team, alice, prompt="a cat", mode="image-to-image", image=png((30_000, 64)), strength=0.5)
    assert (found.inputs["image"].width, found.inputs["image"].height) == (640, 384)
    assert found.wanted.size == (22168, 48)


def test_a_side_that_the_format_cannot_hold_is_refused_before_anything_is_made(team, alice) -> None:
    said = {"prompt": "a cat", "mode": "image-to-image", "image": png((30_000, 64)), "strength": 0.5}
    with pytest.raises(CannotDo) as told:
        asked(SD3, team, alice, output_format="webp", **said)
    sentence = "A side of 22,168 pixels is more than image/webp can hold (16,383). Ask for png, or make the picture smaller."
    assert told.value.sentence == sentence
    assert not InputFile.objects.exists()
    assert asked(SD3, team, alice, output_format="jpeg", **said).wanted.mime == "image/jpeg"
