"""Colours in words."""

from __future__ import annotations

import pytest
from PIL.ImageColor import colormap, getrgb

from studio.prompts import colours


def test_every_named_colour_of_css_is_called_by_its_name() -> None:
    other_names = {"aqua": "cyan", "fuchsia": "magenta"}
    for name in list(colormap):
        digits = "#{:02x}{:02x}{:02x}".format(*getrgb(name))
        assert colours.words(digits).replace(" ", "") == other_names.get(name, name.replace("grey", "gray"))
        assert colours.named(name) == digits


@pytest.mark.parametrize(
    ("colour", "words"),
    [
        ("#daa520", "goldenrod"),
        ("#DBA622", "goldenrod"),
        ("#b8860c", "dark goldenrod"),
        ("#010101", "black"),
        ("#fefefe", "white"),
        ("#7b7b7b", "gray"),
        ("#1a1a75", "midnight blue"),
        ("#e4002b", "crimson"),
        ("#fb8071", "salmon"),
    ],
)
def test_other_colours_by_the_one_that_looks_most_alike(colour: str, words: str) -> None:
    assert colours.words(colour) == words


@pytest.mark.parametrize("text", ["", "goldenrod", "#fff", "daa520", "#daa52g", "#daa520 ", "#daa520\n", "#١٢٣٤٥٦"])
def test_what_is_no_colour_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a colour\. Write it like #daa520\."):
        colours.words(text)
