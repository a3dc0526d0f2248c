"""Other people's models: three families with random weights run in all modes, leave memory when others come, and fail in words."""

from __future__ import annotations

import io
import json
import logging
from collections import ChainMap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from studio.backends.base import EngineState, GenerationRequest, Mode
from studio.backends.diffusers import DiffusersBackend, devices, pipelines
from studio.backends.errors import EngineFailed, ModelUnusable, NotConfigured, OutOfMemory, RequestCanceled
from tests.backends import tiny_models
from tests.backends.conftest import Watcher, difference, generate, generate_batch, picture, png, request

Operator = Callable[..., DiffusersBackend]
INPUT = png(Image.linear_gradient("L").resize((96, 80)).convert("RGB"))


def models(folders: Mapping[str, Path], *names: str, extra: str = "") -> str:
    return "".join(f'[[model]]\nid = "{name}"\npath = "{folders[name]}"\n{extra}' for name in names)


def half_mask() -> bytes:
    mask = Image.new("L", (96, 80), 0)
    ImageDraw.Draw(mask).rectangle((48, 0, 95, 79), fill=255)
    return png(mask)


def wanted(engine: str, mode: Mode = Mode.TEXT_TO_IMAGE, **settings: Any) -> GenerationRequest:
    inputs: dict[str, Any] = {"image": INPUT} if mode.needs_image else {}
    if mode.needs_mask:
        inputs["mask_image"] = half_mask()
    return request(engine=engine, mode=mode, **{"prompt": "a harbour", "num_inference_steps": 4, **inputs, **settings})


@pytest.mark.parametrize("name", ["sd", "sdxl", "sd3"])
def test_one_set_of_weights_serves_three_modes(operator: Operator, model_folders: dict[str, Path], name: str) -> None:
    backend = operator(models(model_folders, name))
    made = {
        mode: generate(backend, wanted(name, mode, num_images=2)) for mode in (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING)
    }
    assert [[picture(media).size for media in one] for one in made.values()] == [[(64, 64)] * 2] * 3
    assert len({media.data for one in made.values() for media in one}) == 6
    steps = {mode: int(one[0].info["steps"]) for mode, one in made.items()}
    assert steps[Mode.TEXT_TO_IMAGE] == steps[Mode.INPAINTING]
    assert steps[Mode.IMAGE_TO_IMAGE] < steps[Mode.TEXT_TO_IMAGE]  # strength 0.6 leaves out the first steps
    assert backend.shelf.ids() == [name]
    weights = backend.shelf.get(name, backend.catalog.described()[0].folder.fingerprint, pytest.fail)  # type: ignore[union-attr, arg-type]
    pipes = [weights.pipe(mode, weights.config.scheduler or "Euler") for mode in made]
    assert len({id(pipe.vae) for pipe in pipes}) == 1
    assert len({id(pipe.scheduler) for pipe in pipes}) == 3
    assert generate(backend, wanted(name, num_images=2))[1].data == made[Mode.TEXT_TO_IMAGE][1].data


def test_pixels_outside_the_mask_are_those_of_the_fitted_picture(operator: Operator, model_folders: dict[str, Path]) -> None:
    backend = operator(models(model_folders, "sd"))
    made = picture(generate(backend, wanted("sd", Mode.INPAINTING))[0])
    from studio.backends.diffusers.images import fit

    fitted = fit(Image.open(io.BytesIO(INPUT)), (64, 64))
    left = (0, 0, 30, 64)
    assert difference(made.crop(left), fitted.crop(left)) == (0, 0.0)
    assert difference(made, fitted)[0] > 0


def test_other_sizes_and_little_strength(operator: Operator, model_folders: dict[str, Path]) -> None:
    backend = operator(models(model_folders, "sd"))
    [media] = generate(backend, wanted("sd", width=96, height=64))
    assert (picture(media).size, media.width, media.height) == ((96, 64), 96, 64)
    [media] = generate(backend, wanted("sd", Mode.IMAGE_TO_IMAGE, strength=0.05))
    assert media.info["steps"] >= 1


def test_every_sampler_of_a_four_channel_model_runs_in_every_mode(operator: Operator, model_folders: dict[str, Path]) -> None:
    backend = operator(models(model_folders, "sd"))
    names = next(p.choices for p in backend.engines()[0].parameters if p.name == "scheduler")
    requests = [
        wanted("sd", mode, scheduler=name, num_inference_steps=2)
        for name in names
        for mode in (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING)
    ]
    outcomes = generate_batch(backend, requests)
    assert [type(outcome) for outcome in outcomes] == [list] * 3 * 18


def test_previews_of_a_four_channel_model(operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.backends.diffusers.previews.INTERVAL", 0.0)
    monkeypatch.setattr("studio.backends.diffusers.previews.WAIT", 1000.0)
    backend = operator(models(model_folders, "sd"))
    watcher = Watcher()
    backend.generate_batch([wanted("sd", num_images=2)], on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    previews = [progress.preview for progress in watcher.seen[0]]
    assert [preview is not None for preview in previews] == [True, True, True, True, False]  # PNDM takes one more step than asked
    assert previews[0] is not None
    assert Image.open(io.BytesIO(previews[0])).size == (64, 64)


def test_the_preview_matrix_is_fitted_once(operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    generate(operator(models(model_folders, "sd")), wanted("sd"))
    monkeypatch.setattr("studio.backends.diffusers.previews.fit", pytest.fail)
    generate(operator(models(model_folders, "sd")), wanted("sd"))


def test_the_least_recently_used_model_leaves_memory(operator: Operator, model_folders: dict[str, Path], tmp_path: Path) -> None:
    third = tiny_models.copy(model_folders["sd"], tmp_path / "third")
    backend = operator(models(ChainMap({"third": third}, model_folders), "sd", "sdxl", "third"), MAX_LOADED=2, STORYBOOK=True)
    generate(backend, wanted("sd"))
    generate(backend, request(num_inference_steps=1))
    generate(backend, wanted("sdxl"))
    assert backend.shelf.ids() == ["sd", "storybook", "sdxl"]
    generate(backend, wanted("sd"))
    generate(backend, wanted("third"))
    assert backend.shelf.ids() == ["storybook", "sd", "third"]
    generate(backend, wanted("sdxl"))
    assert backend.shelf.ids() == ["storybook", "third", "sdxl"]


def test_a_budget_of_memory(operator: Operator, model_folders: dict[str, Path]) -> None:
    backend = operator(models(model_folders, "sd", "sdxl"), MAX_LOADED="100GB")
    first = generate(backend, wanted("sd"))
    generate(backend, wanted("sdxl"))
    assert backend.shelf.ids() == ["sd", "sdxl"]
    backend = operator(models(model_folders, "sd", "sdxl"), MAX_LOADED="0.001MB")
    generate(backend, wanted("sdxl"))
    assert generate(backend, wanted("sd"))[0].data == first[0].data
    assert backend.shelf.ids() == ["sd"]


def test_a_model_whose_files_changed_is_loaded_again(operator: Operator, model_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tiny_models.copy(model_folders["sd"], tmp_path / "model")
    backend = operator(f'[[model]]\nid = "mine"\npath = "{folder}"\n')
    before = generate(backend, wanted("mine"))
    torch = devices.import_torch()
    from safetensors.torch import load_file, save_file

    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    save_file({name: tensor + 0.05 * torch.ones_like(tensor) for name, tensor in load_file(weights).items()}, weights)
    (folder / "unet" / "changed").touch()
    (folder / "model_index.json").touch()
    assert generate(backend, wanted("mine"))[0].data != before[0].data


def other_shape(folder: Path) -> None:
    config = json.loads((folder / "unet" / "config.json").read_text("utf-8"))
    (folder / "unet" / "config.json").write_text(json.dumps(config | {"block_out_channels": [64, 64]}), "utf-8")


def empty_tokenizer(folder: Path) -> None:
    (folder / "tokenizer" / "tokenizer.json").write_text("{}", "utf-8")


def unreadable_tensors(folder: Path) -> None:
    """As long as it says, but a type that does not exist."""
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes().replace(b'"F32"', b'"F99"'))


@pytest.mark.parametrize("damage", [other_shape, empty_tokenizer, unreadable_tensors])
def test_a_model_that_does_not_load_says_so_and_others_go_on(
    operator: Operator, model_folders: dict[str, Path], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = tiny_models.copy(model_folders["sd"], tmp_path / "damaged")
    damage(folder)
    toml = models(ChainMap({"bad": folder}, model_folders), "bad", "sd")
    backend = operator(toml)
    assert [engine.state for engine in backend.engines()] == [EngineState.READY, EngineState.READY]
    bad, fine = generate_batch(backend, [wanted("bad"), wanted("sd")])
    assert isinstance(bad, ModelUnusable)
    assert bad.message in (
        "The model's configuration and weights do not fit together (ValueError).",
        "The model's configuration and weights do not fit together (KeyError).",
        "A file of the model is missing or cannot be read.",
        "The model's weights are broken: a safetensors file cannot be read.",
    )
    assert len(fine) == 1
    elsewhere = operator(toml)  # the web process, which shares the data folder
    told = [(engine.state, engine.state_detail) for engine in elsewhere.engines()]
    assert told == [(EngineState.BROKEN, bad.message), (EngineState.READY, "")]
    assert list(elsewhere.problems()) == [f"Model “bad”: {bad.message} ({folder})"]


def test_a_worker_that_starts_tries_a_model_that_did_not_load_anew(
    operator: Operator, model_folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = tiny_models.copy(model_folders["sd"], tmp_path / "damaged")
    other_shape(folder)
    backend = operator(models({"bad": folder}, "bad"))
    with pytest.raises(ModelUnusable):
        backend.warm_up()
    assert backend.engines()[0].state is EngineState.BROKEN
    backend = operator(models(ChainMap({"bad": folder}, model_folders), "bad", "sd"))
    backend.warm_up()
    assert backend.shelf.ids() == ["sd"]
    assert [engine.state for engine in backend.engines()] == [EngineState.BROKEN, EngineState.READY]


def test_a_folder_that_goes_away_between_the_page_and_the_run(operator: Operator, model_folders: dict[str, Path], tmp_path: Path) -> None:
    folder = tiny_models.copy(model_folders["sd"], tmp_path / "model")
    backend = operator(f'[[model]]\nid = "mine"\npath = "{folder}"\n')
    assert backend.engines()[0].state is EngineState.READY
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(ModelUnusable) as raised:
        generate(backend, wanted("mine"))
    assert raised.value.message == "The model's folder does not exist."


def test_a_gpu_that_is_not_there(operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.import_torch().cuda, "is_available", lambda: False)
    backend = operator(models(model_folders, "sd", extra='device = "cuda"\n'))
    with pytest.raises(NotConfigured, match="set to run on a GPU, and the runner sees none"):
        generate(backend, wanted("sd"))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_operator_chooses_the_dtype(operator: Operator, model_folders: dict[str, Path], dtype: str) -> None:
    backend = operator(models(model_folders, "sd", extra=f'dtype = "{dtype}"\ndevice = "cpu"\n'))
    [media] = generate(backend, wanted("sd"))
    assert (media.info["dtype"], media.info["device"]) == (dtype, "cpu")


class Memory:
    """A UNet that runs out of memory for more than `fits` pictures at once (twice that many rows, because of guidance)."""

    def __init__(self, forward: Callable[..., Any], fits: int) -> None:
        self.forward, self.fits, self.refused, self.rows = forward, fits, 0, []

    def __call__(self, sample: Any, *args: Any, **kwargs: Any) -> Any:
        self.rows.append(len(sample) // 2)
        if len(sample) // 2 > self.fits:
            self.refused += 1
            raise devices.import_torch().OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return self.forward(sample, *args, **kwargs)


def limited(backend: DiffusersBackend, monkeypatch: pytest.MonkeyPatch, fits: int) -> Memory:
    generate(backend, wanted("sd"))
    fingerprint = backend.catalog.described()[0].folder.fingerprint  # type: ignore[union-attr]
    unet = backend.shelf.get("sd", fingerprint, pytest.fail).base.unet  # type: ignore[arg-type]
    memory = Memory(unet.forward, fits)
    monkeypatch.setattr(unet, "forward", memory)
    return memory


def test_out_of_memory_is_tried_once_more_in_less(
    operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = operator(models(model_folders, "sd"))
    asked = [wanted("sd", seed=1, num_images=2), wanted("sd", seed=5, num_images=2)]
    alone = [generate(backend, one) for one in asked]
    saved: list[str] = []
    monkeypatch.setattr(pipelines.Weights, "save_memory", _noted(pipelines.Weights.save_memory, saved, "save"))
    monkeypatch.setattr(pipelines.Weights, "spend_memory", _noted(pipelines.Weights.spend_memory, saved, "spend"))
    memory = limited(backend, monkeypatch, fits=2)
    memory.rows.clear()
    together = generate_batch(backend, asked)
    assert memory.rows == [4] + [1] * 4 * 5  # four pictures at once, refused; then one after another, five steps each
    assert saved == ["save", "spend"]
    for one, other in zip(alone, together, strict=True):
        assert [media.seed for media in other] == [media.seed for media in one]
        assert max(difference(picture(a), picture(b))[1] for a, b in zip(one, other, strict=True)) < 3
    memory.rows.clear()
    generate_batch(backend, asked)
    assert memory.rows == [2] * 5 * 2  # what did not fit is not tried again


def test_a_cancel_while_memory_is_short_leaves_the_others_alone(
    operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = operator(models(model_folders, "sd"))
    limited(backend, monkeypatch, fits=1)
    watcher = Watcher(cancel={0}, after=2)
    asked = [wanted("sd", seed=seed) for seed in (1, 2, 3)]
    outcomes = backend.generate_batch(asked, on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    assert [type(outcome) for outcome in outcomes] == [RequestCanceled, list, list]
    assert [len(watcher.seen[place]) for place in range(3)] == [2, 5, 5]


def _noted(method: Callable[[Any], None], notes: list[str], note: str) -> Callable[[Any], None]:
    def noted(self: Any) -> None:
        notes.append(note)
        method(self)

    return noted


def test_out_of_memory_twice_is_said_and_the_model_stays_usable(
    operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = operator(models(model_folders, "sd"))
    memory = limited(backend, monkeypatch, fits=0)
    with pytest.raises(OutOfMemory) as raised:
        generate(backend, wanted("sd"))
    assert raised.value.message == "There is not enough memory for this picture. Try a smaller size or fewer pictures."
    assert memory.refused == 2
    memory.fits = 1
    assert len(generate(backend, wanted("sd"))) == 1


def test_a_load_that_does_not_fit_makes_the_others_leave(
    operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.backends.diffusers import loading

    backend = operator(models(model_folders, "sd", "sdxl"), MAX_LOADED=5)
    generate(backend, wanted("sd"))
    load, calls = loading.load, []

    def once_too_big(*args: Any, **kwargs: Any) -> pipelines.Weights:
        calls.append(backend.shelf.ids())
        if len(calls) == 1:
            raise OutOfMemory
        return load(*args, **kwargs)

    monkeypatch.setattr(loading, "load", once_too_big)
    assert len(generate(backend, wanted("sdxl"))) == 1
    assert calls == [["sd"], []]
    assert backend.shelf.ids() == ["sdxl"]


def test_a_failure_in_the_middle_is_logged_without_the_prompt(
    operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    backend = operator(models(model_folders, "sd"))
    memory = limited(backend, monkeypatch, fits=8)
    prompt = "a secret harbour"

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError(f"cannot digest: {prompt}")

    memory.forward = fail
    with caplog.at_level(logging.DEBUG), pytest.raises(EngineFailed) as raised:
        generate(backend, wanted("sd", prompt=prompt))
    assert raised.value.message == "The engine failed."
    [record] = [record for record in caplog.records if record.name.startswith("studio.")]
    assert record.getMessage().startswith("model sd failed with ValueError")
    assert prompt not in caplog.text


def test_nothing_of_a_prompt_is_printed_or_logged(
    operator: Operator, model_folders: dict[str, Path], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Libraries print what they cut off a long prompt."""
    backend = operator(models(model_folders, "sd"))
    with caplog.at_level(logging.DEBUG):
        generate(backend, wanted("sd", prompt="lighthouse " * 300, negative_prompt="quarrel " * 300))
    printed = capfd.readouterr()
    for text in (caplog.text, printed.out, printed.err):
        assert "lighthouse" not in text
        assert "quarrel" not in text


def test_the_models_own_filter_is_heeded(operator: Operator, model_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    backend = operator(models(model_folders, "sd"))
    generate(backend, wanted("sd"))
    fingerprint = backend.catalog.described()[0].folder.fingerprint  # type: ignore[union-attr]
    base = backend.shelf.get("sd", fingerprint, pytest.fail).base  # type: ignore[arg-type]
    monkeypatch.setattr(base, "run_safety_checker", lambda image, device, dtype: (image, [False, True]))
    shown, held = generate(backend, wanted("sd", num_images=2))
    assert (shown.filtered, held.filtered) == (False, True)
    assert (len(held.data), held.seed, held.index) == (0, 8, 1)
    assert len(shown.data) > 0
