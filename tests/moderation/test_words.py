"""What counts as a word of a list, however it is written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.moderation.normal import plain
from studio.moderation.rules import MAX_ENTRIES, matches, parse
from studio.moderation.words import SHIPPED, studio_words

NUDE = parse("nude")


@pytest.mark.parametrize(
    "text",
    [
        "a nude figure",
        "NUDES",
        "nüdé",
        "n\u200bu\u00adde",
        "ｎｕｄｅ",
        "𝓷𝓾𝓭𝓮",
        "nud\u0435",  # the last letter is Cyrillic
        "\u0578ude",  # the first is Armenian
        "n u d e",
        "a n u d e woman",
        "n.u.d.e",
        "n-u-d-e",
        "nuuuude",
        "nud3",
        "(nude:1.4)",
        "sailboat,nude,sunset",
        "“nude”",
        "n\u0308ude",
        "\u0274\u1d1c\u1d05\u1d07",  # small capitals
        "nu\u0111e",  # a letter with a stroke
        "\u039dude",  # the first is a Greek capital, whose small form looks like v
        "\U0001f15d\U0001f164\U0001f153\U0001f154",  # white on black circles
        "\U0001f17d\U0001f184\U0001f173\U0001f174",  # and squares
        "\U0001f1f3\U0001f1fa\U0001f1e9\U0001f1ea",  # of which flags are made
        "nu\u3164de",  # a filler, which counts as a letter
        "x~nu\ufe0fde",
        "n  u  d  e",
        "n, u, d, e",
        "n\nu\nd\ne",
        "(n) (u) (d) (e)",
        "n u d 3",
        f"{'a ' * 50}n u d e",
    ],
)
def test_a_word_is_found_however_it_is_disguised(text: str) -> None:
    assert matches(text, NUDE) == ["nude"]


@pytest.mark.parametrize(
    "text",
    [
        "denuded hills",
        "nudge",
        "a rude sailor",
        "nu de",
        "U.S.A. flags",
        "D. J. Nudelman",
        "",
        "\u03bd\u03c5\u03be \u039d\u03a5\u039e",
        "🙂",
        "nu7de",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert matches(text, NUDE) == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("🍆", "a basket of 🍆"),
        ("🍆", "big🍆"),
        ("🍆", "🍆🍆"),
        ("❤️", "I \u2764 you"),  # with the mark that makes it colourful, and without
        ("🖕", "🖕🏿"),
        ("🍆💦", "so 🍆💦 much"),
        ("🍆💦", "🍆 💦"),
        ("eat 🍆", "we eat 🍆"),
        ("nude", "🍆 nud3"),
        ("red boat", "a red 🍆 boat"),
        ("🍆 + boat", "a boat, a 🍆"),
    ],
)
def test_emoji_are_words(line: str, text: str) -> None:
    assert matches(text, parse(line)) != []
    assert (
        matches(
            text.replace("🍆", "🍎").replace("boat", "ship").replace("nud3", "x").replace("🖕", "👍").replace("\u2764", "💔"), parse(line)
        )
        == []
    )


@pytest.mark.parametrize("line", ["…", "“”", "->", "+", "🍆*"])
def test_other_signs_are_no_words(line: str) -> None:
    with pytest.raises(ValueError, match="Line 1"):
        parse(line)


def test_the_shipped_list_leaves_ordinary_prompts_alone() -> None:
    ordinary = [
        "a red sailboat on the sea at sunset, watercolor",
        "Essex and Sussex, an old map",
        "Scunthorpe United scarf, cocktail on the bar, Moby Dick the whale",
        "a comet that is seen with the naked eye",
        "children building a snowman, grapes on a table, Michelangelo's assassin in a class of analysts",
        "a teen reading in a window, a boy and a girl on a swing",
        "skilled butchers at a market, an analogue therapist's office, a bass guitar",
        "голубое небо над морем",
        "海辺の赤い帆船",
    ]
    assert {text: matches(text, studio_words()) for text in ordinary} == {text: [] for text in ordinary}


def test_a_prefix_a_phrase_and_a_plural() -> None:
    entries = parse("behead*\nsex scene\nwitch")
    assert matches("a beheading", entries) == ["behead…"]
    assert matches("b3heading", entries) == ["behead…"]
    assert matches("the sex, scene", entries) == ["sex scene"]
    assert matches("scene of sex", entries) == []
    assert matches("witches", entries) == ["witch"]


def test_a_pair_needs_both_and_nobody_can_allow_it() -> None:
    entries = parse("child|little girl + naked|nude\nnude")
    assert matches("a child", entries) == []
    assert matches("a statue, nude", entries) == ["nude"]
    assert matches("nude, and far away a little girl", entries) == ["little girl with nude", "nude"]
    assert matches("nude child", entries, parse("nude\nchild|little girl + naked|nude")) == ["child with nude"]


def test_nothing_that_a_team_calls_harmless_hides_what_nobody_can_allow() -> None:
    everything = parse(SHIPPED.read_text("utf-8"))
    assert matches("a nude child", everything, parse("! nude\n! child\n! nude child")) == ["child with nude"]
    assert matches("a nude sailor", everything, parse("! nude sailor")) == []
    assert matches("jailbait", everything, parse("jailbait\n= jailbait\n! jailbait")) == ["jailbait"]


def test_a_long_list_of_what_is_harmless_takes_no_longer_than_any() -> None:
    """Ratios in one run, as below: sorting the words of the text for each of a thousand lines took two hundred times as long."""
    text, lines = "a sailor by the sea " * 500, [f"word{n}" for n in range(MAX_ENTRIES)]

    def seconds(mark: str) -> float:
        entries = parse("\n".join(f"{mark}{line}" for line in lines))
        started = time.perf_counter()
        assert matches(text, NUDE, entries) == []
        return time.perf_counter() - started

    seconds("")
    assert min(seconds("! ") for _ in range(2)) < 5 * min(seconds("") for _ in range(3)) + 0.02


def test_what_is_harmless_hides_only_itself() -> None:
    entries = parse("! naked eye\nnaked")
    assert matches("seen with the naked eye", entries) == []
    assert matches("naked, seen with the naked eye", entries) == ["naked"]


def test_minors_are_never_allowed_in_the_shipped_list() -> None:
    everything = parse(SHIPPED.read_text("utf-8"))
    assert matches("a naked teenager", everything, everything) == ["teenager with naked"]


def test_a_list_is_read_line_by_line() -> None:
    entries = parse("# a remark\n\n  Red   Sea  # why\nred sea\n")
    assert [(entry.line, entry.parts) for entry in entries] == [("Red Sea", ((("red", "sea"),),))]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("child +", "Line 1, “child +”, has no word where there should be one."),
        ("+ nude", "Line 1, “+ nude”, has no word where there should be one."),
        ("a||b + c", "Line 1, “a||b + c”, has no word where there should be one."),
        ("=", "Line 1, “=”, has no word where there should be one."),
        ("! a + b", "Line 1, “! a + b”, has no word where there should be one."),
        ("...", "Line 1, “...”, has no word where there should be one."),
        ("ab*", "Line 1, “ab*”: at least three letters have to stand before a *."),
        ("x" * 301, "Line 1 is longer than 300 characters."),
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="Line 1") as caught:
        parse(line)
    assert str(caught.value) == sentence


def test_a_list_has_an_end() -> None:
    assert len(parse("\n".join(f"word{n}" for n in range(MAX_ENTRIES)))) == MAX_ENTRIES
    with pytest.raises(ValueError, match="1,000 lines at most"):
        parse("\n".join(f"word{n}" for n in range(MAX_ENTRIES + 1)))


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert matches(text, parse("a")) in ([], ["a"])
    assert plain(plain(text)) == plain(text)


def test_a_text_made_to_take_long_takes_as_long_as_it_is() -> None:
    """Ratios in one run: of ten times the text a quadratic way would make a hundred times the work."""

    def seconds(text: str) -> float:
        started = time.perf_counter()
        matches(text, studio_words())
        return time.perf_counter() - started

    for piece in ("nude ", "a ", "a.b-", "e", "n u ", "naked eye ", "see through "):
        short, long = piece * 1000, piece * 10_000
        seconds(short)
        assert min(seconds(long) for _ in range(2)) < 50 * min(seconds(short) for _ in range(5)) + 0.02, piece
