"""Whatever somebody types into a field, it is words."""

from __future__ import annotations

import re

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from studio.backends import weights
from studio.prompts.language import Part, Resolved, parse, resolve

LISTS = {"w": ["one", "{two|three}\\", "__v__"], "v": ["(four:1.2)"]}
SIGNS = [
    "{",
    "}",
    "|",
    "(",
    ")",
    "\\",
    ":",
    "$$",
    "2$$",
    "::",
    "__",
    "_",
    "[",
    "]",
    "1.5",
    " ",
    "\n",
    ", ",
    "a",
    "bc",
    "{x}",
    "{y}",
    "__w__",
]
SHAPES = ["{x|y}", "{{x}|b}", "{2$$ and $$a|{x}|{y}}", "{2$$__w__}", "{2::a|1::{y}}", "({x})", "({x}:1.2)", "(a {y})", "(:1.5)"]
READ_BY_A_BACKEND = re.compile(r"\\[\\()\[\]{}|_:]|:\s*[-+]?[0-9.]+\s*\)|[()]")

values = st.lists(st.sampled_from(SIGNS + SHAPES), min_size=1, max_size=8).map("".join)
templates = st.lists(st.sampled_from(SIGNS + SHAPES), max_size=12).map("".join)
seeds = st.integers(0, 2**32 - 1)


def filled(template: str, seed: int, x: str, y: str) -> Resolved:
    return resolve(parse(template, fields=("x", "y")), values={"x": x, "y": y}, seed=seed, wildcards=LISTS)


def written(template: str) -> str:
    """With two of the templates that cannot be, made possible."""
    return template.replace("2$$}", "2$$").replace("{2$$", "{1$$")


def unescaped(text: str) -> str:
    return re.sub(r"\\([\\()\[\]{}|_:])", r"\1", text)


def weight_signs(resolved: Resolved) -> list[tuple[int, int, str]]:
    """What a backend would read: the part and the place in it where a bracket, or the end of a weight, begins."""
    homes = [(place, offset) for place, part in enumerate(resolved.parts) for offset in range(len(part.text))]
    return [(*homes[found.start()], found[0][:1]) for found in READ_BY_A_BACKEND.finditer(resolved.text) if found[0][0] != "\\"]


@settings(deadline=None)
@given(templates, seeds, values, values)
@example("({x})", 1, "cat:1.5", "a")
@example("__w__{x})", 3, "(a:1.2", ")")
@example("{{x}|b}", 1, "a|b|c", "|")
@example("{x}{y}", 1, "__", "w__")
@example("({x}{y})", 1, "a:", "1.5")
def test_a_value_changes_nothing_but_itself(template: str, seed: int, x: str, y: str) -> None:
    template = written(template)
    neutral = filled(template, seed, "neutral", "neutral")
    typed = filled(template, seed, x, y)

    assert "".join(part.text for part in typed.parts) == typed.text
    assert [part[1:] for part in typed.parts] == [part[1:] for part in neutral.parts]
    for part, plain in zip(typed.parts, neutral.parts, strict=True):
        if part.kind == "field":
            assert unescaped(part.text) == {"x": x, "y": y}[part.name]
        else:
            assert part == plain


@settings(deadline=None)
@given(templates, seeds, values, values)
@example("({x})", 1, "cat:1.5", "a")
@example("__w__({x}{y})", 3, "a:", "1.5)")
def test_a_value_brings_no_weight(template: str, seed: int, x: str, y: str) -> None:
    neutral = filled(written(template), seed, "neutral", "neutral")
    before = ""
    for part in neutral.parts:  # `(red:{x})`, where the template asks for a number
        assume(not (part.kind == "field" and re.search(r":[-+\s0-9.]*\Z", before)))
        before += part.text

    assert weight_signs(filled(written(template), seed, x, y)) == weight_signs(neutral)


@settings(deadline=None)
@given(values)
def test_a_value_alone_is_read_as_just_itself(value: str) -> None:
    resolved = filled("{x}", 0, value, "")

    assert [part[1:] for part in resolved.parts] == [Part("", "field", "x")[1:]]
    assert unescaped(resolved.text) == value
    assert weight_signs(resolved) == []


@settings(deadline=None)
@given(
    st.sampled_from(["{x}", "({x})", "(a {x} {y})", "{x}) b", "(a:1.5{x}", "(a {x}{y} 1.5 )", "[{x}:1.5]", "({x}.5) ({y})"]), values, values
)
def test_the_backends_read_no_weight_of_a_value(template: str, x: str, y: str) -> None:
    text = filled(template, 0, x, y).text

    assert not weights.weighs(text)
    assert weights.plain(text) == template.replace("{x}", "\0").replace("{y}", y).replace("\0", x)


@settings(deadline=None)
@given(values)
def test_the_backends_read_the_weight_of_the_template_around_a_value(value: str) -> None:
    assert weights.parse(filled("(a {x} b:1.5)", 0, value, "").text) == [weights.Span(f"a {value} b", 1.5)]
