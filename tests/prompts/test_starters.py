"""The templates that come with the studio: each is whole, says what it does, and works with nothing filled in."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from studio.backends import registry
from studio.backends.diffusers import builtin
from studio.backends.diffusers.backend import DiffusersBackend
from studio.prompts import exchange
from studio.prompts.exchange import Format
from studio.prompts.language import compose, resolve
from studio.prompts.starters import COVERS, HERE, SLUGS, starter, starters
from studio.prompts.starters.making import recipes, request_for

STORYBOOK = [slug for slug in SLUGS if starter(slug).content.engine == "storybook"]


def text_of(slug: str, values: dict[str, object], seed: int = 1) -> str:
    content = starter(slug).content
    cleaned, problems = content.fill(values)
    assert problems == {}
    prompt = compose([(one.text, one.locked) for one in content.sections], fields=content.by_name)
    return resolve(prompt, values=content.words(cleaned), seed=seed, wildcards={}).text


def test_every_file_is_a_starter() -> None:
    assert sorted(path.stem for path in HERE.glob("*.json") if path.stem != "covers") == sorted(SLUGS)
    assert len(SLUGS) == 11
    assert len(STORYBOOK) == 3


@pytest.mark.parametrize("slug", SLUGS)
def test_a_starter_makes_sense(slug: str) -> None:
    (entry,) = exchange.read((HERE / f"{slug}.json").read_bytes())
    template = starter(slug)
    content = template.content

    assert (entry.problems, entry.notes, content.problems(), content.warnings()) == (None, (), {}, {})
    assert len(template.name) <= 40
    assert 80 <= len(template.description) <= 200
    assert 2 <= len(template.tags) <= 4
    assert len(content.fields) >= 1
    assert all(field.label for field in content.fields)
    assert any(section.locked for section in content.sections) or slug in STORYBOOK or slug == "illustration"
    assert "seed" in content.changeable


@pytest.mark.parametrize("slug", SLUGS)
def test_a_starter_works_with_nothing_filled_in_and_with_every_choice(slug: str) -> None:
    fields = starter(slug).content.fields
    texts = [text_of(slug, {}, seed) for seed in range(20)]
    texts += [text_of(slug, {field.name: choice}) for field in fields if field.type == "choice" for choice in field.choices]
    texts += [text_of(slug, {field.name: list(field.choices)}) for field in fields if field.type == "multi_choice"]
    texts += [text_of(slug, {field.name: answer}) for field in fields if field.type == "yes_no" for answer in (True, False)]

    assert [text for text in texts if re.search(r"[{}|]|,\s*,|\s,|  |^,|,$", text)] == []


def test_all_types_of_field_are_shown_somewhere() -> None:
    used = {field.type for template in starters().values() for field in template.content.fields}

    assert used == {"text", "long_text", "choice", "multi_choice", "number", "colour", "yes_no"}


@pytest.mark.parametrize("kind", list(Format))
def test_starters_go_into_every_kind_of_file(kind: Format) -> None:
    entries = exchange.read(exchange.write(kind, list(starters().values())))

    assert [entry.name for entry in entries if entry.template] == [template.name for template in starters().values()]


# --- Storybook ---------------------------------------------------------------------------------------------------------


def learned() -> set[str]:
    """Every word of the phrases from which the model's captions were made."""
    source = ast.parse((builtin.FOLDER / "training" / "captions.py").read_text())
    tables = [node.value for node in source.body if isinstance(node, ast.Assign)]
    texts = [node.value for table in tables for node in ast.walk(table) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return set(re.findall(r"[a-z0-9']+", " ".join(texts).lower()))


@pytest.mark.parametrize("slug", STORYBOOK)
def test_picture_books_use_only_words_that_the_model_has_learned(slug: str) -> None:
    content = starter(slug).content
    choices = [choice for field in content.fields for choice in (*field.choices, field.yes, field.no)]
    spelled = re.sub(r"\{[a-z_]+\}|[0-9.]+::|[{}|]", " ", " ".join([content.composed, *choices]))

    assert set(re.findall(r"[a-z0-9']+", spelled)) - learned() == set()


@pytest.mark.parametrize("slug", STORYBOOK)
def test_picture_books_are_read_to_the_end(slug: str) -> None:
    """The model reads 48 tokens, its two marks among them."""
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(builtin.FOLDER / "model" / "tokenizer")
    fields = starter(slug).content.fields
    longest = {field.name: max(field.choices, key=len) if field.choices else True for field in fields}

    assert tokenizer.model_max_length == 48
    assert len(tokenizer(text_of(slug, dict(longest)))["input_ids"]) <= 48


@pytest.mark.parametrize("slug", STORYBOOK)
def test_picture_books_ask_for_what_the_engine_has(slug: str) -> None:
    content = starter(slug).content
    (engine, *_) = DiffusersBackend("diffusers", {"STORYBOOK": True}).engines()
    names = {"size", "num_images", "seed"} | {parameter.name for parameter in engine.parameters_for(engine.modes[0])}

    assert engine.id == content.engine
    assert {*content.parameters, *content.changeable} <= names
    assert tuple(map(int, str(content.parameters["size"]).split("x"))) in builtin.SIZES.choices
    assert int(content.parameters["num_images"]) <= engine.max_images


# --- covers --------------------------------------------------------------------------------------------------------------


def test_every_cover_has_a_recipe_and_is_small() -> None:
    assert {path.stem for path in COVERS.iterdir()} == set(recipes())
    assert set(STORYBOOK) <= set(recipes())
    for path in COVERS.iterdir():
        with Image.open(path) as cover:
            assert (cover.format, max(cover.size)) == ("WEBP", 512)
        assert path.stat().st_size <= 40_000


@pytest.mark.parametrize("slug", list(recipes()))
def test_a_recipe_fits_its_template(slug: str) -> None:
    request = request_for(slug, recipes()[slug]["values"], recipes()[slug]["seed"])

    assert (request.engine, request.prompt != "") == ("storybook", True)


def test_covers_are_made_by_the_studio_itself(tmp_path: Path) -> None:
    call_command("make_starter_covers", "picture-book-scene", into=tmp_path, stdout=io.StringIO())

    with Image.open(tmp_path / "picture-book-scene.webp") as made, Image.open(COVERS / "picture-book-scene.webp") as kept:
        assert made.size == kept.size == (512, 512)
        colours = [picture.convert("RGB").resize((8, 8)).tobytes() for picture in (made, kept)]
    near = [abs(a - b) for a, b in zip(*colours, strict=True)]
    assert sum(near) / len(near) < 12


def test_an_unknown_starter_has_no_cover() -> None:
    with pytest.raises(CommandError, match="nothing on mug"):
        call_command("make_starter_covers", "mug")


def test_covers_need_storybook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry, "engines", list)

    with pytest.raises(CommandError, match="could not be drawn"):
        call_command("make_starter_covers", "picture-book-scene", into=tmp_path)
    assert list(tmp_path.iterdir()) == []
