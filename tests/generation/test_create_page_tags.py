"""The small sums of Create's templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from django.template import Context, Template

from studio.generation.templatetags import create_page

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (0.83, "0.8 s"), (1.94, "1.9 s"), (2, "2 s"), (89.4, "89 s"), (90, "2 min"), (600, "10 min"), (-3, "0.0 s")],
)
def test_how_long_something_took(seconds: float, words: str) -> None:
    assert create_page.seconds_until(START, START + timedelta(seconds=seconds)) == words


def test_a_job_that_has_not_ended_took_no_time() -> None:
    assert create_page.seconds_until(START, None) == create_page.seconds_until(None, START) == ""


@pytest.mark.parametrize("ratio", [1, 16 / 9, 9 / 16, 5, 0.2])
def test_a_shape_button_draws_its_shape_in_the_middle_of_its_box(ratio: float) -> None:
    box = create_page.shape_box(ratio)
    wide, high = create_page.SHAPE_BOX

    assert box["width"] / box["height"] == pytest.approx(ratio, rel=0.01)
    assert box["x"] >= 1.99
    assert box["y"] >= 1.99
    assert box["x"] * 2 + box["width"] == pytest.approx(wide, abs=0.02)
    assert box["y"] * 2 + box["height"] == pytest.approx(high, abs=0.02)


def test_a_choice_is_recognised_whatever_the_types() -> None:
    class Pictures(forms.Form):
        count = forms.IntegerField(initial=4)

    assert create_page.chosen(Pictures()["count"], "4")
    assert create_page.chosen(Pictures({"count": "2"})["count"], 2)
    assert not create_page.chosen(Pictures({"count": "2"})["count"], 4)
    assert not create_page.chosen("", 4)


def test_numbers_of_pictures_stop_at_what_the_engine_makes() -> None:
    assert create_page.up_to("1 2 4 8", 4) == [1, 2, 4]


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, ""), (0.3, "under 1 s"), (1, "about 1 s"), (14.6, "about 15 s"), (200, "about 3 min")]
)
def test_an_engine_s_pace_in_words(seconds: float | None, words: str) -> None:
    assert create_page.words_for_seconds(seconds) == words


@pytest.mark.parametrize(
    ("text", "is_foreign"),
    [
        ("a red sailboat", False),
        ("ein rotes Segelboot, größer, façade, İzmir", False),
        ("قارب أحمر", True),
        ("красная лодка", True),
        ("一艘红色的帆船", True),
        ("a boat named 希望", False),
        ("лодка in 512", True),
        ("123 !? 🛶", False),
        ("", False),
        (None, False),
    ],
)
def test_what_is_written_in_other_letters(text: str | None, is_foreign: bool) -> None:
    assert create_page.mostly_not_latin(text) is is_foreign


def test_in_a_template() -> None:
    source = "{% load create_page %}{{ '640x384'|size_words }}{% for one in 3|times %}.{% endfor %}"
    assert Template(source).render(Context()) == "640 × 384..."
