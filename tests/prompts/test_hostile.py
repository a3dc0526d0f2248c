"""Texts made to hurt: work grows with the length, and what would grow faster is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, SupportsIndex

import pytest

from studio.prompts.language import PromptSyntaxError, count, every, limits, parse, resolve
from studio.prompts.language.counting import _Census

LISTS = {"a": ["x"], "many": [str(n) for n in range(50)]}
SHAPES: dict[str, Callable[[int], str]] = {
    "opened": lambda n: "{" * n,
    "closed": lambda n: "}" * n,
    "empty braces": lambda n: "{}" * n,
    "nested braces": lambda n: "{" * n + "}" * n,
    "nested around bars": lambda n: "{" * n + "a|b" + "}" * n,
    "nested alternatives": lambda n: "{a|" * n + "}" * n,
    "alternatives never closed": lambda n: "{a|" * n,
    "bars": lambda n: "|" * n,
    "bars in braces": lambda n: "{" + "|" * n + "}",
    "bars never closed": lambda n: "{" + "|" * n,
    "many alternatives": lambda n: "{a|b}" * n,
    "underscores": lambda n: "__" * n,
    "half wildcards": lambda n: "__a" * n,
    "broken wildcards": lambda n: "__a_" * n,
    "wildcards": lambda n: "__a__ " * n,
    "long name": lambda n: "__" + "a" * n + "__",
    "dollars": lambda n: "$$" * n,
    "dollars in braces": lambda n: "{2$$" + "$" * n + "a|b}",
    "amounts": lambda n: "{2$$" * n,
    "amounts and joiners": lambda n: "{1$$a$$" * n,
    "amounts with spaces": lambda n: "{" + " " * n + "1$$a|b}" + "{ " * n,
    "closed amounts": lambda n: "{1$$__a__ x}" * n,
    "many taken": lambda n: "{100$$" + "|a" * (n + 100) + "}",
    "odds": lambda n: "{" + "1::a|" * n + "b}",
    "different odds": lambda n: "{" + "".join(f"{1 + i % 7}::a|" for i in range(n)) + "b}",
    "spaces before odds": lambda n: "{" + " " * n + "1::|" + " " * n + "}",
    "digits": lambda n: "{" + "9" * n + "::a|b}",
    "backslashes": lambda n: "\\" * n,
    "escaped": lambda n: r"\{" * n,
    "half fields": lambda n: "{field" * n,
    "fields": lambda n: "{field}" * n,
    "colons": lambda n: "({field}" + ": " * n + ")",
    "weights around fields": lambda n: "({field})" * n,
}


class Watched(str):
    """A text that counts the characters that are copied out of it, or looked through."""

    looked_at = 0

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        found = str.__getitem__(self, key)
        self.looked_at += len(found)
        return found

    def find(self, sub: str, start: int = 0, end: int = sys.maxsize) -> int:  # type: ignore[override]
        found = str.find(self, sub, start, end)
        self.looked_at += (min(end, len(self)) if found < 0 else found) - start
        return found


def work(act: Callable[[], object]) -> int:
    """Lines and calls, those of C included, that an act takes: the same at every run."""
    steps = 0

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return line

    def call(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(line)
    sys.setprofile(call)
    try:
        act()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return steps


def use(text: Watched) -> None:
    with suppress(PromptSyntaxError):  # some are nested too deep: that must not take long either
        prompt = parse(text, fields=("field",))
        count(prompt, wildcards=LISTS)
        resolve(prompt, values={"field": "a: 1"}, seed=1, wildcards=LISTS)


@pytest.mark.parametrize("shape", SHAPES)
def test_work_grows_with_the_length(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("parsing.MAX_TEXT", "resolving.MAX_OUTPUT", "resolving.MAX_STEPS", "counting.MAX_BITS"):
        monkeypatch.setattr(f"studio.prompts.language.{place}", 10_000_000)
    short, long = Watched(SHAPES[shape](250)), Watched(SHAPES[shape](2000))
    use(Watched(short))
    less, more = work(lambda: use(short)), work(lambda: use(long))

    assert more <= 9 * less + 200
    assert long.looked_at <= 9 * short.looked_at + 200


LISTED: dict[str, Callable[[int], dict[str, list[str]]]] = {
    "a long list met often": lambda n: {"a": ["__b__ {2$$__b__}" * 9] * n, "b": [str(i) for i in range(n)]},
    "a long list in a row of lists": lambda n: {"a": ["__b__"] * n, "b": ["__c__"] * n, "c": ["{d|e}"] * n},
    "a line of many": lambda n: {"a": ["__b__" * n], "b": ["x"] * n},
}


@pytest.mark.parametrize("shape", LISTED)
def test_counting_lists_takes_as_long_as_reading_them(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers that are added up are counted too: C does it, unseen."""
    added = 0
    ways = _Census._ways

    def watched(census: _Census, counts: list[int], most: int) -> list[int]:
        nonlocal added
        added += len(counts)
        return ways(census, counts, most)

    def effort(wildcards: dict[str, list[str]]) -> int:
        before = added
        return work(lambda: count(parse("__a__"), wildcards=wildcards)) + added - before

    monkeypatch.setattr(_Census, "_ways", watched)
    few, many = LISTED[shape](100), LISTED[shape](800)

    assert effort(many) <= 9 * effort(few) + 200


def test_a_hundred_thousand_bars_are_read_when_no_limit_forbids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.prompts.language.parsing.MAX_TEXT", 1_000_000)
    prompt = parse("{" + "|" * 99_999 + "x}")

    assert count(prompt, wildcards={}) == 100_000
    assert resolve(prompt, values={}, seed=1, wildcards={}).text == ""


def test_a_long_text_is_refused_unread() -> None:
    text = "{" + "|" * 100_000 + "}"
    with pytest.raises(PromptSyntaxError) as caught:
        parse(text)

    assert (caught.value.code, caught.value.position) == ("too_long", limits.MAX_TEXT)
    assert caught.value.message == "This text has 100,002 characters; 20,000 are allowed. Shorten it."
    assert parse("x" * limits.MAX_TEXT).sections[0].nodes[0] == ("x" * limits.MAX_TEXT,)


def bombs() -> dict[str, tuple[str, dict[str, list[str]], str]]:
    doubled = {f"l{n}": [f"__l{n + 1}__ " * 40] for n in range(7)} | {"l7": ["boom"]}
    silent = {f"l{n}": [f"__l{n + 1}__" * 200] for n in range(7)} | {"l7": ["{|}"]}
    return {
        "lists that multiply": ("__l0__", doubled, ""),
        "lists that multiply and say nothing": ("__l0__", silent, ""),
        "a hundred long lines": ("{100$$__long__}", {"long": ["x" * 1000] * 100}, ""),
        "a line many times": ("__long__" * 300, {"long": ["x" * 1000]}, ""),
        "a long value many times": ("{field}" * 300, {}, "x" * 1000),
        "a long value": ("{field}", {}, "(" * 1_000_000),
        "much to weigh": ("{100$$2::a" + "|a" * 5000 + "}", {}, ""),
    }


@pytest.mark.parametrize("bomb", bombs())
def test_what_would_grow_without_end_is_refused(bomb: str) -> None:
    text, wildcards, value = bombs()[bomb]
    prompt = parse(text, fields=("field",))
    tries: list[Callable[[], object]] = [
        lambda: resolve(prompt, values={"field": value}, seed=1, wildcards=wildcards),
        lambda: next(every(prompt, values={"field": value}, wildcards=wildcards, limit=1)),
    ]
    for act in tries:
        with pytest.raises(PromptSyntaxError) as caught:
            act()
        assert (caught.value.code, caught.value.message[:12]) == ("too_much", "This prompt ")


def test_a_bomb_is_put_out_in_time() -> None:
    text, wildcards, _ = bombs()["lists that multiply and say nothing"]
    prompt = parse(text)

    def explode() -> None:
        with pytest.raises(PromptSyntaxError):
            resolve(prompt, values={}, seed=1, wildcards=wildcards)

    assert work(explode) < 100 * limits.MAX_STEPS


def test_a_bomb_is_counted_without_setting_it_off() -> None:
    text, wildcards, _ = bombs()["lists that multiply and say nothing"]
    with pytest.raises(PromptSyntaxError, match="more combinations"):
        count(parse(text), wildcards=wildcards)
    assert count(parse("__l0__"), wildcards=bombs()["lists that multiply"][1]) == 1
