"""What the signs of a prompt mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from studio.prompts.language import Part, PromptSyntaxError, count, every, is_wildcard_name, lines, parse, resolve
from studio.prompts.language import limits as limits_of

LISTS = {"colour": ["red", "{dark|light} blue"], "pet": ["cat", "__colour__ dog"]}


def all_of(text: str, *, wildcards: Mapping[str, Sequence[str]] = LISTS, **values: str) -> list[str]:
    prompt = parse(text, fields=values)
    texts = [one.text for one in every(prompt, values=values, wildcards=wildcards, limit=1000)]
    assert len(texts) == count(prompt, wildcards=wildcards)
    return texts


def refused(text: str, *, wildcards: Mapping[str, Sequence[str]] = LISTS, fields: Sequence[str] = ()) -> tuple[str, int, str]:
    """Code, position and message of what is wrong."""
    with pytest.raises(PromptSyntaxError) as caught:
        resolve(parse(text, fields=fields), values={}, seed=1, wildcards=wildcards)
    return caught.value.code, caught.value.position, caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a boat",
        "{",
        "}",
        "{}",
        "}{",
        "{word}",
        "a | b",
        "{a|b",
        "a|b}",
        "{{a}",
        '{"size": {"width": 512, "height": 512}}',
        "{2$$a}",
        "{2$$}",
        "{2$$a b}",
        "cost $$ 5",
        "1::2",
        "__",
        "____",
        "__ colour __",
        "_colour_",
        "__colour",
        "snake_case_name",
        "(red:1.2), ((loud)), [quiet]",
        "back\\slash",
        r"\(red:1.2\) \\ \[x\] \:",
        "line\nline",
        "{product}",
    ],
)
def test_words_stay_as_they_are(text: str) -> None:
    assert all_of(text) == [text]


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("a {red|blue} hat", ["a red hat", "a blue hat"]),
        ("{a|b}{c|d}", ["ac", "ad", "bc", "bd"]),
        ("{|very }big", ["big", "very big"]),
        ("{ a | b }", [" a ", " b "]),
        ("{a|{b|c} d}", ["a", "b d", "c d"]),
        ("{a|a}", ["a", "a"]),
        ("{2$$a|b|c}", ["a, b", "a, c", "b, c"]),
        ("{1-2$$a|b|c}", ["a", "b", "c", "a, b", "a, c", "b, c"]),
        ("{0-1$$a|b}", ["", "a", "b"]),
        ("{2$$ and $$a|b|c}", ["a and b", "a and c", "b and c"]),
        ("{2$$$$a|b}", ["ab"]),
        (r"{2$$ \| $$a|b}", ["a | b"]),
        ("{2$$ $5 $$a|b}", ["a $5 b"]),
        ("{2$$ a | b }", ["a, b"]),
        ("{3$$a||b}", ["a, b"]),
        ("{2$$a|{b|c}|d}", ["a, b", "a, c", "a, d", "b, d", "c, d"]),
        ("{0.5::a|2::b|c}", ["a", "b", "c"]),
        ("{2$$3::a| .5:: b |0::c}", ["a, b"]),
        ("{0::a|b}", ["b"]),
        ("{a::b|c}", ["a::b", "c"]),
        ("{1::2::a|b}", ["2::a", "b"]),
        ("{a$$b|c}", ["a$$b", "c"]),
        ("({red|blue}:1.2)", ["(red:1.2)", "(blue:1.2)"]),
        ("{(red:1.2)|blue}", ["(red:1.2)", "blue"]),
        ("__colour__ hat", ["red hat", "dark blue hat", "light blue hat"]),
        ("__pet__", ["cat", "red dog", "dark blue dog", "light blue dog"]),
        ("___colour__", ["_red", "_dark blue", "_light blue"]),
        ("{2$$__colour__}", ["red, dark blue", "red, light blue"]),
        ("{1-2$$ or $$ __colour__ }", ["red", "dark blue", "light blue", "red or dark blue", "red or light blue"]),
        ("{2$$x __colour__}", ["{2$$x red}", "{2$$x dark blue}", "{2$$x light blue}"]),
        ("{__colour__}", ["{red}", "{dark blue}", "{light blue}"]),
        ("{x|y {a|b}", ["{x|y a", "{x|y b"]),
        ("{a|b} }", ["a }", "b }"]),
        ("{a {b} c|d}", ["a {b} c", "d"]),
        (r"\{a|b\}", ["{a|b}"]),
        (r"{a\|b|c\}}", ["a|b", "c}"]),
        (r"\__colour__ \_", ["__colour__ _"]),
        (r"\\{a|b}", [r"\\a", r"\\b"]),
        ("end\\", ["end\\\\"]),
    ],
)
def test_alternatives_and_wildcards(text: str, results: list[str]) -> None:
    assert all_of(text) == results


def test_a_field_is_one_only_where_the_template_has_it() -> None:
    assert all_of("{product} and {other} {a|{product}}", product="a mug") == ["a mug and {other} a", "a mug and {other} a mug"]


def test_a_backslash_before_a_brace_makes_words_of_a_field() -> None:
    assert all_of(r"\{product}", product="a mug") == ["{product}"]


def test_a_line_of_a_wildcard_knows_no_fields() -> None:
    assert all_of("__w__", wildcards={"w": ["{product}"]}, product="a mug") == ["{product}"]


def test_a_value_is_marked_for_whoever_reads_weights() -> None:
    assert all_of("{x}", x=r"{a|b} (red:1.2) __colour__ \ |") == [r"{a|b} \(red:1.2\) __colour__ \\ |"]


@pytest.mark.parametrize(
    ("text", "value", "result"),
    [
        ("({x})", "cat:1.5", r"(cat\:1.5)"),
        ("({x} 5 )", "a:b:", r"(a:b\: 5 )"),
        ("({x}{x})", ":1", r"(:1\:1)"),
        ("(red:{x})", "1.5", "(red:1.5)"),
        ("{x})", "16:9", r"16\:9)"),
        ("({x}:1.2)", "16:9", "(16:9:1.2)"),
        ("({x} wide)", "16:9", "(16:9 wide)"),
        ("{x}", "(cat:1.5)", r"\(cat:1.5\)"),
    ],
)
def test_no_colon_of_a_value_ends_a_weight(text: str, value: str, result: str) -> None:
    assert all_of(text, x=value) == [result]


def test_a_backslash_at_the_end_of_a_line_does_not_reach_into_a_value() -> None:
    assert all_of("__w__{x}", wildcards={"w": ["a\\"]}, x="(b:1.2)") == [r"a\\\(b:1.2\)"]


def test_what_a_prompt_says_about_itself() -> None:
    prompt = parse("{b} __pet__ {a} {b} {x|__colour__} __pet__ {c}", fields=["a", "b"])

    assert (prompt.fields, prompt.wildcards, prompt.has_alternatives) == (("b", "a"), ("pet", "colour"), True)
    assert (parse("__pet__ {a}").has_alternatives, parse("{2$$__pet__}").has_alternatives) == (False, True)


def test_parts_say_where_their_text_comes_from() -> None:
    prompt = parse("A {x}{x} {1$$a {x}|0::b} __w__ end", fields=["x"])
    resolved = resolve(prompt, values={"x": "v"}, seed=3, wildcards={"w": ["{one} {|}__v__"], "v": ["two"]})

    assert resolved.parts == (
        Part("A ", "words"),
        Part("v", "field", "x"),
        Part("v", "field", "x"),
        Part(" ", "words"),
        Part("a ", "alternative"),
        Part("v", "field", "x"),
        Part(" ", "words"),
        Part("{one} ", "wildcard", "w"),
        Part("two", "wildcard", "v"),
        Part(" end", "words"),
    )
    assert resolved.text == "A vv a v {one} two end"


def test_an_empty_value_leaves_no_part() -> None:
    assert resolve(parse("{x}a", fields=["x"]), values={"x": ""}, seed=1, wildcards={}).parts == (Part("a", "words"),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ab {3$$a|b}", ("amount", 3, "3 alternatives are to be taken here, but there are only 2. Take fewer, or add some.")),
        ("{2$$0::a|b}", ("amount", 0, "2 alternatives are to be taken here, but there are only 1. Take fewer, or add some.")),
        ("{3$$__colour__}", ("amount", 0, "3 alternatives are to be taken here, but there are only 2. Take fewer, or add some.")),
        ("{3-2$$a|b|c}", ("amount", 0, "“3-2$$” counts down. Write the smaller number first.")),
        ("{0$$a|b}", ("amount", 0, "“0$$” is no number of alternatives to take. Write one from 1 to 100.")),
        ("{1-101$$__colour__}", ("amount", 0, "“101$$” is no number of alternatives to take. Write one from 1 to 100.")),
        ("x{0::a|0.0::b}", ("odds", 1, "All alternatives here have the odds 0. Give one of them more.")),
        (
            "a __hat__",
            ("unknown_wildcard", 2, "There is no wildcard “hat”. Make it, or write \\__hat__ where you mean just these words."),
        ),
    ],
)
def test_what_cannot_be_is_said(text: str, problem: tuple[str, int, str]) -> None:
    assert refused(text) == problem


def test_a_missing_value_is_said() -> None:
    assert refused("a {x}", fields=["x"]) == ("missing_value", 2, "The field “x” has no value. Fill it in.")


def test_an_empty_wildcard_is_said() -> None:
    assert refused("__w__", wildcards={"w": []}) == ("empty_wildcard", 0, "The wildcard “w” has no lines. Add some.")


def test_a_mistake_in_a_line_is_said_with_its_wildcard() -> None:
    message = "Wildcard “w”, entry 1: “2-1$$” counts down. Write the smaller number first."
    assert refused("a __w__", wildcards={"w": ["{2-1$$a|b}"]}) == ("wildcard_line", 2, message)


def test_a_circle_of_wildcards_is_named() -> None:
    circle = {"a": ["__b__"], "b": ["x __c__"], "c": ["{|0::__b__}__b__"]}
    expected = ("wildcard_loop", 1, "Wildcards name each other in a circle: b → c → b. Take one of the names out.")

    assert refused("-__a__", wildcards=circle) == expected
    with pytest.raises(PromptSyntaxError, match="b → c → b"):
        count(parse("__a__"), wildcards=circle)


def test_counting_finds_a_circle_that_a_seed_may_miss() -> None:
    circle = {"a": [*["fine"] * 999, "__a__"]}

    assert resolve(parse("__a__"), values={}, seed=1, wildcards=circle).text == "fine"
    with pytest.raises(PromptSyntaxError, match="a → a"):
        count(parse("__a__"), wildcards=circle)


def test_lists_nest_to_a_limit() -> None:
    chain = {str(n): [f"__{n + 1}__"] for n in range(1, 20)} | {"20": ["end"]}
    deepest = f"__{21 - limits_of.MAX_LISTS}__"

    assert all_of(deepest, wildcards=chain) == ["end"]
    for text in (f"__{20 - limits_of.MAX_LISTS}__", f"{deepest} __{20 - limits_of.MAX_LISTS}__"):
        assert refused(text, wildcards=chain)[0] == "too_deep"
        with pytest.raises(PromptSyntaxError, match="nested more than 8 deep"):
            count(parse(text), wildcards=chain)


def test_alternatives_nest_to_a_limit() -> None:
    most = limits_of.MAX_NESTING

    assert len(all_of("{a|" * most + "b" + "}" * most)) == most + 1
    code, position, message = refused("{a|" * (most + 1) + "b" + "}" * (most + 1))
    assert (code, position, message) == ("too_deep", 3 * most, "Alternatives are nested more than 10 deep here. Take a level out.")


def test_a_salt_chooses_for_itself() -> None:
    prompt = parse("{" + "|".join(map(str, range(1000))) + "}")
    texts = {resolve(prompt, values={}, seed=5, wildcards={}, salt=salt).text for salt in ("", "negative", "other")}
    assert len(texts) == 3


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("colour", True), ("hair-style", True), ("hair_style", True), ("art/modern.2", True), ("größe", True), ("a" * 64, True)]
    + [("", False), ("_a", False), ("a__b", False), ("a_", False), ("a b", False), ("a|b", False), ("{a}", False), ("a" * 65, False)],
)
def test_names_of_wildcards(name: str, is_one: bool) -> None:
    assert is_wildcard_name(name) is is_one
    assert (parse(f"__{name}__").wildcards == (name,)) is is_one


def test_lines_of_a_list() -> None:
    assert lines("# colours\n red \r\n\n{a|b} # no remark\n\t#blue\n") == ["red", "{a|b} # no remark"]
