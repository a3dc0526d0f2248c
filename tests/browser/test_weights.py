"""Ctrl with an arrow in the prompt: the weight of a word goes up and down, and the page says what the engine makes of it.

On the null engine, so that it is quick.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NULL_ENGINE

ENVIRONMENT = NULL_ENGINE


@pytest.fixture
def prompt(person, signed_in) -> Locator:
    """The prompt of Create, empty and focused."""
    page = person(storage_state=signed_in).go("/create/")
    field = page.locator("#panel textarea[name=prompt]")
    field.fill("")
    return field


def put(prompt: Locator, marked: str) -> None:
    """Fill in a prompt; `|` is where the caret is, two of them are a selection."""
    parts = marked.split("|")
    prompt.fill("".join(parts))
    ends = [len(parts[0]), len(parts[0]) + len(parts[1] if len(parts) == 3 else "")]
    prompt.evaluate("(field, ends) => { field.focus(); field.setSelectionRange(...ends) }", ends)


def shown(prompt: Locator) -> str:
    """What stands in it, marked as `put` takes it."""
    text, start, end = prompt.evaluate("field => [field.value, field.selectionStart, field.selectionEnd]")
    return f"{text[:start]}|{text[start:]}" if start == end else f"{text[:start]}|{text[start:end]}|{text[end:]}"


@pytest.mark.parametrize(
    ("before", "keys", "after"),
    [
        ("a re|d boat", "↑", "a (re|d:1.1) boat"),
        ("a |red boat", "↑↑", "a (|red:1.2) boat"),
        ("a red| boat", "↓", "a (red|:0.9) boat"),
        ("a re|d boat", "↑↓", "a re|d boat"),
        ("a |red boat| at sea", "↑↑", "a (|red boat|:1.2) at sea"),
        ("a| red |boat", "↓", "a (|red|:0.9) boat"),
        ("a (re|d boat:1.2) at sea", "↑", "a (re|d boat:1.3) at sea"),
        ("a (red |boat|:1.2) at sea", "↑", "a (|red boat|:1.3) at sea"),
        ("a |(red boat:1.2)| at sea", "↓↓↓", "a (|red boat|:0.9) at sea"),
        ("a (red (old| boat:1.2):0.8)", "↑", "a (red (old| boat:1.3):0.8)"),
        ("a (red:1.25)|", "↑", "a (red|:1.35)"),
        ("a |red (boat|:1.2)", "↑", "a (|red (boat:1.2)|:1.1)"),
        ("(boat|:1.9)", "↑↑↑", "(boat|:2)"),
        ("(boat|:0.2)", "↓↓↓", "(boat|:0.1)"),
        ("(boat|:-0.5)", "↑", "(boat|:-0.4)"),
        ("a photograph of {pro|duct}, bright", "↑", "a photograph of ({pro|duct}:1.1), bright"),
        ("a __anim|al__", "↑", "a (__anim|al__:1.1)"),
        (r"a boat \(ol|d\)", "↑", r"a boat \((ol|d:1.1)\)"),
        ("ein Möwe|nschwarm", "↑", "ein (Möwe|nschwarm:1.1)"),
        ("猫|, 犬", "↑", "(猫|:1.1), 犬"),
    ],
)
def test_a_word_gets_more_weight_and_less(prompt: Locator, before: str, keys: str, after: str) -> None:
    put(prompt, before)
    for key in keys:
        prompt.press({"↑": "Control+ArrowUp", "↓": "Control+ArrowDown"}[key])
    assert shown(prompt) == after


@pytest.mark.parametrize("before", ["|", "red  |  boat", "|10|:30", "a, |,"])
def test_where_there_is_no_word_nothing_happens(prompt: Locator, before: str) -> None:
    put(prompt, before)
    prompt.press("Control+ArrowUp")
    assert shown(prompt) == before
    expect(prompt.page.locator("#announce")).to_have_text("There is no word here whose weight could be changed.")


def test_it_is_said_and_can_be_undone(prompt: Locator) -> None:
    put(prompt, "a re|d boat")
    prompt.press("Meta+ArrowUp")
    expect(prompt.page.locator("#announce")).to_have_text("red: weight 1.1")
    prompt.press("Control+ArrowUp")
    expect(prompt.page.locator("#announce")).to_have_text("red: weight 1.2")
    prompt.press("Control+z")
    expect(prompt).to_have_value("a (red:1.1) boat")
    prompt.press("Control+z")
    expect(prompt).to_have_value("a red boat")
    prompt.press("Control+Shift+z")
    expect(prompt).to_have_value("a (red:1.1) boat")


def test_the_engine_says_what_it_makes_of_weights(prompt: Locator) -> None:
    page, hint = prompt.page, prompt.page.locator("#panel [data-weights-help]")
    put(prompt, "a re|d boat")
    expect(hint).to_be_hidden()
    prompt.press("Control+ArrowUp")
    expect(hint).to_be_visible()
    expect(hint).to_have_text("Null (test card) ignores weights: (cat:1.2) is read as cat.")
    page.reload()  # the draft is kept
    expect(prompt).to_have_value("a (red:1.1) boat")
    expect(hint).to_be_visible()
    prompt.press("Control+End")
    prompt.fill(r"a (red:1.0) boat \(old:1.2\) (10:30)")
    expect(hint).to_be_hidden()
    page.locator("#panel details.fold summary", has_text="Leave something out").click()
    page.locator("#panel textarea[name=negative_prompt]").fill("(fog:1.2)")
    expect(hint).to_be_visible()


def test_the_list_of_keys_knows_it(prompt: Locator) -> None:
    page = prompt.page
    prompt.evaluate("field => field.blur()")
    page.keyboard.press("?")
    expect(page.locator("#hotkeys")).to_contain_text("More or less weight for words of the prompt")
