"""Every range, choice and default that the studio offers is the one of the provider's OpenAPI files."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from studio.backends.base import Engine, GenerationRequest, Mode, Parameter, PromptNeed
from studio.backends.stability.engines import Record, Service, catalogue
from studio.backends.stability.engines.sdxl import AUTOMATIC, SAMPLERS, SIZES
from studio.backends.stability.translate import v1
from tests.backends.stability import contract
from tests.backends.stability.conftest import wanted

RECORDS = catalogue("stability")
SERVICES = [pytest.param(record, mode, id=f"{record.id}-{mode.value}") for record in RECORDS.values() for mode in record.services]
THEIRS = {ours: theirs for theirs, ours in v1.NAMES.items() if theirs not in ("mask_source", "step_schedule_start")}
INPUTS_OF_V1 = {"image": "init_image", "mask_image": "mask_image"}


def theirs(service: Service, name: str) -> str:
    return THEIRS.get(name, name) if service.dialect == "v1" else service.names.get(name, name)


def model_of(service: Service) -> str:
    return dict(service.fields).get("model", "")


def expected(service: Service, schema: contract.Json) -> dict[str, Any]:
    """What the contract says of a setting, with what it says only of this model."""
    found = {"minimum": schema.get("minimum"), "maximum": schema.get("maximum"), "default": schema.get("default")}
    model = model_of(service)
    if model in schema.get("x-range-by-model", {}):
        found = dict(zip(("minimum", "maximum", "default"), schema["x-range-by-model"][model], strict=True))
    if model in schema.get("x-default-by-model", {}):
        found["default"] = schema["x-default-by-model"][model]
    if model in schema.get("x-min-by-model", {}):
        found["minimum"] = schema["x-min-by-model"][model]
    return found


def offered(service: Service, parameter: Parameter, schema: contract.Json) -> dict[str, Any]:
    found = {"minimum": parameter.minimum, "maximum": parameter.maximum, "default": parameter.default}
    if service.dialect == "v1" and parameter.name == "strength":  # v1 counts the other way round
        found = {"minimum": 1 - (parameter.maximum or 0), "maximum": 1 - (parameter.minimum or 0), "default": 1 - parameter.default}
    if parameter.name == "strength" and "default" not in schema:
        found["default"] = None  # the contract wants one with every picture; ours is a proposal
    return found


@pytest.mark.parametrize(("record", "mode"), SERVICES)
def test_a_setting_is_what_the_contract_says(record: Record, mode: Mode) -> None:
    service = record.services[mode]
    schema = contract.body_schema(service.path)["properties"]
    for parameter in record.engine.parameters_for(mode):
        rule = schema[theirs(service, parameter.name)]
        if parameter.kind in ("integer", "float"):
            assert offered(service, parameter, rule) == pytest.approx(expected(service, rule)), parameter.name
            assert rule["type"] == "number" or (rule["type"] == "integer") == (parameter.kind == "integer")
        elif parameter.kind == "text":
            assert (rule["type"], rule["maxLength"]) == ("string", parameter.max_length)
        elif parameter.kind == "boolean":
            assert (rule["enum"], rule["default"]) == (["true", "false"], str(parameter.default).lower())
        else:
            assert choices(parameter) == set(rule["enum"]), parameter.name
            assert parameter.default in (rule.get("default"), "none", AUTOMATIC)


def choices(parameter: Parameter) -> set[str]:
    """What may be sent: "none" and "Automatic" send nothing, where the provider has no such word."""
    if parameter.name == "scheduler":
        return set(SAMPLERS.values())
    return set(parameter.choices) - (set() if parameter.name in ("remesh", "target_type") else {"none"})


@pytest.mark.parametrize(("record", "mode"), SERVICES)
def test_nothing_that_the_contract_knows_is_left_out(record: Record, mode: Mode) -> None:
    service = record.services[mode]
    engine = record.engine
    ours = {parameter.name for parameter in engine.parameters_for(mode)} | {one.name for one in engine.inputs_for(mode)}
    ours |= {"seed"} if engine.max_seed is not None else set()
    ours |= {"negative_prompt"} if engine.negative_prompt else set()
    ours |= {"prompt"} if engine.prompt_for(mode) is not PromptNeed.NONE else set()
    known = {theirs(service, name) for name in ours} | {name for name, _ in service.fields}
    if service.dialect == "v1":
        known = (known - {"negative_prompt", "image", "mask_image", "prompt"}) | {"samples", "text_prompts", "extras"}
        known |= {"width", "height"} if mode is Mode.TEXT_TO_IMAGE else {"init_image"}
        known |= {"mask_image", "mask_source"} if mode is Mode.INPAINTING else set()
        known |= {"init_image_mode", "step_schedule_start"} if mode is Mode.IMAGE_TO_IMAGE else set()
    spec = set(contract.body_schema(service.path)["properties"])
    if record.id == "stable-image-ultra" and mode is Mode.TEXT_TO_IMAGE:
        spec -= {"image", "strength"}
    if model_of(service).startswith("sd3.5"):
        spec -= {"aspect_ratio"} if mode is Mode.IMAGE_TO_IMAGE else {"image", "strength"}

    assert known == spec


@pytest.mark.parametrize(("record", "mode"), SERVICES)
def test_what_must_be_given_is_asked_for(record: Record, mode: Mode) -> None:
    service, engine = record.services[mode], record.engine
    required = set(contract.body_schema(service.path)["required"])
    needed = {theirs(service, one.name) for one in engine.inputs_for(mode) if one.required}
    needed |= {theirs(service, one.name) for one in engine.parameters_for(mode) if one.required}
    needed |= {theirs(service, "prompt")} if engine.prompt_for(mode) is PromptNeed.REQUIRED else set()
    if mode is Mode.INPAINTING and service.dialect == "v1":
        required -= {"mask_source"}  # found out from what was given
    if mode is Mode.IMAGE_TO_IMAGE:
        required |= {"image"} if service.dialect == "v2beta" else set()

    assert needed == required


@pytest.mark.parametrize(("record", "mode"), SERVICES)
def test_an_input_follows_the_contract_s_rules(record: Record, mode: Mode) -> None:
    service = record.services[mode]
    schema = contract.body_schema(service.path)["properties"]
    for one in record.engine.inputs_for(mode):
        rule = schema[INPUTS_OF_V1[one.name] if service.dialect == "v1" else theirs(service, one.name)]
        pictures, sounds = rule.get("x-image-rules", {}), rule.get("x-audio-rules", {})
        if one.kind == "audio":
            assert (one.min_seconds, one.max_seconds) == (sounds["min_seconds"], sounds["max_seconds"])
            assert (one.formats, sounds["formats"]) == (("audio/mpeg", "audio/wav"), ["mp3", "wav"])
            continue
        assert one.min_side == pictures.get("min_side", pictures.get("min_width"))
        assert one.max_side == pictures.get("max_width")
        assert (one.min_pixels, one.max_pixels) == (pictures.get("min_pixels"), pictures.get("max_pixels"))
        assert one.max_ratio == (2.5 if "aspect_ratio_max" in pictures else None)
        if pictures:
            assert {f"image/{name}" for name in pictures["formats"]} == set(one.formats)


@pytest.mark.parametrize(("record", "mode"), SERVICES)
def test_prompts_and_seeds_are_as_long_and_large_as_the_contract_allows(record: Record, mode: Mode) -> None:
    service, engine = record.services[mode], record.engine
    schema = contract.body_schema(service.path)["properties"]
    assert engine.max_seed == schema.get("seed", {}).get("maximum")
    if service.dialect == "v1":
        text = contract.resolved("v1", {"$ref": "#/components/schemas/TextPrompt"})["properties"]["text"]
        assert engine.max_prompt_length == text["maxLength"]
        assert engine.max_images == schema["samples"]["maximum"]
    elif engine.prompt_for(mode) is not PromptNeed.NONE:
        assert engine.max_prompt_length == schema[theirs(service, "prompt")]["maxLength"]


@pytest.mark.parametrize(("record", "mode"), SERVICES)
def test_weights_are_read_where_the_contract_documents_them(record: Record, mode: Mode) -> None:
    """API.md 2.4 documents them for the prompt that services share; a prompt that is another field, or follows another rule, has none."""
    service = record.services[mode]
    if service.dialect == "v1":
        expected_dialect = "text-prompts"
    else:
        prompt = contract.operation("POST", service.path)["requestBody"]["content"]["multipart/form-data"]["schema"]
        rule = prompt["properties"].get("prompt", {})
        expected_dialect = "v2beta" if "/schemas/Prompt" in str(rule) else ""
    assert record.engine.weights == expected_dialect


def test_the_sizes_of_sdxl_are_the_closed_list() -> None:
    width = contract.body_schema("/v1/generation/x/text-to-image")["properties"]["width"]

    assert [f"{w}x{h}" for w, h in SIZES] == width["x-sdxl-pairs"]


PRICES = {
    "stable-image-ultra": 8000,
    "stable-image-core": 3000,
    "sd3.5-large": 6500,
    "sd3.5-large-turbo": 4000,
    "sd3.5-medium": 3500,
    "sd3.5-flash": 2500,
    "stable-image-erase": 5000,
    "stable-image-inpaint": 5000,
    "stable-image-search-and-replace": 5000,
    "stable-image-search-and-recolor": 5000,
    "stable-image-remove-background": 5000,
    "stable-image-outpaint": 4000,
    "stable-image-replace-background-and-relight": 8000,
    "stable-diffusion-xl-1024-v1-0": 900,
    "stable-image-upscale-fast": 2000,
    "stable-image-upscale-conservative": 40_000,
    "stable-image-upscale-creative": 60_000,
    "stable-image-sketch": 5000,
    "stable-image-structure": 5000,
    "stable-image-style": 5000,
    "stable-image-style-transfer": 8000,
    "stable-fast-3d": 10_000,
    "stable-point-aware-3d": 4000,
    "stable-audio-2": 20_000,
    "stable-audio-2.5": 20_000,
    "stable-audio-3": 26_000,
}
"""Millicredits, from the table in API.md 3 (the OpenAPI files hold no prices)."""


def test_the_prices_are_those_of_the_list() -> None:
    assert {record.id: record.engine.quote(wanted(record.id)).amount for record in RECORDS.values()} == PRICES


@pytest.mark.parametrize(
    ("engine", "steps", "count", "amount"),
    [
        ("stable-diffusion-xl-1024-v1-0", 30, 2, 1800),
        ("stable-diffusion-xl-1024-v1-0", 50, 1, 1500),
        ("stable-diffusion-xl-1024-v1-0", 10, 1, 900),
        ("stable-audio-2", 100, 1, 23_000),
        ("stable-audio-2", 30, 1, 18_800),
        ("stable-audio-2", None, 1, 20_000),
    ],
)
def test_some_prices_depend_on_the_steps(engine: str, steps: int | None, count: int, amount: int) -> None:
    request = wanted(engine, num_inference_steps=steps, num_images=count)

    assert RECORDS[engine].engine.quote(request).amount == amount


def test_every_engine_can_be_told_apart_and_drawn() -> None:
    engines: list[Engine] = [record.engine for record in RECORDS.values()]

    assert len({engine.label for engine in engines}) == len(engines) == 26
    assert {(engine.backend, engine.queue) for engine in engines} == {("stability", "stability")}
    assert {mode for engine in engines for mode in engine.modes} == set(Mode)
    assert all(set(record.services) == set(record.engine.modes) for record in RECORDS.values())
    assert all(hash(engine) for engine in engines)


def test_a_setting_is_no_other_field_of_a_request() -> None:
    """A parameter's name is a field of `GenerationRequest` only where it means the same."""
    known = {field.name for field in fields(GenerationRequest)}
    names = {parameter.name for record in RECORDS.values() for parameter in record.engine.parameters}

    assert names & known == {"num_inference_steps", "guidance_scale", "scheduler", "strength"}
