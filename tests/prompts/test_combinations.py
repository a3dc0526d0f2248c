"""Counting, going through all, and choosing by a seed agree."""

from __future__ import annotations

from collections import Counter
from math import comb

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from studio.prompts.language import PromptSyntaxError, count, every, parse, resolve

LISTS = {"w": ["one", "{two|three}", "__v__ four"], "v": ["five", "six"]}
PLAIN = ["a", "b ", "", ", ", "__v__", "__w__", "{2$$ or $$__w__}", "{x", "{y}"]


def braces(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    options = st.lists(st.tuples(st.sampled_from(["", "", "0::", "3::", "0.25::"]), inner).map("".join), min_size=2, max_size=4)
    heads = st.sampled_from(["", "", "1$$", "0-1$$", "1$$ + $$", "2$$"])
    return st.tuples(heads, options.map("|".join)).map(lambda both: "{" + "".join(both) + "}")


templates = st.lists(
    st.recursive(st.sampled_from(PLAIN), lambda inner: st.one_of(braces(inner), st.tuples(inner, inner).map("".join)), max_leaves=6),
    max_size=3,
).map("".join)


@settings(deadline=None)
@given(templates, st.integers(0, 2**32 - 1))
def test_every_gives_what_count_says_and_whatever_a_seed_chooses(template: str, seed: int) -> None:
    try:
        prompt = parse(template)
    except PromptSyntaxError:
        reject()  # more is to be taken than has odds
    number = count(prompt, wildcards=LISTS)
    found = list(every(prompt, values={}, wildcards=LISTS, limit=300))

    assert len(found) == min(number, 300)
    for one in found:
        assert "".join(part.text for part in one.parts) == one.text
    chosen = resolve(prompt, values={}, seed=seed, wildcards=LISTS)
    assert chosen == resolve(parse(template), values={}, seed=seed, wildcards=LISTS)
    assert number > 300 or chosen in found


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=6), st.data())
def test_taking_several_counts_the_ways(sizes: list[int], data: st.DataObject) -> None:
    """Options with a number of results of their own, all of them different texts: none is met twice."""
    high = data.draw(st.integers(1, len(sizes)))
    low = data.draw(st.integers(0, high))
    options = ["{" + "|".join(f"{option}.{n}" for n in range(size)) + "}" if size > 1 else str(option) for option, size in enumerate(sizes)]
    prompt = parse("{" + f"{low}-{high}$$" + "|".join(options) + "}")
    texts = [one.text for one in every(prompt, values={}, wildcards={}, limit=100_000)]

    assert len(set(texts)) == len(texts) == count(prompt, wildcards={})


def test_the_limit_is_kept() -> None:
    prompt = parse("{a|b}{c|d}")

    assert [one.text for one in every(prompt, values={}, wildcards={}, limit=3)] == ["ac", "ad", "bc"]
    assert list(every(prompt, values={}, wildcards={}, limit=0)) == []


def test_large_numbers_are_exact() -> None:
    binary = "{a|b}" * 3000
    lists = {"big": [str(n) for n in range(10_000)]}

    assert count(parse(binary), wildcards={}) == 2**3000
    assert count(parse("{50$$" + "|" * 9999 + "}"), wildcards={}) == comb(10_000, 50)
    assert count(parse("{7$$__big__} __big__"), wildcards=lists) == comb(10_000, 7) * 10_000
    assert count(parse("__big__" * 900), wildcards=lists) == 10**3600
    assert str(count(parse("__big__" * 900), wildcards=lists)) == "1" + "0" * 3600


@pytest.mark.parametrize("text", ["__big__" * 1000, "{100$$__bigger__}", "__bigger____bigger__", "{2$$__bigger__|__bigger__}"])
def test_a_number_that_cannot_be_written_out_is_refused(text: str) -> None:
    lists = {"big": [str(n) for n in range(10_000)], "bigger": ["__big__" * 900] * 110}

    with pytest.raises(PromptSyntaxError) as caught:
        count(parse(text), wildcards=lists)
    assert caught.value.code == "too_many"
    assert caught.value.message == "This prompt has more combinations than a number of 3,900 digits can say. Take alternatives out."


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("{a|b|c|d}", {"a": 1 / 4, "b": 1 / 4, "c": 1 / 4, "d": 1 / 4}),
        ("{0.5::a|2::b|c}", {"a": 1 / 7, "b": 4 / 7, "c": 2 / 7}),
        ("{0::a|.000001::b|.000003::c}", {"b": 1 / 4, "c": 3 / 4}),
        ("{2$$a|b|c}", {"a, b": 1 / 3, "a, c": 1 / 3, "b, c": 1 / 3}),
        ("{1-2$$a|b}", {"a": 1 / 4, "b": 1 / 4, "a, b": 1 / 2}),
        # a first: 1/2 · 1/2 each with b, c; b (or c) first: 1/4, then a with 2/3 and the other with 1/3
        ("{2$$2::a|1::b|1::c}", {"a, b": 1 / 4 + 1 / 6, "a, c": 1 / 4 + 1 / 6, "b, c": 1 / 6}),
        ("__w__", {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
        ("{a|{b|c}}", {"a": 1 / 2, "b": 1 / 4, "c": 1 / 4}),
        ("{a|b}{a|b}", {"aa": 1 / 4, "ab": 1 / 4, "ba": 1 / 4, "bb": 1 / 4}),
    ],
)
def test_odds_are_kept(text: str, shares: dict[str, float]) -> None:
    """Over 4,000 seeds in a row, as the pictures of a batch have them. 16.3 is the 99.9 % point of chi-square for 3 degrees of freedom."""
    prompt, seeds = parse(text), 4000
    met = Counter(resolve(prompt, values={}, seed=seed, wildcards={"w": ["a", "b", "c"]}).text for seed in range(seeds))

    assert set(met) == set(shares)
    assert sum((met[one] - seeds * share) ** 2 / (seeds * share) for one, share in shares.items()) < 16.3
