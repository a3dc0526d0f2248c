"""Weights in the local runner: 1 is as if there were none, others change the picture, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.backends.base import GenerationRequest, Mode
from studio.backends.diffusers import DiffusersBackend, devices
from studio.backends.diffusers.families import FAMILIES
from tests.backends.conftest import difference, generate, generate_batch, picture, png, request

Operator = Callable[..., DiffusersBackend]
BOAT = "a red sailboat on the sea at sunset"


def bytes_of(backend: DiffusersBackend, *prompts: str, **settings: Any) -> list[bytes]:
    return [generate(backend, request(prompt, **settings))[0].data for prompt in prompts]


def test_a_weight_of_1_is_as_if_there_were_none(runner: DiffusersBackend) -> None:
    made = bytes_of(runner, BOAT, "a (red:1) sailboat on the sea at (sunset:1.0)", "a ((red:1.25):0.8) sailboat on the sea at sunset")
    assert len(set(made)) == 1


def test_escapes_and_plain_brackets_are_no_weights(runner: DiffusersBackend) -> None:
    typed, meant = bytes_of(runner, r"a red \(small\) boat \[new\]", "a red (small) boat [new]")
    assert typed == meant


def test_more_weight_and_less_change_the_picture_each_in_its_way(runner: DiffusersBackend) -> None:
    plain, more, less, without, other = (
        picture(generate(runner, request(prompt, seed=7, num_inference_steps=12))[0])
        for prompt in (BOAT, BOAT.replace("red", "(red:1.5)"), BOAT.replace("red", "(red:0.2)"), BOAT.replace("red", "(red:0)"), BOAT)
    )
    assert difference(plain, other) == (0, 0.0)
    gaps = [difference(plain, one)[1] for one in (more, less, without)]
    assert min(gaps) > 2
    assert redness(less) < redness(plain)
    assert redness(without) < redness(plain)


def redness(image: Image.Image) -> float:
    """How much redder than blue and green the hull and sails are, in levels, on average over the middle of the picture."""
    import numpy

    middle = numpy.asarray(image.crop((0, 200, 256, 420)), float)
    return float((middle[..., 0] - middle[..., 1:].max(axis=-1)).clip(min=0).mean())


def test_what_is_left_out_has_weights_too(runner: DiffusersBackend) -> None:
    usual, same, heavy = (
        generate(runner, request(BOAT, negative_prompt=words, num_inference_steps=8))[0].data for words in ("red", "(red:1)", "(red:1.5)")
    )
    assert usual == same
    assert usual != heavy


def test_a_run_of_both_kinds_gives_each_its_own_picture(runner: DiffusersBackend) -> None:
    """The picture without weights is the one of a run of as many that has none at all."""
    weighted = BOAT.replace("red", "(red:1.5)")
    [[light], [heavy]] = generate_batch(runner, [request(BOAT), request(weighted)])
    assert {light.info["pictures_in_run"], heavy.info["pictures_in_run"]} == {2}
    [[unweighted], _] = generate_batch(runner, [request(BOAT), request("a green house")])
    assert light.data == unweighted.data
    assert difference(picture(heavy), picture(generate(runner, request(weighted))[0]))[1] < 1
    assert difference(picture(heavy), picture(light))[1] > 2


@pytest.mark.parametrize("mode", [Mode.IMAGE_TO_IMAGE, Mode.INPAINTING])
def test_it_weighs_in_every_mode(runner: DiffusersBackend, mode: Mode) -> None:
    settings: dict[str, Any] = {"mode": mode, "image": png(Image.new("RGB", (512, 512), "#88aacc")), "num_inference_steps": 8}
    if mode.needs_mask:
        settings["mask_image"] = png(Image.new("L", (512, 512), 255))
    plain, same, heavy = bytes_of(runner, "a red house", "a (red:1) house", "a (red:1.6) house", **settings)
    assert plain == same
    assert plain != heavy


@pytest.mark.parametrize(
    "prompt",
    [
        "(" * 3000,
        "(a:1.2)" * 1000,
        "(a:0.5), (b:0.6) " * 400,
        "(\u200b:0.5) (\u00a0:0.5) boat",
        "(\u200b:0.5)",
        "(🎈:1.3) (بيت أحمر:0.7)",
        f"{'a ' * 60}(boat:0.5)",
        f"({'a ' * 100}:0.5) (boat:1.5)",
        "(boat:-2)",
        "(boat:0) (boat:0)",
        "sun(set:1.4)",
    ],
)
def test_odd_weights_give_a_picture(runner: DiffusersBackend, prompt: str) -> None:
    [media] = generate(runner, request(prompt, negative_prompt=prompt, num_inference_steps=1))
    assert picture(media).size == (512, 512)
    assert picture(media).getextrema() != ((0, 0), (0, 0), (0, 0))


def test_a_side_is_found_in_the_words(runner: DiffusersBackend) -> None:
    typed, meant = bytes_of(runner, r"a red house on the left\(\)", "a red house on the left()", num_inference_steps=2)
    assert typed == meant


def models(folders: Mapping[str, Path], name: str) -> str:
    return f'[[model]]\nid = "{name}"\npath = "{folders[name]}"\n'


def small(engine: str, prompt: str, **settings: Any) -> GenerationRequest:
    return request(prompt, engine=engine, num_inference_steps=3, **settings)


@pytest.mark.parametrize("name", ["sd", "sdxl"])
@pytest.mark.parametrize("guidance", [5.0, 1.0])
def test_models_with_clip_weigh(operator: Operator, model_folders: dict[str, Path], name: str, guidance: float) -> None:
    backend = operator(models(model_folders, name))
    assert backend.engines()[0].weights == "embeddings"
    plain, same, heavy, light = (
        generate(backend, small(name, prompt, guidance_scale=guidance))[0].data
        for prompt in ("a red harbour", "a (red:1) harbour", "a (red:1.9) harbour", "a (red:0.1) harbour")
    )
    assert plain == same
    assert len({plain, heavy, light}) == 3
    mixed = generate_batch(backend, [small(name, "a red harbour"), small(name, "a (red:1.9) harbour", negative_prompt="(fog:0.5)")])
    assert all(isinstance(outcome, list) for outcome in mixed)


def test_a_model_with_other_encoders_ignores_them(operator: Operator, model_folders: dict[str, Path]) -> None:
    backend = operator(models(model_folders, "sd3"))
    [engine] = backend.engines()
    assert (engine.weights, engine.weights_help) == ("", "sd3 ignores weights: (cat:1.2) is read as cat.")
    plain, heavy = (generate(backend, small("sd3", prompt))[0].data for prompt in ("a red harbour", "a (red:1.9) harbour"))
    assert plain == heavy


def test_a_pipeline_that_weighs_takes_embeddings() -> None:
    devices.import_torch()
    import inspect

    import diffusers

    for family in FAMILIES.values():
        for name in (family.text_to_image, family.image_to_image, family.inpainting):
            if family.weighs and name:
                cls = getattr(diffusers, name)
                assert "prompt_embeds" in inspect.signature(cls.__call__).parameters
                assert {"prompt", "device", "num_images_per_prompt", "negative_prompt"} <= set(
                    inspect.signature(cls.encode_prompt).parameters
                )
