"""What a model's folder says becomes an engine, or an engine that says what is wrong with the folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.backends.base import Engine, EngineState, Mode
from studio.backends.diffusers import DiffusersBackend
from tests.backends import tiny_models

Operator = Callable[..., DiffusersBackend]


def engine_of(operator: Operator, path: Path, extra: str = "") -> tuple[Engine, list[str]]:
    backend = operator(f'[[model]]\nid = "mine"\nlabel = "Mine"\npath = "{path}"\n{extra}')
    [engine] = backend.engines()
    return engine, list(backend.problems())


def edit(file: Path, **changes: Any) -> None:
    data = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(data | changes), "utf-8")


def parameters(engine: Engine, mode: Mode = Mode.TEXT_TO_IMAGE) -> dict[str, Any]:
    return {parameter.name: parameter for parameter in engine.parameters_for(mode)}


def test_a_stable_diffusion_folder(operator: Operator, model_folders: dict[str, Path]) -> None:
    engine, problems = engine_of(operator, model_folders["sd"], 'price = 0.25\ndescription = "Noise."\n')
    assert problems == []
    assert (engine.state, engine.label, engine.queue, engine.backend, engine.local) == (
        EngineState.READY,
        "Mine",
        "diffusers",
        "diffusers",
        True,
    )
    assert engine.modes == (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING)
    assert engine.price.per_image == 250
    assert engine.size is not None
    assert (engine.size.default, engine.size.multiple_of, engine.size.minimum, engine.size.maximum) == ((64, 64), 8, 32, 128)
    assert (engine.max_images, engine.batch_limit, engine.negative_prompt) == (8, 4, True)
    assert parameters(engine)["scheduler"].default == "PNDM"
    assert {"DPM++ 2M Karras", "Euler a", "DDIM", "UniPC", "LMS", "Heun", "DPM++ SDE"} < set(parameters(engine)["scheduler"].choices)
    assert (parameters(engine)["num_inference_steps"].default, parameters(engine)["guidance_scale"].default) == (30, 7.5)
    assert "strength" not in parameters(engine)
    assert parameters(engine, Mode.IMAGE_TO_IMAGE)["strength"].default == 0.6
    assert parameters(engine, Mode.INPAINTING)["strength"].default == 1.0


def test_a_flow_matching_folder_has_its_own_schedulers(operator: Operator, model_folders: dict[str, Path]) -> None:
    engine, _ = engine_of(operator, model_folders["sd3"])
    assert parameters(engine)["scheduler"].choices == ("Euler", "Heun")
    assert engine.size is not None
    assert (engine.size.default, engine.size.multiple_of) == ((64, 64), 16)


def test_the_operators_defaults(operator: Operator, model_folders: dict[str, Path]) -> None:
    defaults = '[model.defaults]\nnum_inference_steps = 12\nguidance_scale = 3.5\nscheduler = "Euler a"\nwidth = 96\nheight = 64\n'
    engine, problems = engine_of(operator, model_folders["sd"], defaults)
    assert problems == []
    chosen = parameters(engine)
    assert [chosen[name].default for name in ("num_inference_steps", "guidance_scale", "scheduler")] == [12, 3.5, "Euler a"]
    assert engine.size is not None
    assert engine.size.default == (96, 64)


@pytest.mark.parametrize(
    ("defaults", "sentence"),
    [
        ('scheduler = "Euler b"', "its default scheduler “Euler b” is none of PNDM, DPM++ 2M, "),
        ("width = 100", "Width must be a multiple of 8: 100 is not; 96 is the nearest."),
        ("height = 1024", "Height must be from 32 to 128 pixels, not 1024."),
    ],
)
def test_defaults_that_the_model_cannot_take(operator: Operator, model_folders: dict[str, Path], defaults: str, sentence: str) -> None:
    engine, [problem] = engine_of(operator, model_folders["sd"], f"[model.defaults]\n{defaults}\n")
    assert engine.state is EngineState.BROKEN
    assert engine.state_detail.startswith(f"This model is not set up right: {sentence}")
    assert problem.startswith(f"Model “mine”: {sentence}")


def test_a_mistake_in_the_file_shows_on_the_engine(operator: Operator, model_folders: dict[str, Path]) -> None:
    engine, [problem] = engine_of(operator, model_folders["sd"], 'colour = "red"\n')
    assert engine.state is EngineState.BROKEN
    assert engine.state_detail.startswith("This model is not set up right: unknown key “colour”")
    assert problem.startswith("models.toml, model “mine”: unknown key “colour”")


def broken_json(folder: Path) -> None:
    (folder / "unet" / "config.json").write_text("{", "utf-8")


def no_index(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def no_part(folder: Path) -> None:
    for file in (folder / "vae").iterdir():
        file.unlink()
    (folder / "vae").rmdir()


def pickles(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "diffusion_pytorch_model.bin")


def no_weights(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()


def cut_off(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])


def other_content(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")


def own_pipeline(folder: Path) -> None:
    edit(folder / "model_index.json", _class_name=["pipeline", "MyPipeline"])


def own_part(folder: Path) -> None:
    edit(folder / "model_index.json", unet=["my_unet", "MyUNet"])


def other_pipeline(folder: Path) -> None:
    edit(folder / "model_index.json", _class_name="StableVideoDiffusionPipeline")


def no_denoiser(folder: Path) -> None:
    edit(folder / "model_index.json", unet=[None, None])


def half_a_download(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(folder / "unet" / "diffusion_pytorch_model-00001-of-00002.safetensors")
    index = {
        "weight_map": {"a": "diffusion_pytorch_model-00001-of-00002.safetensors", "b": "diffusion_pytorch_model-00002-of-00002.safetensors"}
    }
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index), "utf-8")


NEEDS_CODE = "The model needs its own code to run, and the runner never runs code from a model's folder."


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (no_index, "The model's folder has no model_index.json, so it is not in the diffusers format."),
        (broken_json, "The model's unet/config.json is broken: it cannot be read as JSON."),
        (no_part, "The model's folder has no vae, although model_index.json names it."),
        (pickles, "The model's unet comes only as a pickle file, which can run code when it is opened; convert it to safetensors."),
        (no_weights, "The model's unet has no safetensors weights."),
        (cut_off, "The model's unet is broken: diffusion_pytorch_model.safetensors is cut off or is no safetensors file."),
        (other_content, "The model's unet is broken: diffusion_pytorch_model.safetensors is cut off or is no safetensors file."),
        (own_pipeline, NEEDS_CODE),
        (own_part, NEEDS_CODE),
        (other_pipeline, "The model is a StableVideoDiffusionPipeline, which is not a text-to-image pipeline that the runner knows."),
        (no_denoiser, "The model's model_index.json names neither a unet nor a transformer."),
        (half_a_download, "The model's unet lacks diffusion_pytorch_model-00002-of-00002.safetensors, so its download is not complete."),
    ],
)
def test_a_damaged_folder(
    operator: Operator, model_folders: dict[str, Path], tmp_path: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    folder = tiny_models.copy(model_folders["sd"], tmp_path / "broken")
    damage(folder)
    engine, problems = engine_of(operator, folder)
    assert (engine.state, engine.state_detail) == (EngineState.BROKEN, sentence)
    assert problems == [f"Model “mine”: {sentence} ({folder})"]


def test_a_missing_folder_and_a_single_file(operator: Operator, tmp_path: Path) -> None:
    engine, problems = engine_of(operator, tmp_path / "absent")
    assert (engine.state, engine.state_detail) == (EngineState.NOT_INSTALLED, "The model's folder does not exist.")
    assert problems == [f"Model “mine”: The model's folder does not exist. ({tmp_path / 'absent'})"]
    (tmp_path / "one.safetensors").write_bytes(b"")
    engine, _ = engine_of(operator, tmp_path / "one.safetensors")
    assert engine.state is EngineState.BROKEN
    assert engine.state_detail == "The model's path is a single file; the runner reads folders in the diffusers format."


def test_a_folder_that_is_mended_is_ready_at_once(operator: Operator, model_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tiny_models.copy(model_folders["sd"], tmp_path / "model")
    backend = operator(f'[[model]]\nid = "mine"\npath = "{folder}"\n')
    (folder / "model_index.json").rename(folder / "away.json")
    assert [engine.state for engine in backend.engines()] == [EngineState.BROKEN]
    (folder / "away.json").rename(folder / "model_index.json")
    assert [engine.state for engine in backend.engines()] == [EngineState.READY]


def test_weights_of_a_variant(operator: Operator, model_folders: dict[str, Path], tmp_path: Path) -> None:
    from studio.backends.diffusers.folders import inspect

    folder = tiny_models.copy(model_folders["sd"], tmp_path / "half")
    for part in ("unet", "vae"):
        (folder / part / "diffusion_pytorch_model.safetensors").rename(folder / part / "diffusion_pytorch_model.fp16.safetensors")
    (folder / "text_encoder" / "model.safetensors").rename(folder / "text_encoder" / "model.fp16.safetensors")
    assert inspect(folder).variant == "fp16"
    assert inspect(model_folders["sd"]).variant is None


def test_an_inpainting_unet_only_makes_pictures_from_text(operator: Operator, model_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tiny_models.copy(model_folders["sd"], tmp_path / "wide")
    edit(folder / "unet" / "config.json", in_channels=9)
    engine, _ = engine_of(operator, folder)
    assert engine.modes == (Mode.TEXT_TO_IMAGE,)


def test_switched_off_it_offers_nothing(operator: Operator, tmp_path: Path) -> None:
    backend = operator(f'[[model]]\nid = "mine"\npath = "{tmp_path / "absent"}"\n', ENABLED=False)
    assert (backend.engines(), backend.problems()) == ((), ())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"MAX_LOADED": 0}, "MAX_LOADED must be a number of models from 1, or memory such as “12GB”, not 0."),
        ({"MAX_LOADED": "lots"}, "MAX_LOADED must be a number of models from 1, or memory such as “12GB”, not 'lots'."),
        ({"THREADS": 0}, "THREADS must be a whole number from 1, not 0."),
    ],
)
def test_wrong_options_are_sentences(options: dict[str, Any], sentence: str) -> None:
    assert list(DiffusersBackend("diffusers", options).problems()) == [sentence]


def test_an_unknown_option_is_a_sentence() -> None:
    [problem] = DiffusersBackend("diffusers", {"MODEL_FILE": "x"}).problems()
    assert problem.startswith("Unknown option MODEL_FILE of the diffusers backend; known are DATA_DIR, ")


def test_storybook_is_described_without_reading_its_weights() -> None:
    storybook, upscaler = DiffusersBackend("diffusers", {}).engines()
    assert (storybook.id, storybook.label, storybook.queue, storybook.local) == ("storybook", "Storybook", "diffusers", True)
    assert (storybook.price.per_image, storybook.batch_limit, storybook.max_images, storybook.negative_prompt) == (1000, 8, 8, True)
    assert storybook.size is not None
    assert storybook.size.default == (512, 512)
    assert {(512, 512), (640, 384), (384, 640)} <= set(storybook.size.choices)
    assert len(storybook.examples) == 8
    assert parameters(storybook)["num_inference_steps"].default == 20
    assert parameters(storybook)["guidance_scale"].default == 4.0
    assert (upscaler.id, upscaler.modes, upscaler.price.per_image, upscaler.size) == ("storybook-upscale", (Mode.UPSCALING,), 500, None)
