"""From what was typed or filled in to the prompts of a picture: values are words, the same seed is the same text, problems have a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.backends import weights
from studio.prompts.content import Content
from studio.prompts.filling import COUNTLESS, BadValues, as_typed, of_template, typed

LISTS = {"colour": ("red", "green", "{light|dark} blue"), "animal": ("fox", "hare")}
SIGNS = st.text(alphabet=st.sampled_from("ab {}|_$:.,()[]\\0123456789-\n"), max_size=40)
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


def content(**changes) -> Content:
    return Content.checked(
        {
            "sections": [
                {"name": "subject", "text": "A ({product}:1.3) on {tint} felt"},
                {"name": "style", "text": "Harbour look, {soft|hard} light", "locked": True},
                {"name": "lighting", "text": "{light}"},
            ],
            "negative": {"text": "blurry {flaw}"},
            "fields": [
                {"name": "product", "required": True, "default": "mug"},
                {"name": "tint", "type": "colour", "default": "#ff0000"},
                {"name": "light", "type": "multi_choice", "choices": ["window", "dusk"]},
                {"name": "flaw", "type": "number", "minimum": 1, "maximum": 9},
            ],
            "engine": "null",
            "parameters": {"num_inference_steps": 12, "num_images": 2},
            "changeable": ["num_images", "seed"],
            **changes,
        }
    )


def test_a_template_is_filled_in():
    filled = of_template(content(), values={"product": "jug", "light": ["dusk"], "flaw": "3"}, wildcards=LISTS).at(1)
    assert filled.prompt.text in {f"A (jug:1.3) on red felt, Harbour look, {light} light, dusk" for light in ("soft", "hard")}
    assert filled.negative.text == "blurry 3"
    assert filled.values == {"fields": {"product": "jug", "tint": "#ff0000", "light": ["dusk"], "flaw": 3}, "sections": {}}
    assert filled.written["prompt"].startswith("A ({product}:1.3) on {tint} felt")
    assert {part.kind for part in filled.prompt.parts} == {"words", "field", "alternative", "locked"}


def test_sections_may_be_reworded_but_for_locked_ones():
    own = {"lighting": "at {dawn|dusk} with {product}", "negative": "text"}
    filled = of_template(content(), values={"product": "jug"}, sections=own, wildcards=LISTS).at(1)
    assert filled.prompt.text.endswith(("at dawn with jug", "at dusk with jug"))
    assert (filled.negative.text, filled.values["sections"]) == ("text", own)
    with pytest.raises(BadValues) as refused:
        of_template(content(), values={}, sections={"style": "my look"}, wildcards=LISTS).at(1)
    assert "locked" in refused.value.fields["sections.style"]
    as_it_is = of_template(content(), values={}, sections={"lighting": "{light}"}, wildcards=LISTS).at(1)
    assert as_it_is.values["sections"] == {}, "the template's own words are nobody's own"


def test_every_problem_has_its_place():
    with pytest.raises(BadValues) as refused:
        of_template(content(), values={"product": " ", "flaw": 40, "light": ["noon"]}, wildcards=LISTS).at(1)
    assert set(refused.value.fields) == {"product", "flaw", "light"}
    with pytest.raises(BadValues) as refused:
        of_template(content(), values={}, sections={"lighting": "__nothing__", "negative": "{9$$a|b}"}, wildcards=LISTS).at(1)
    assert set(refused.value.fields) == {"sections.lighting", "sections.negative"}
    with pytest.raises(BadValues) as refused:
        typed("a __beast__", "{4$$a|b}", wildcards=LISTS).at(1)
    assert refused.value.fields["prompt"].endswith("There are: animal, colour.")
    assert set(refused.value.fields) == {"prompt", "negative"}


def test_what_is_missing_stands_there_by_its_label_while_somebody_fills_it_in():
    filled = of_template(content(), values={"product": "", "flaw": 40}, wildcards=LISTS, unfinished=True).at(0)
    assert "[Product]" in filled.prompt.text
    assert filled.negative.text == "blurry [Flaw]"


@given(value=SIGNS, seed=SEEDS)
def test_a_value_brings_no_syntax(value, seed):
    """Whatever is filled in: the other words come out as with any other value, and the value's own are read back as they are."""
    plain = Content.checked(
        {
            "sections": [{"name": "prompt", "text": "{a|b} of ({thing}:1.5), __colour__ {other}"}],
            "fields": [{"name": "thing", "type": "long_text"}, {"name": "other", "default": "end"}],
        }
    )
    filled = of_template(plain, values={"thing": value}, wildcards=LISTS).at(seed)
    usual = of_template(plain, values={"thing": "thing"}, wildcards=LISTS).at(seed)
    [part] = [part for part in filled.prompt.parts if part.name == "thing"] or [None]
    others = [(part.text, part.kind) for part in filled.prompt.parts if part.name != "thing"]
    joined = "".join(text for text, _ in others)
    assert joined == "".join(part.text for part in usual.prompt.parts if part.name != "thing")
    if part:
        assert weights.plain(part.text) == filled.values["fields"]["thing"]
        assert {span.weight for span in weights.parse(part.text)} == {1.0}


@given(prompt=SIGNS, seed=SEEDS)
def test_the_same_seed_is_the_same_text_and_what_came_out_can_be_typed(prompt, seed):
    try:
        filled = typed(prompt, wildcards=LISTS).at(seed)
    except BadValues:
        return  # too many to take, odds of nothing
    assert typed(prompt, wildcards=LISTS).at(seed) == filled
    again = typed(as_typed(filled.prompt.text), wildcards=LISTS).at(seed + 1)
    assert again.prompt.text == filled.prompt.text, "nothing in it is drawn once more"


def test_all_combinations_are_made_once():
    filling = typed("{a|b} __animal__", "{x|y|}", wildcards=LISTS)
    assert (filling.varies, filling.combinations) == (True, 12)
    texts = [(one.prompt.text, one.negative.text) for one in filling.every(20)]
    assert len(texts) == len(set(texts)) == 12
    assert [(one.prompt.text, one.negative.text) for one in filling.every(5)] == texts[:5]
    assert not typed("a boat", wildcards=LISTS).varies


def test_more_combinations_than_can_be_told_are_no_problem():
    many = typed("{" + "|".join("ab" for _ in range(50)) + "} " * 1 + " ".join(["{a|b|c|d|e|f|g|h|i|j}"] * 900), wildcards=LISTS)
    assert many.combinations == COUNTLESS
    assert many.at(3).prompt.text
