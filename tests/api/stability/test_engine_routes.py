"""Which engine answers: the operator's table, then Stability, then what this machine does itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from studio.api.models import EngineRoute
from studio.api.stability import engines
from studio.api.stability.engines import NAMED, SERVICES, engine_for, engines_listed, is_own
from studio.api.stability.errors import EngineNotFound, NoEngine
from studio.backends import registry
from studio.backends.base import Engine, EngineState, Mode

pytestmark = pytest.mark.django_db

LOCAL = {
    "stable-image/generate/core",
    "stable-image/generate/ultra",
    "stable-image/generate/sd3",
    "stable-image/edit/erase",
    "stable-image/edit/inpaint",
    "stable-image/edit/outpaint",
    "stable-image/upscale/fast",
    "v1/text-to-image",
    "v1/image-to-image",
    "v1/masking",
    "v1/upscale",
}
"""What the issue says that the tiny model answers."""


def chosen(operation: str, asked: str = "", **how: object) -> str:
    return engine_for(operation, asked, **how).id  # type: ignore[arg-type]


def refusal(operation: str, asked: str = "") -> str:
    with pytest.raises(NoEngine) as told:
        engine_for(operation, asked)
    return told.value.sentence


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch):
    """`offered(engines)`: a studio that has just these."""
    return lambda *found: monkeypatch.setattr(engines, "available", lambda: list(found))


# --- without a key ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", SERVICES)
def test_without_a_key_the_tiny_model_answers_what_it_can_do(operation: str) -> None:
    if operation not in LOCAL:
        assert refusal(operation).startswith("No engine of this studio ")
    else:
        assert chosen(operation) == ("storybook-upscale" if "upscale" in operation else "storybook")


def test_what_cannot_be_done_is_said_in_a_sentence() -> None:
    assert refusal("stable-image/edit/remove-background") == "No engine of this studio removes backgrounds. Ask its operator for one."
    assert refusal("3d/stable-fast-3d") == "No engine of this studio makes 3D models. Ask its operator for one."
    assert refusal("stable-image/upscale/creative") == "No engine of this studio enlarges a picture by a prompt. Ask its operator for one."
    assert refusal("image-to-video") == "No engine of this studio makes videos: Stability switched that service off on 24 July 2025."


def test_the_test_card_never_answers_by_itself(offered) -> None:
    offered(registry.engine("null"))
    assert "null" not in {engine.id for engine in engines.Table()._local((Mode.TEXT_TO_IMAGE,))}
    assert refusal("stable-image/generate/core") == "No engine of this studio makes pictures from words. Ask its operator for one."
    assert chosen("v1/text-to-image", "null") == "null"


def test_the_operators_own_model_comes_before_the_tiny_one_unless_it_is_broken(offered) -> None:
    storybook = registry.engine("storybook")
    own = replace(storybook, id="sdxl", label="Our SDXL")
    offered(storybook, own)
    assert chosen("stable-image/generate/core") == "sdxl"
    offered(storybook, own.in_state(EngineState.BROKEN, "Its folder is empty."))
    assert chosen("stable-image/generate/core") == "storybook"


def test_what_is_broken_says_so(offered) -> None:
    offered(registry.engine("storybook").in_state(EngineState.NOT_INSTALLED, "Its libraries are missing."))
    assert refusal("stable-image/generate/core") == "Storybook cannot be used now. Its libraries are missing."


# --- with a key ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", SERVICES)
def test_with_a_key_stability_answers_each_operation_itself(operation: str, stability: object) -> None:
    engine = engine_for(operation)
    assert engine.id == SERVICES[operation].own[0]
    assert is_own(engine, operation) is (operation != "v1/upscale")


def test_a_model_that_a_form_names_is_the_one_that_answers(stability: object) -> None:
    assert chosen("stable-image/generate/sd3", "sd3.5-flash") == "sd3.5-flash"
    assert chosen("audio/stable-audio-2/text-to-audio", "stable-audio-2.5") == "stable-audio-2.5"


def test_no_other_engine_stands_in_for_a_refused_key(offered) -> None:
    core = next(one for one in registry.engines() if one.id == "storybook")
    refused = replace(core, id="stable-image-core", label="Core", local=False).in_state(EngineState.NO_CREDITS, "Empty.")
    offered(core, refused)
    assert chosen("stable-image/generate/core") == "stable-image-core"


# --- the operator's table --------------------------------------------------------------------------------------------


def test_the_operators_word_comes_first_and_the_engine_before_the_path(stability: object) -> None:
    EngineRoute.objects.create(asked="stable-image/generate/sd3", engine="stable-image-core")
    assert chosen("stable-image/generate/sd3", "sd3.5-large") == "stable-image-core"
    EngineRoute.objects.create(asked="sd3.5-large", engine="stable-image-ultra")
    assert chosen("stable-image/generate/sd3", "sd3.5-large") == "stable-image-ultra"
    assert chosen("stable-image/generate/sd3", "sd3.5-medium") == "stable-image-core"


def test_the_operator_can_refuse_route_and_be_wrong() -> None:
    EngineRoute.objects.create(asked="stable-image/generate/core", engine="")
    EngineRoute.objects.create(asked="stable-image/upscale/creative", engine="storybook-upscale")
    EngineRoute.objects.create(asked="stable-image/upscale/fast", engine="gone")
    EngineRoute.objects.create(asked="stable-image/edit/erase", engine="storybook-upscale")
    assert refusal("stable-image/generate/core") == "The operator of this studio does not offer this."
    assert chosen("stable-image/upscale/creative") == "storybook-upscale"
    assert refusal("stable-image/upscale/fast") == "The engine “gone”, which answers this here, is not offered at the moment."
    assert refusal("stable-image/edit/erase").startswith("Fast upscale ×4, which answers this here, does not do that")


# --- v1's names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", NAMED, ids=lambda one: one.id)
def test_every_old_engine_of_v1_still_answers(named: engines.Named) -> None:
    for operation in named.operations:
        assert chosen(operation, named.id) == ("storybook-upscale" if operation == "v1/upscale" else "storybook")


def test_an_engine_that_nobody_knows_is_not_found() -> None:
    with pytest.raises(EngineNotFound) as told:
        engine_for("v1/text-to-image", "some-fake-engine")
    assert told.value.sentence == "The specified engine (ID some-fake-engine) was not found."
    assert refusal("v1/text-to-image", "esrgan-v1-x2plus") == "Real-ESRGAN x2 does not do this. Ask for another engine."
    assert refusal("v1/upscale", "stable-diffusion-v1-5") == "Stable Diffusion v1.5 does not do this. Ask for another engine."


def test_the_list_tells_what_may_be_named_and_who_answers() -> None:
    listed = {one["id"]: one for one in engines_listed()}
    assert set(listed) == {named.id for named in NAMED} | {"storybook"} | ({"null"} & set(listed))
    assert listed["stable-diffusion-v1-5"] == {
        "id": "stable-diffusion-v1-5",
        "name": "Stable Diffusion v1.5",
        "description": "Stability-AI Stable Diffusion v1.5 (answered by Storybook)",
        "type": "PICTURE",
    }
    assert listed["esrgan-v1-x2plus"]["description"].endswith("(answered by Fast upscale ×4)")
    for one in listed.values():
        assert isinstance(
            engine_for("v1/upscale" if "upscale" in one["id"] or "esrgan" in one["id"] else "v1/text-to-image", one["id"]), Engine
        )


def test_what_is_switched_off_is_not_listed(stability: object) -> None:
    EngineRoute.objects.create(asked="stable-diffusion-v1-6", engine="")
    listed = {one["id"]: one["description"] for one in engines_listed()}
    assert "stable-diffusion-v1-6" not in listed
    assert listed["stable-diffusion-xl-1024-v1-0"] == "Stability-AI Stable Diffusion XL v1.0"
    assert listed["stable-diffusion-v1-5"] == "Stability-AI Stable Diffusion v1.5 (answered by Stable Diffusion XL 1.0)"
