"""What people write along a side of a grid: lists, ranges, words."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.generation.grids import MAX_CELLS, Axis, AxisError, listed, numbers


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("3, 5, 7", "3 5 7"),
        ("3,5,7,", "3 5 7"),
        ("3\n5;7", "3 5 7"),
        ("3, 3.0, 03", "3"),
        ("3-9", "3 4 5 6 7 8 9"),
        ("9-7", "9 8 7"),
        ("3-9 (+2)", "3 5 7 9"),
        ("3-9(2)", "3 5 7 9"),
        ("3-10 (+3)", "3 6 9"),
        ("9-3 (-2)", "9 7 5 3"),
        ("3-9 [4]", "3 5 7 9"),
        ("1-2 [3]", "1 1.5 2"),
        ("0.2-0.6 (+0.2)", "0.2 0.4 0.6"),
        ("0-1 [4]", "0 0.333333 0.666667 1"),
        ("-1 to 1", "-1 0 1"),
        ("-3--1", "-3 -2 -1"),
        ("1, 4-6, 10-30 (+10)", "1 4 5 6 10 20 30"),
        ("-.5", "-0.5"),
        ("5-5", "5"),
        ("", ""),
    ],
)
def test_numbers(written: str, values: str) -> None:
    assert numbers(written, "Guidance", whole=False) == values.split()


def test_whole_numbers_are_spread_as_evenly_as_they_can() -> None:
    assert numbers("1-10 [4]", "Steps", whole=True) == ["1", "4", "7", "10"]
    assert numbers("1-4 [3]", "Steps", whole=True) == ["1", "2", "4"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("many", "“many” is no number for Steps. Write them like 3, 5, 7 or 3-9 (+2) or 3-9 [4]."),
        ("1-2-3", "“1-2-3” is no number for Steps. Write them like 3, 5, 7 or 3-9 (+2) or 3-9 [4]."),
        ("1.5", "Steps takes whole numbers; “1.5” has others."),
        ("1-3 (+0.5)", "Steps takes whole numbers; “1-3 (+0.5)” has others."),
        ("1-9 (+0)", "“1-9 (+0)” never gets from 1 to 9 in steps of 0."),
        ("1-9 (-2)", "“1-9 (-2)” never gets from 1 to 9 in steps of -2."),
        ("1-9 [1]", "In “1-9 [1]” the number in brackets says how many values: from 2 to 100."),
        ("1-9 [101]", "In “1-9 [101]” the number in brackets says how many values: from 2 to 100."),
        ("1-1000000000", "“1-1000000000” has 1,000,000,000 values; a grid has at most 100 cells. Take larger steps, or write 3-9 [4]."),
        (f"{'9' * 61}", f"“{'9' * 30}…” is no number for Steps. Write them like 3, 5, 7 or 3-9 (+2) or 3-9 [4]."),
        ("1-60, 61-120", "“Steps” has more than 100 values, which is all that a grid has room for. Take some out."),
    ],
)
def test_what_is_no_number_is_said(written: str, said: str) -> None:
    with pytest.raises(AxisError) as raised:
        numbers(written, "Steps", whole=True)
    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("a red door, a blue door", ["a red door", "a blue door"]),
        ('"red, like wine", blue', ["red, like wine", "blue"]),
        ("red, like wine\nblue", ["red, like wine", "blue"]),
        ("red, red, , blue", ["red", "blue"]),
        (" \n ", []),
    ],
)
def test_texts_are_one_a_line_or_between_commas(written: str, values: list[str]) -> None:
    assert listed(written) == values


@given(st.text(max_size=200) | st.from_regex(r"[0-9.,+\-\[\]() ]{0,40}", fullmatch=True))
def test_whatever_is_written_gives_values_or_a_sentence(written: str) -> None:
    for read in (lambda: numbers(written, "Steps", whole=False), lambda: listed(written)):
        with contextlib.suppress(AxisError):
            found = read()
            assert len(found) == len(set(found)) <= MAX_CELLS


def test_choices_are_those_that_are_there() -> None:
    axis = Axis("scheduler", "Sampler", "choices", "Settings", (("euler", "Euler"), ("ddim", "DDIM")))
    assert axis.values("", ["ddim", "made up", "ddim"]) == ["ddim"]
    assert axis.shown("ddim") == "DDIM"
    with pytest.raises(AxisError, match="Tick at least one choice for Sampler"):
        axis.values("euler", [])


def test_words_need_something_in_their_place() -> None:
    axis = Axis("words", "Words in the prompt", "words", "Prompt")
    assert axis.values("red, blue", []) == ["red", "blue"]
    with pytest.raises(AxisError, match="at least one other in their place"):
        axis.values("red", [])
    with pytest.raises(AxisError, match="Write at least one value"):
        axis.values("", [])
