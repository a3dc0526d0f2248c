"""Sections of a template, made one prompt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.prompts.language import Part, PromptSyntaxError, compose, composed, count, every, parse, resolve

LISTS = {"w": ["one", "two", "three"]}


def test_sections_are_joined_and_the_locked_words_marked() -> None:
    sections = [("A photograph of {x}", False), ("  ", True), (" brand {0::a|blue}, {x}, __l__ ", True), ("soft light", False)]
    prompt = compose(sections, fields=("x",))
    resolved = resolve(prompt, values={"x": "a mug"}, seed=1, wildcards={"l": ["line"]})

    assert resolved.text == "A photograph of a mug, brand blue, a mug, line, soft light"
    assert resolved.parts == (
        Part("A photograph of ", "words"),
        Part("a mug", "field", "x"),
        Part(", ", "words"),
        Part("brand ", "locked"),
        Part("blue", "alternative"),
        Part(", ", "locked"),
        Part("a mug", "field", "x"),
        Part(", ", "locked"),
        Part("line", "wildcard", "l"),
        Part(", soft light", "words"),
    )
    assert (prompt.fields, prompt.wildcards, prompt.has_alternatives) == (("x",), ("l",), True)


def test_an_open_brace_does_not_reach_into_the_next_section() -> None:
    assert count(compose([("{a|b", False), ("c}", True)]), wildcards={}) == 1
    assert count(parse("{a|b, c}"), wildcards={}) == 2


def test_a_section_that_turns_out_empty_leaves_no_comma() -> None:
    prompt = compose([("{x}", False), ("{a|}", True), ("{x}", False), ("end", False)], fields=("x",))

    assert [one.text for one in every(prompt, values={"x": ""}, wildcards={}, limit=9)] == ["a, end", "end"]


def test_nothing_composed_is_nothing() -> None:
    assert resolve(compose([]), values={}, seed=1, wildcards={}).parts == ()
    assert composed([" ", "a ", "", "b"]) == "a, b"


def test_the_position_is_that_in_the_section() -> None:
    with pytest.raises(PromptSyntaxError) as caught:
        compose([("fine", False), (" x {0::a|0::b}", False)])
    assert (caught.value.code, caught.value.position) == ("odds", 2)


def test_all_sections_together_have_a_limit() -> None:
    with pytest.raises(PromptSyntaxError) as caught:
        compose([("x" * 15_000, False), ("y" * 15_000, True)])
    assert caught.value.message == "All sections together have 30,002 characters; 20,000 are allowed. Shorten them."


pieces = st.sampled_from(["a ", "{b|c}", "__w__", "{1-2$$d|{e|f}|g}", "(h:1.2)", "{x}", r"\{", "word"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(pieces, max_size=4).map("".join), st.booleans()), max_size=4), st.integers(0, 2**32 - 1))
def test_sections_are_decided_as_their_text_is(sections: list[tuple[str, bool]], seed: int) -> None:
    text = composed(text for text, _ in sections)
    together = resolve(compose(sections, fields=("x",)), values={"x": "v"}, seed=seed, wildcards=LISTS)

    assert together.text == resolve(parse(text, fields=("x",)), values={"x": "v"}, seed=seed, wildcards=LISTS).text
    assert "".join(part.text for part in together.parts) == together.text


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (["a table, {x}, in oil"], "a table, in oil"),
        (["a table, {x}"], "a table"),
        (["{x}, a table"], "a table"),
        (["a {x} table"], "a table"),
        (["a table, {x}", "in oil"], "a table, in oil"),
        (["a table", "{x}, in oil"], "a table, in oil"),
        (["a table", "{x}", "in oil"], "a table, in oil"),
        (["a table, {x}, {x}, in oil"], "a table, in oil"),
        (["{x}"], ""),
        (["a table, , in oil"], "a table, , in oil"),
        (["({x}:1.2), a table"], "(:1.2), a table"),
    ],
)
def test_a_field_without_a_value_leaves_no_comma_behind(sections: list[str], said: str) -> None:
    prompt = compose([(text, False) for text in sections], fields=["x"])

    resolved = resolve(prompt, values={"x": ""}, seed=1, wildcards={})

    assert resolved.text == said
    assert "".join(part.text for part in resolved.parts) == said
