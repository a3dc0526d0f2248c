"""The operator's file of models: what it may say, and a sentence for everything that it may not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studio.backends.diffusers.config import ModelConfig, read_models

GOOD = """
[[model]]
id = "sdxl"
label = "Stable Diffusion XL"
path = "weights/sdxl"
dtype = "float16"
device = "cuda:1"
price = 1.5
description = "Photographs and paintings."
examples = ["a harbour at dawn"]
batch_limit = 2
[model.defaults]
num_inference_steps = 28
guidance_scale = 5
scheduler = "DPM++ 2M Karras"
width = 1024
height = 768
"""


def read(tmp_path: Path, text: str) -> tuple[list[ModelConfig], list[str]]:
    file = tmp_path / "models.toml"
    file.write_text(text, "utf-8")
    found = read_models(file, taken=frozenset({"storybook"}))
    return list(found.models), list(found.problems)


def test_everything_a_model_can_say(tmp_path: Path) -> None:
    (tmp_path / "weights" / "sdxl").mkdir(parents=True)
    [model], problems = read(tmp_path, GOOD)
    assert problems == []
    assert model == ModelConfig(
        id="sdxl",
        label="Stable Diffusion XL",
        folder=tmp_path / "weights" / "sdxl",
        dtype="float16",
        device="cuda:1",
        price=1500,
        description="Photographs and paintings.",
        examples=("a harbour at dawn",),
        batch_limit=2,
        num_inference_steps=28,
        guidance_scale=5.0,
        scheduler="DPM++ 2M Karras",
        width=1024,
        height=768,
    )


def test_an_id_and_a_path_are_enough(tmp_path: Path) -> None:
    [model], problems = read(tmp_path, '[[model]]\nid = "mine"\npath = "/models/mine"\n')
    assert problems == []
    assert model == ModelConfig(id="mine", label="mine", folder=Path("/models/mine"))


@pytest.mark.parametrize(("price", "millicredits"), [("2", 2000), ("0.001", 1), ("1.25", 1250), ("0.5", 500)])
def test_prices_are_credits_with_decimals(tmp_path: Path, price: str, millicredits: int) -> None:
    [model], problems = read(tmp_path, f'[[model]]\nid = "mine"\npath = "/m"\nprice = {price}\n')
    assert (model.price, problems) == (millicredits, [])


@pytest.mark.parametrize(
    ("path", "folder", "hub_id"),
    [
        ("org/name", None, "org/name"),
        ("./org/name", "org/name", ""),
        ("/abs/name", "/abs/name", ""),
        ("name", "name", ""),
        ("a/b/c", "a/b/c", ""),
        ("there/too", "there/too", ""),
    ],
)
def test_a_path_is_a_folder_when_it_exists_or_looks_like_one(tmp_path: Path, path: str, folder: str | None, hub_id: str) -> None:
    (tmp_path / "there" / "too").mkdir(parents=True)
    [model], _ = read(tmp_path, f'[[model]]\nid = "mine"\npath = "{path}"\n')
    assert model.folder == (tmp_path / folder if folder else None)
    assert model.hub_id == hub_id


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("price = 0", "price must be more than 0 credits, with at most three decimals."),
        ("price = -1", "price must be more than 0 credits, with at most three decimals."),
        ("price = 0.0001", "price must be more than 0 credits, with at most three decimals."),
        ("price = nan", "price must be more than 0 credits, with at most three decimals."),
        ('price = "1"', "price must be a number, not '1'."),
        ("label = 3", "label must be text, not 3."),
        ('dtype = "int8"', "dtype must be one of auto, float32, float16, bfloat16, not 'int8'."),
        ('device = "tpu"', "device must be auto, cpu, cuda, cuda:1 (or another number) or mps, not 'tpu'."),
        ("batch_limit = 0", "batch_limit must be from 1 to 64, not 0."),
        ("batch_limit = true", "batch_limit must be a whole number, not True."),
        ("examples = [1]", "examples must be a list of texts."),
        (
            "steps = 3",
            "unknown key “steps”; known are id, label, path, revision, dtype, device, price, description, examples, batch_limit, defaults.",
        ),
        ("defaults = { steps = 3 }", "unknown default “steps”; known are num_inference_steps, guidance_scale, scheduler, width, height."),
        ("defaults = { num_inference_steps = 1000 }", "num_inference_steps must be from 1 to 100, not 1000."),
        ("defaults = { guidance_scale = 99.5 }", "guidance_scale must be from 0 to 30, not 99.5."),
        ("defaults = { width = 12 }", "width must be from 64 to 4096, not 12."),
    ],
)
def test_a_mistake_is_a_sentence_and_the_model_stays_visible(tmp_path: Path, line: str, sentence: str) -> None:
    [broken, fine], problems = read(tmp_path, f'[[model]]\nid = "mine"\npath = "/m"\n{line}\n[[model]]\nid = "other"\npath = "/o"\n')
    assert problems == [f"models.toml, model “mine”: {sentence}"]
    assert (broken.id, broken.mistake) == ("mine", sentence)
    assert (fine.id, fine.mistake) == ("other", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[[model]]\npath = "/m"\n',
            "models.toml, model number 1: id is missing or is not made of small letters, digits, dots and dashes.",
        ),
        (
            '[[model]]\nid = "Mine!"\npath = "/m"\n',
            "models.toml, model number 1: id is missing or is not made of small letters, digits, dots and dashes.",
        ),
        ('[[model]]\nid = "storybook"\npath = "/m"\n', "models.toml, model “storybook”: this id is already taken."),
        ('[model]\nid = "mine"\n', "models.toml: models are written as [[model]], with two brackets."),
        ('[models]\nid = "mine"\n', "models.toml: unknown key “models”; models are written as [[model]]."),
    ],
)
def test_a_model_without_a_usable_id_is_only_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    assert read(tmp_path, text) == ([], [sentence])


def test_an_id_given_twice(tmp_path: Path) -> None:
    models, problems = read(tmp_path, '[[model]]\nid = "mine"\npath = "/a"\n[[model]]\nid = "mine"\npath = "/b"\n')
    assert [model.folder for model in models] == [Path("/a")]
    assert problems == ["models.toml, model “mine”: this id is already taken."]


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    models, [problem] = read(tmp_path, "[[model]\n")
    assert models == []
    assert problem.startswith(f"{tmp_path / 'models.toml'} is not valid TOML: ")


def test_no_file_is_no_mistake_and_an_unreadable_one_is(tmp_path: Path) -> None:
    assert read_models(tmp_path / "absent.toml").problems == ()
    assert read_models(tmp_path).problems == (f"The file of models {tmp_path} cannot be read: IsADirectoryError.",)
    (tmp_path / "latin.toml").write_bytes(b'[[model]]\nid = "caf\xe9"\n')
    assert read_models(tmp_path / "latin.toml").problems == (
        f"The file of models {tmp_path / 'latin.toml'} cannot be read: UnicodeDecodeError.",
    )


def test_the_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    from studio.backends.diffusers import DiffusersBackend

    file = tmp_path / "models.toml"
    backend = DiffusersBackend("diffusers", {"MODELS_FILE": file, "STORYBOOK": False})
    assert backend.engines() == ()
    file.write_text('[[model]]\nid = "one"\npath = "/absent/one"\n', "utf-8")
    assert [engine.id for engine in backend.engines()] == ["one"]
    file.write_text('[[model]]\nid = "two"\npath = "/absent/two"\n', "utf-8")
    os.utime(file, ns=(1, 1))
    assert [engine.id for engine in backend.engines()] == ["two"]
    file.unlink()
    assert backend.engines() == ()
