"""The record of a version: what it takes, what it says of nonsense, and what its fields put into the prompt."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.prompts.content import Content, ContentError, Field, Negative, Section

MUG: dict[str, Any] = {
    "sections": [
        {"name": "subject", "text": "A photograph of {product}", "locked": False},
        {"name": "lighting", "text": "{light}", "locked": False},
        {"name": "style", "text": "clean studio look", "locked": True},
    ],
    "negative": {"text": "blurry", "locked": False},
    "fields": [
        {"name": "product", "label": "Product", "type": "text", "required": True, "default": "a mug", "max_length": 20},
        {"name": "light", "type": "choice", "choices": ["window light", "studio light"], "default": "window light"},
    ],
    "engine": "storybook",
    "mode": "text-to-image",
    "parameters": {"size": "512x512", "num_images": 2},
    "changeable": ["engine", "num_images", "seed"],
}


def field(**given: Any) -> Field:
    return Field(**{"name": "thing", "label": "Thing", **given})


# --- as JSON -----------------------------------------------------------------------------------------------------------


def test_a_content_goes_through_json_and_back() -> None:
    content = Content.checked(MUG)

    assert Content.from_json(json.loads(json.dumps(content.to_json()))) == content
    assert content.composed == "A photograph of {product}, {light}, clean studio look"
    assert (content.problems(), content.warnings()) == ({}, {})
    assert content.defaults == {"product": "a mug", "light": "window light"}


def test_what_is_missing_is_empty() -> None:
    content = Content.from_json({"sections": [{"name": "prompt", "text": "a cat"}]})

    assert content == Content(sections=(Section("prompt", "a cat"),))
    assert (content.mode, content.problems()) == ("text-to-image", {})


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"colour": "red"}, ""),
        ({"sections": {"name": "prompt"}}, "sections"),
        ({"sections": ["a cat"]}, "sections.0"),
        ({"sections": [{"name": "prompt", "text": 5}]}, "sections.0.text"),
        ({"sections": [{"name": "prompt", "text": "x", "weight": 2}]}, "sections.0"),
        ({"sections": [{"name": "prompt", "locked": "yes"}]}, "sections.0.locked"),
        ({"negative": "blurry"}, "negative"),
        ({"fields": [{"name": "a"}, {"name": "b", "type": "picture"}]}, "fields.1.type"),
        ({"fields": [{"name": "a", "typ": "text"}]}, "fields.0"),
        ({"fields": [{"name": "a", "minimum": "low"}]}, "fields.0.minimum"),
        ({"fields": [{"name": "a", "max_length": 1.5}]}, "fields.0.max_length"),
        ({"fields": [{"name": "a", "choices": "red, green"}]}, "fields.0.choices"),
        ({"fields": [{"name": "a", "choices": ["red", 3]}]}, "fields.0.choices"),
        ({"fields": [{"name": "a", "default": {"of": 1}}]}, "fields.0.default"),
        ({"fields": [{}] * 31}, "fields"),
        ({"parameters": ["size"]}, "parameters"),
        ({"parameters": {"size": [512, 512]}}, "parameters.size"),
        ({"changeable": "engine"}, "changeable"),
        ({"engine": 3}, "engine"),
    ],
)
def test_another_shape_is_refused_at_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(ContentError) as refused:
        Content.from_json(MUG | change)

    assert list(refused.value.problems) == [place]
    assert refused.value.problems[place].endswith(".")


@pytest.mark.parametrize("data", [None, [], "x", 3, [MUG]])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(ContentError, match="object of JSON"):
        Content.from_json(data)


def test_texts_are_tidied() -> None:
    content = Content.from_json({"sections": [{"name": "prompt", "text": " e\u0301\r\nx\0y\u202ez\ud800 "}]})

    assert content.composed == "é\nx yz"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*MUG, *Field.__dataclass_fields__, "x"]), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_refused(data: object) -> None:
    try:
        content = Content.from_json(data)
    except ContentError as refused:
        problems = refused.problems
    else:
        problems = {"": "."}
        assert Content.from_json(content.to_json()) == content
        content.warnings()
        if not content.problems():
            assert Content.checked(content.normal().to_json()) == content.normal()
    assert all(sentence.endswith(".") for sentence in problems.values())


# --- whether it makes sense ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"sections": []}, "sections"),
        ({"sections": [{"name": "prompt", "text": "x" * 10_001}]}, "sections"),
        ({"sections": [{"name": "mood", "text": "x"}]}, "sections.0.name"),
        ({"mode": "dreaming"}, "mode"),
        ({"parameters": {"prompt": "x"}}, "parameters.prompt"),
        ({"parameters": {"Size": "x"}}, "parameters.Size"),
        ({"parameters": {"note": "x" * 2001}}, "parameters.note"),
        ({"changeable": ["prompt"]}, "changeable"),
        ({"changeable": ["<b>"]}, "changeable"),
        ({"negative": {"text": "x" * 10_001}}, "negative.text"),
    ],
)
def test_nonsense_is_told_at_its_place(change: dict[str, Any], place: str) -> None:
    assert list(Content.from_json(MUG | change).problems()) == [place]


def test_a_mode_without_words_needs_no_section() -> None:
    assert Content.from_json({"mode": "upscaling"}).problems() == {}
    assert list(Content.from_json({"mode": "text-to-image"}).problems()) == ["sections"]


def test_twice_the_same_section_or_field() -> None:
    twice = Content(sections=(Section("prompt", "a {x}"), Section("prompt", "b")), fields=(field(name="x"), field(name="x")))

    assert list(twice.problems()) == ["sections.0.name", "sections.1.name", "fields.0.name", "fields.1.name"]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "Product"}, "name"),
        ({"name": "1st"}, "name"),
        ({"name": "a-b"}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"name": "seed"}, "name"),
        ({"label": "x" * 81}, "label"),
        ({"help": "x" * 301}, "help"),
        ({"type": "choice"}, "choices"),
        ({"type": "choice", "choices": ("red", "Red")}, "choices"),
        ({"type": "choice", "choices": ("red", "")}, "choices"),
        ({"type": "choice", "choices": ("x" * 201,)}, "choices"),
        ({"type": "choice", "choices": ("red",), "default": "blue"}, "default"),
        ({"type": "multi_choice", "choices": ("red; green",)}, "choices"),
        ({"type": "multi_choice", "choices": ("red",), "default": ("red", "blue")}, "default"),
        ({"type": "number", "minimum": 3, "maximum": 2}, "maximum"),
        ({"type": "number", "step": 0}, "step"),
        ({"type": "number", "step": 1e-300}, "step"),
        ({"type": "number", "minimum": -(10**13)}, "minimum"),
        ({"type": "number", "minimum": 3, "default": 2}, "default"),
        ({"type": "number", "step": 0.1, "default": 0.25}, "default"),
        ({"type": "colour", "default": "reddish"}, "default"),
        ({"type": "yes_no"}, "yes"),
        ({"type": "yes_no", "yes": "people", "no": "People"}, "no"),
        ({"type": "yes_no", "yes": "x" * 201}, "yes"),
        ({"type": "text", "max_length": 0}, "max_length"),
        ({"type": "text", "max_length": 501}, "max_length"),
        ({"type": "text", "max_length": 2, "default": "abc"}, "default"),
    ],
)
def test_a_field_that_makes_no_sense(given: dict[str, Any], place: str) -> None:
    assert list(field(**given).problems()) == [place]


def test_a_required_field_may_start_empty() -> None:
    assert [field(type=kind, required=True, choices=("a",), yes="x").problems() for kind in ("text", "choice", "number", "yes_no")] == [
        {}
    ] * 4


def test_what_the_language_refuses_is_told_at_its_section() -> None:
    content = Content.from_json(
        {"sections": [{"name": "prompt", "text": "a {9$$red|green} cat"}], "negative": {"text": "{0::blur|0::noise}"}}
    )

    assert content.problems() == {
        "sections.0.text": "9 alternatives are to be taken here, but there are only 2. Take fewer, or add some.",
        "negative.text": "All alternatives here have the odds 0. Give one of them more.",
    }


def test_names_without_a_field_and_fields_without_a_name_are_warnings() -> None:
    content = Content(
        sections=(Section("prompt", r"a {thing}, {colour}, {|very} old, \{kept\}, {a b}"),),
        negative=Negative("{other}"),
        fields=(field(), field(name="unused", label="")),
    )

    assert content.problems() == {}
    assert content.warnings() == {
        "fields.1.name": "No section names {unused}, so this field does nothing.",
        "sections.0.text": "{colour} is no field and stays in the prompt as written. Add a field, or take it out.",
        "negative.text": "{other} is no field and stays in the prompt as written. Add a field, or take it out.",
    }


# --- values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "value", "kept", "words"),
    [
        ({}, "  a\n mug ", "a mug", "a mug"),
        ({"type": "long_text"}, "a\r\nb", "a\nb", "a\nb"),
        ({}, 3.0, "3", "3"),
        ({}, None, "", ""),
        ({"type": "choice", "choices": ("Red", "red wine")}, "red", "Red", "Red"),
        ({"type": "choice", "choices": ("3", "4")}, 3, "3", "3"),
        ({"type": "multi_choice", "choices": ("a", "b", "c")}, ["c", "a", "a"], ("a", "c"), "a, c"),
        ({"type": "multi_choice", "choices": ("a", "b", "c")}, "C; b", ("b", "c"), "b, c"),
        ({"type": "multi_choice", "choices": ("a, then b", "c")}, "a, then b", ("a, then b",), "a, then b"),
        ({"type": "multi_choice", "choices": ("a",)}, [], (), ""),
        ({"type": "number"}, "3", 3, "3"),
        ({"type": "number"}, 3.0, 3, "3"),
        ({"type": "number"}, "-0.50", -0.5, "-0.5"),
        ({"type": "number", "step": 0.1}, 0.3, 0.3, "0.3"),
        ({"type": "number"}, "1e-7", 1e-7, "0.0000001"),
        ({"type": "number"}, "", None, ""),
        ({"type": "colour"}, "F00", "#ff0000", "red"),
        ({"type": "colour"}, "#FF0000", "#ff0000", "red"),
        ({"type": "colour"}, "", "", ""),
        ({"type": "colour"}, " Teal", "#008080", "teal"),
        ({"type": "colour"}, "light sea green", "#20b2aa", "light sea green"),
        ({"type": "yes_no", "yes": "with people", "no": "empty"}, "Yes", True, "with people"),
        ({"type": "yes_no", "yes": "with people", "no": "empty"}, "with People", True, "with people"),
        ({"type": "yes_no", "yes": "with people"}, 0, False, ""),
        ({"type": "yes_no", "yes": "with people", "required": True}, "", False, ""),
    ],
)
def test_a_value_is_kept_and_put_into_the_prompt(given: dict[str, Any], value: object, kept: object, words: str) -> None:
    one = field(**given)

    assert one.problems() == {}
    assert (one.clean(value), one.words(one.clean(value))) == (kept, words)
    assert one.clean(one.clean(value)) == kept


@pytest.mark.parametrize(
    ("given", "value", "sentence"),
    [
        ({"required": True}, " ", "Fill in “Thing”."),
        ({"required": True}, "\u202e\0", "Fill in “Thing”."),
        ({"max_length": 3}, "abcd", "“Thing” may have at most 3 characters; this has 4. Shorten it."),
        ({"type": "choice", "choices": ("a", "b")}, "c", "“Thing” has no choice “c”. Take one of: a, b."),
        ({"type": "multi_choice", "choices": ("a", "b"), "required": True}, [" "], "Choose something for “Thing”."),
        ({"type": "number"}, "three", "“Thing” has to be a number, written like 3 or 0.5; “three” is none."),
        ({"type": "number"}, "nan", "“Thing” has to be a number, written like 3 or 0.5; “nan” is none."),
        ({"type": "number"}, True, "“Thing” has to be a number, written like 3 or 0.5; “True” is none."),
        ({"type": "number", "minimum": 1, "maximum": 4}, 5, "“Thing” has to be between 1 and 4; 5 is not."),
        ({"type": "number", "maximum": 4}, 5, "“Thing” has to be 4 or less; 5 is not."),
        ({"type": "number", "minimum": 1, "step": 2}, "2", "“Thing” goes in steps of 2 from 1; 2 lies between two of them."),
        ({"type": "colour"}, "red-ish", "“Thing” has to be a colour like #d4a017 or teal; “red-ish” is none."),
        ({"type": "yes_no", "yes": "x"}, "maybe", "“Thing” is answered with yes or no; “maybe” is neither."),
    ],
)
def test_a_value_that_does_not_fit(given: dict[str, Any], value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        field(**given).clean(value)


def test_values_are_filled_in_with_defaults() -> None:
    content = Content.checked(MUG)

    assert content.fill({}) == ({"product": "a mug", "light": "window light"}, {})
    assert content.words(content.fill({"product": "a pot", "light": ""})[0]) == {"product": "a pot", "light": ""}
    assert content.fill({"product": "", "colour": "x"}) == (
        {"light": "window light"},
        {"colour": "The template has no field “colour”.", "product": "Fill in “Product”."},
    )


# --- the texts ------------------------------------------------------------------------------------------------------------


def test_what_is_not_locked_can_be_reworded() -> None:
    content = Content.checked(MUG)
    other = content.reworded({"subject": "A drawing of {product}", "negative": "", "style": "clean studio look"})

    assert other.composed == "A drawing of {product}, {light}, clean studio look"
    assert other.negative == Negative("")
    with pytest.raises(ContentError, match="“Style” is locked"):
        content.reworded({"style": "messy"})
    with pytest.raises(ContentError, match="no part “mood”"):
        content.reworded({"mood": "x"})
    with pytest.raises(ContentError, match="“What to leave out” is locked"):
        replace(content, negative=Negative("blurry", locked=True)).reworded({"negative": ""})


def test_who_may_change_what() -> None:
    content = Content.checked(MUG)

    assert [content.may_change(name) for name in ("engine", "seed", "num_images", "size", "mode")] == [True, True, True, False, False]
    assert replace(content, engine="", changeable=()).may_change("engine")
