"""Weights in a prompt: what is one and what only looks like one, and how it leaves for each kind of engine."""

from __future__ import annotations

import json
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from studio.backends import weights
from studio.backends.base import Engine, Mode, PriceTable
from studio.backends.null import NullBackend
from studio.backends.weights import MOST, Span, escape, length, parse, plain, prompts, readable, render, weighs

TYPED = st.lists(st.sampled_from([*"ab é(:)[]{}|_\\.,12-+\n", ":1.2)", "(red:0.5)", "猫", "🎈"]), max_size=60).map("".join)
"""What may stand in a prompt, with a good chance of brackets and numbers in the right places."""


@pytest.mark.parametrize(
    ("prompt", "spans"),
    [
        ("", []),
        ("a red boat", [("a red boat", 1)]),
        ("a (red:1.2) boat", [("a ", 1), ("red", 1.2), (" boat", 1)]),
        ("(boat:.5)", [("boat", 0.5)]),
        ("(boat: 1. )", [("boat", 1)]),
        ("(fog:-0.5)", [("fog", -0.5)]),
        ("(a red boat, at sea:1.3)", [("a red boat, at sea", 1.3)]),
        ("(note: a:1.3)", [("note: a", 1.3)]),
        ("a (b:1.0) c", [("a b c", 1)]),
        ("(a:1.2)(b:1.2)", [("ab", 1.2)]),
        ("(a (b:1.5) c:1.2)", [("a ", 1.2), ("b", 1.8), (" c", 1.2)]),
        ("((a:2):2)", [("a", 2)]),
        ("(a (small) boat:0.8)", [("a (small) boat", 0.8)]),
        ("(a:1.2), (b:1.2)", [("a", 1.2), (", ", 1), ("b", 1.2)]),
        ("(猫:1.2) (🎈:0.8)", [("猫", 1.2), (" ", 1), ("🎈", 0.8)]),
        (r"\(a:1.2\) \[b\] \{c\|d\} \_e \\", [(r"(a:1.2) [b] {c|d} _e " + "\\", 1)]),
        (r"(boat\:1.2) (a\:b:1.2)", [("(boat:1.2) ", 1), ("a:b", 1.2)]),
        (r"C:\boats (\)a:1.2)", [("C:\\boats ", 1), (")a", 1.2)]),
    ],
)
def test_what_is_a_weight(prompt: str, spans: list[tuple[str, float]]) -> None:
    assert parse(prompt) == spans
    assert plain(prompt) == "".join(text for text, _ in spans)
    assert weighs(prompt) is any(weight != 1 for _, weight in spans)


@pytest.mark.parametrize(
    "words",
    [
        "a clock (10:30)",
        "ratio (16:9), (1:1)",
        "sale (save:50)",
        "a (small) boat (",
        "boat:1.2)",
        "a) boat:1.2)",
        "(boat:1.2",
        "(boat:)",
        "(boat:1.2.3)",
        "(boat:one)",
        "(boat 1.2)",
        "(:1.2)",
        "( , 2024:1.2)",
        "(boat:2.1)",
        "(boat:1e0)",
        "(boat:١)",
        "\\",
        "a \\boat",
    ],
)
def test_what_only_looks_like_a_weight_is_words(words: str) -> None:
    assert parse(words) == [(words, 1.0)]


@given(st.text(max_size=80) | TYPED)
def test_escaped_text_is_read_as_it_was(text: str) -> None:
    assert parse(escape(text)) == ([Span(text, 1.0)] if text else [])
    assert parse(f"(boat {escape(text)}:1.5)") == [Span(f"boat {text}", 1.5)]


@given(TYPED)
def test_anything_can_be_read(prompt: str) -> None:
    spans = parse(prompt)
    assert all(span.text and -MOST <= span.weight <= MOST for span in spans)
    assert all(one.weight != other.weight for one, other in pairwise(spans))
    assert plain(prompt) == render(prompt, "") == render(prompt, "embeddings")
    assert parse(escape(plain(prompt))) == ([Span(plain(prompt), 1.0)] if plain(prompt) else [])
    assert [weight for text, weight in prompts(prompt) if weight == 1][1:] == []


def test_people_read_weights_as_typed_and_no_backslashes() -> None:
    assert readable(r"a (red:1.2) \(paper\) boat \: 3\\4") == r"a (red:1.2) (paper) boat : 3\4"


@given(TYPED)
def test_a1111_reads_the_same(prompt: str) -> None:
    assert parse(render(prompt, "a1111")) == parse(prompt)


@given(TYPED.filter(lambda prompt: "\\" not in prompt))
@example("(red:0.5)🎈")
@example("(red:0.5)2024")
def test_v2beta_reads_the_same_in_proportion(prompt: str) -> None:
    def words(spans: list[Span]) -> str:
        return "".join(text for text, _ in spans).translate(str.maketrans("()", "[]"))

    theirs = parse(render(prompt, "v2beta"))
    assert words(theirs) == words(parse(prompt))
    assert all(0 <= weight <= 1 for _, weight in theirs)
    # Words are what holds a letter, or a sign of any other script, a picture of a balloon among them; numbers alone are none.
    strongest = max((weight for text, weight in parse(prompt) if re.search(r"[^\W\d_]|[^\x00-\x7f]", text)), default=1)
    weights_of = {text.strip(): weight for text, weight in theirs}
    for text, weight in parse(prompt):
        if text.isalpha() and strongest > 0 and text in weights_of and prompt.count(text) == 1:
            assert weights_of[text] == pytest.approx(max(0, weight / strongest), abs=0.005)


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("a (blue:0.3) sky, (green:0.8)", "a (blue:0.3) sky, (green:0.8)"),
        ("a (cat:1.25) on a mat", "(a:0.8) cat (on a mat:0.8)"),
        ("a (red:1.5), (soft:0.75) boat.", "(a:0.67) red, (soft:0.5) (boat:0.67)."),
        ("(cat:0.5)", "cat"),
        ("cat (fog:-1)", "cat (fog:0)"),
        ("(fog:0)", "(fog:0)"),
        ("a cat (asleep)", "a cat (asleep)"),
        (r"a \(cat:0.5\) (asleep)", "a [cat:0.5] [asleep]"),
        ("a (small) (cat:0.5)", "a [small] (cat:0.5)"),
    ],
)
def test_v2beta_takes_weights_up_to_1(prompt: str, sent: str) -> None:
    assert render(prompt, "v2beta") == sent


def test_a1111_has_its_own_brackets() -> None:
    assert render("a (small) [red] (boat (at sea:1.1):1.2)", "a1111") == r"a \(small\) \[red\] (boat :1.2)(at sea:1.32)"


def test_only_what_leaves_counts() -> None:
    prompt = "a (cat:1.25) " + "b" * 10
    assert length(prompt, "") == len("a cat " + "b" * 10)
    assert length(prompt, "v2beta") == len("(a:0.8) cat (" + "b" * 10 + ":0.8)")
    assert length(prompt, "text-prompts") == len("a " + "b" * 10)
    assert length("", "text-prompts") == 0


@pytest.mark.parametrize(
    "piece",
    ["(", "(a", "(a:1.1)", ":1.1)", ":", ": ", ":1", ":1.", "\\", ",", " ,", ", ", "(a:2):2)", "((", "))", ":\n", "1", "(a:"],
)
def test_hostile_prompts_take_time_in_proportion_to_their_length(piece: str) -> None:
    """A tenth of a second or two for what would take minutes, were the time to grow with the square of the length."""
    prompt = "(a" + piece * (100_000 // len(piece)) + ")"
    started = time.process_time()
    for dialect in ("", "a1111", "v2beta", "text-prompts"):
        length(prompt, dialect)  # type: ignore[arg-type]
    assert time.process_time() - started < 8


def test_an_engine_says_what_it_makes_of_weights() -> None:
    def engine(dialect: weights.Dialect) -> Engine:
        return Engine("x", "Exact", "b", "q", (Mode.TEXT_TO_IMAGE,), PriceTable("1", 1), weights=dialect)

    assert engine("").weights_help == "Exact ignores weights: (cat:1.2) is read as cat."
    assert engine("v2beta").weights_help.startswith("Exact takes weights up to 1: what weighs most counts as 1, ")
    assert engine("embeddings").weights_help.startswith("(word:1.2) gives a word more weight, (word:0.8) less.")
    assert engine("text-prompts").length_of("a (cat:1.2)") == 3


def test_the_null_engine_draws_the_words() -> None:
    from tests.backends.conftest import generate, request

    backend = NullBackend("null", {"ENABLED": True})
    [typed], [said] = (generate(backend, request(prompt, engine="null")) for prompt in (r"a (red:1.5) \(boat\)", "a red (boat)"))
    assert typed.data == said.data
    assert backend.engines()[0].weights == ""


def test_the_page_reads_weights_by_the_same_pattern() -> None:
    """JavaScript has no possessive quantifiers; else the two patterns are one."""
    script = (Path(__file__).parents[2] / "static/js/create/weights.js").read_text("utf-8")
    found = re.search(r"^const TOKEN = /(.+)/g;$", script, re.MULTILINE)
    assert found
    assert json.dumps(
        weights._TOKEN.pattern.replace("++", "+").replace("*+", "*").replace(r"([()\[\]{}|:_\\])", r"[()[\]{}|:_\\]")
    ) == json.dumps(found[1])
