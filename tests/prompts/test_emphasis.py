"""Weights of other programs, written out and back."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.prompts.exchange.emphasis import from_a1111, from_invokeai, to_a1111, to_invokeai


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("(x)", "(x:1.1)"),
        ("((x))", "(x:1.21)"),
        ("(((x)))", "(x:1.33)"),
        ("[x]", "(x:0.91)"),
        ("[[x]]", "(x:0.83)"),
        ("([x])", "(x:1)"),
        ("(x:1.3)", "(x:1.3)"),
        ("((x:1.3))", "(x:1.43)"),
        ("( x : .5 )", "( x :0.5)"),
        ("(a (b) c)", "(a (b:1.1) c:1.1)"),
        ("(a, b:1.2) (c)", "(a, b:1.2) (c:1.1)"),
        (r"\(x\) \[y\]", r"\(x\) [y]"),
        ("(x", r"\(x"),
        ("x)", "x)"),
        ("a\\b \\{c} \\\\ d\\", "ab {c} \\\\ d"),
        ("([x)]", r"\((x\):0.91)"),
        ("()", "()"),
        ("[a|b] [a:b:5] [:b:0.5]", "[a|b] [a:b:5] [:b:0.5]"),
        ("({a|b}) [{a|b}]", "({a|b}:1.1) ({a|b}:0.91)"),
        ("(time 12:30)", "(time 12:30)"),
    ],
)
def test_weights_of_automatic1111_are_written_out(theirs: str, ours: str) -> None:
    assert from_a1111(theirs) == ours


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("(x:1.2)", "(x:1.2)"),
        ("a (small) cat", r"a \(small\) cat"),
        ("((a:1.2) b:0.5)", "((a:1.2) b:0.5)"),
        ("((a:1.2) b)", r"\((a:1.2) b\)"),
        ("a [b]", r"a \[b\]"),
        (r"\(a\) \{b\}", r"\(a\) {b}"),
        ("(a", r"\(a"),
        ("a\\b \\[c] \\\\ d\\", r"a\\b \[c\] \\ d\\"),
        (r"(a\:1.2) \(b\:1.2\) (c:\:2)", r"\(a:1.2\) \(b:1.2\) \(c::2\)"),
        ("a)", r"a\)"),
    ],
)
def test_brackets_that_are_words_stay_words_there(ours: str, theirs: str) -> None:
    assert to_a1111(ours) == theirs


def test_fooocus_has_no_square_weights() -> None:
    assert from_a1111("[a] (b)", squares=False) == "[a] (b:1.1)"
    assert to_a1111("[a] (b)", squares=False) == r"[a] \(b\)"


def test_weights_of_invokeai() -> None:
    assert from_invokeai(r"(a b)1.2 (c) \(d\)1.5 x2") == r"(a b:1.2) (c) \(d\)1.5 x2"
    assert to_invokeai(r"(a b:1.2) (c) \(d:1.5\) \{e\}") == r"(a b)1.2 (c) \(d:1.5\) {e}"


@given(st.text("ab()[]\\:1.| {}", max_size=60))
def test_weights_written_out_stay_as_they_are(text: str) -> None:
    ours = from_a1111(text)

    assert from_a1111(to_a1111(ours)).replace("\\", "") == ours.replace("\\", "")


@pytest.mark.parametrize("text", ["(" * 100_000, "((" * 50_000 + "))" * 50_000, "[:1" * 30_000, "(a:1.2" * 20_000, "\\" * 100_000])
def test_hostile_brackets_take_no_time(text: str) -> None:
    began = time.process_time()
    for convert in (from_a1111, to_a1111, from_invokeai, to_invokeai):
        convert(text)

    assert time.process_time() - began < 5
