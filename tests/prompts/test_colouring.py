"""Which words of a prompt are drawn how, before anything is resolved."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.prompts.colouring import typed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a {mug} here", [("a ", ""), ("{mug}", "f1"), (" here", "")]),
        ("{nobody} and { and }", [("{nobody} and { and }", "")]),
        ("{soft|hard} light", [("{soft|hard}", "alt"), (" light", "")]),
        ("{a|{mug}|b}", [("{a|", "alt"), ("{mug}", "f1"), ("|b}", "alt")]),
        ("{2$$__colour__}", [("{2$$", "alt"), ("__colour__", "wild"), ("}", "alt")]),
        ("__light__, __no __", [("__light__", "wild"), (", __no __", "")]),
        (r"\{mug\} {mug}", [(r"\{mug\} ", ""), ("{mug}", "f1")]),
        ("{a|b", [("{a|b", "")]),
        ("a|b}", [("a|b}", "")]),
        ("", []),
    ],
)
def test_words_have_a_look(text: str, found: list[tuple[str, str]]) -> None:
    assert [(one.text, one.look) for one in typed(text, {"mug": 1})] == found


def test_what_is_locked_is_drawn_so_but_for_its_fields() -> None:
    assert [(one.text, one.look) for one in typed("no {mug}, no text", {"mug": 2}, locked=True)] == [
        ("no ", "lock"),
        ("{mug}", "f2"),
        (", no text", "lock"),
    ]


@given(st.text(alphabet="{}|_\\$2 amug", max_size=60))
def test_no_word_is_lost(text: str) -> None:
    assert "".join(one.text for one in typed(text, {"mug": 1})) == text


@pytest.mark.parametrize("piece", ["{", "}", "|", "{a|", "__", "{mug", "\\", "{2$$"])
def test_time_grows_with_the_length_alone(piece: str) -> None:
    def seconds(times: int) -> float:
        """Of this process alone, the best of four: what else the machine does has no part in it."""
        taken = []
        for _ in range(4):
            start = time.process_time()
            typed(piece * times, {"mug": 1})
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(40_000) < 12 * max(seconds(10_000), 0.005)
