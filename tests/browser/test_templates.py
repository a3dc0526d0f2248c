"""A template by the keyboard alone, from the first brace to the second version; its pages for everybody, with and without a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, pick, press_two
from tests.browser.test_pages import faults

MAKE = """
from accounts.models import Team, User
from studio.prompts.services import templates
from tests.factories import draw
from tests.prompts.factories import content, make_template
ana = User.objects.get(email="ana@harbour.example")
made = make_template(Team.objects.get(memberships__user=ana, is_personal=True), ana, tags=["shop", "photo"])
templates.set_cover(made, draw(), by=ana)
templates.save_version(made, author=ana, content=content("A drawing of {product}"), after=1)
print(made.pk)
"""
FOCUSED = "e => e === document.activeElement"
STEPS = 150


def reach(page: Page, control: Locator, key: str = "Tab") -> None:
    """Walk there as somebody without a mouse does."""
    for _ in range(STEPS):
        if control.evaluate(FOCUSED):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{control} is never reached by {key}")


def new_field(page: Page, name: str) -> None:
    """Write a brace and a name that is no field, and take what is offered."""
    page.keyboard.type("{" + name)
    expect(page.get_by_role("option", name=f"New field “{name}”")).to_be_visible()
    page.keyboard.press("ArrowUp")  # the last one
    page.keyboard.press("Enter")
    expect(page.get_by_role("listbox")).to_have_count(0)


def row(page: Page, name: str) -> Locator:
    return page.locator("[data-fields] > li").filter(has=page.locator(f"[data-shows=name]:text-is('{name}')"))


def opened(page: Page, name: str) -> Locator:
    """The row of a field, unfolded by its summary, with the type reached."""
    one = row(page, name)
    reach(page, one.locator("summary"))
    page.keyboard.press("Enter")
    reach(page, one.get_by_label("Type"))
    return one


def names(page: Page) -> list[str]:
    return page.locator("[data-fields] [data-shows=name]").all_inner_texts()


def write(page: Page) -> None:
    """A template with a text, a colour, a choice, and a yes or no."""
    page.keyboard.type("Shop photo")
    reach(page, page.locator("#section-prompt"))
    page.keyboard.type("A photograph of ")
    new_field(page, "product")
    page.keyboard.type(" on a ")
    new_field(page, "colour")
    page.keyboard.type(" ground, {soft|hard} shadow, ")
    page.keyboard.type("{")
    expect(page.locator("#offers > li")).to_have_text(["product", "colour", "alternatives{one|another}"])
    page.keyboard.press("Escape")
    page.keyboard.press("Backspace")
    new_field(page, "light")
    page.keyboard.type(", ")
    new_field(page, "people")
    expect(page.locator("#section-prompt")).to_have_value(
        "A photograph of {product} on a {colour} ground, {soft|hard} shadow, {light}, {people}"
    )
    opened(page, "product")
    reach(page, row(page, "product").get_by_label("It starts with").first)
    page.keyboard.type("a mug")
    opened(page, "colour")
    pick(page, "Colour", "colour")
    reach(page, row(page, "colour").get_by_label("It starts with").first)
    page.keyboard.type("#daa520")
    light = opened(page, "light")
    pick(page, "Choice", "choice")
    reach(page, light.get_by_label("Choices, one a line"))
    page.keyboard.type("window light\nstudio light")
    people = opened(page, "people")
    pick(page, "Yes", "yes_no")
    reach(page, people.get_by_label("A yes puts in"))
    page.keyboard.type("with people")


def test_a_template_by_the_keyboard_alone(person: Callable[..., Person]) -> None:
    one = person()
    page = one.arrive("Dora Lind")
    page.keyboard.press("Tab")
    press_two(page, "gt", "**/templates/")
    expect(page.get_by_role("heading", name="Write a prompt once, use it for years")).to_be_visible()
    assert faults(page) == []
    reach(page, page.get_by_role("link", name="Write the first template"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.wait_for_load_state()  # what is written is listened for
    write(page)

    # Order, by keys: the field goes up, and the caret stays in it.
    assert names(page) == ["product", "colour", "light", "people"]
    page.keyboard.press("Alt+ArrowUp")
    assert names(page) == ["product", "colour", "people", "light"]
    expect(row(page, "people").get_by_label("A yes puts in")).to_be_focused()
    expect(page.locator("#try-prompt")).to_contain_text("A photograph of a mug on a goldenrod ground")
    expect(page.locator("#try-count")).to_have_text("2 combinations")

    # One too many, and out again.
    reach(page, page.locator("[data-field-add]"))
    page.keyboard.press("Enter")
    page.keyboard.type("mood")
    assert names(page)[-1] == "mood"
    reach(page, page.get_by_role("button", name="Take mood out"))
    page.keyboard.press("Enter")
    assert names(page) == ["product", "colour", "people", "light"]

    reach(page, page.get_by_role("button", name="Save and publish"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 1 is published: it is what people use from now on.")).to_be_visible()
    assert faults(page) == []

    # What somebody tries: another value, other words.
    reach(page, page.locator("#try").get_by_label("Product"))
    page.keyboard.press("Control+a")
    page.keyboard.type("a {red} lamp")
    expect(page.locator("#try-prompt mark.f1")).to_contain_text("lamp")

    reach(page, page.locator("#section-prompt"), "Shift+Tab")
    page.keyboard.press("Control+End")
    page.keyboard.type(", centred")
    reach(page, page.get_by_label("What is new in it"))
    page.keyboard.type("In the middle")
    reach(page, page.locator("#publish"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 2 is published: it is what people use from now on.")).to_be_visible()

    reach(page, page.get_by_role("link", name="Compare", exact=True).first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Version 1 and version 2")).to_be_visible()
    expect(page.locator("[data-diff] ins")).to_have_text(", centred")
    expect(page.locator("[data-diff] del")).to_have_count(0)
    assert faults(page) == []


def test_a_name_in_braces_is_made_a_field(person: Callable[..., Person]) -> None:
    one = person()
    page = one.arrive("Ben Okafor")
    page.goto(f"{one.studio.url}/templates/new/")
    page.locator("#section-prompt").press_sequentially("A {Mood} boat \\{not this\\}")
    offer = page.locator("[data-unknown] p")
    expect(offer).to_have_text(["{Mood} is no field, so it stays as it is. Make it a field"])
    page.get_by_role("button", name="Make it a field").click()
    expect(page.locator("#section-prompt")).to_have_value("A {mood} boat \\{not this\\}")
    expect(offer).to_have_count(0)
    expect(row(page, "mood").get_by_label("Type")).to_be_focused()
    expect(page.locator(".ink-mirror mark.f1").first).to_have_text("{mood}")

    # A field with words that cannot be kept: said beside it, nothing lost.
    row(page, "mood").get_by_label("Type").select_option("number")
    row(page, "mood").get_by_label("At least", exact=True).fill("9")
    row(page, "mood").get_by_label("At most", exact=True).fill("3")
    page.get_by_label("Name", exact=True).fill("Boats")
    page.get_by_role("button", name="Save as a draft").click()
    expect(page.get_by_text("The largest number is below the smallest, which is 9.")).to_be_visible()
    expect(row(page, "mood").get_by_label("At most", exact=True)).to_have_value("3")
    assert faults(page) == []
    page.get_by_label("What it does").select_option(index=1)
    expect(page.locator("#template-mode")).not_to_have_value("text-to-image")


def test_without_a_script_a_template_is_written_all_the_same(person: Callable[..., Person]) -> None:
    one = person()
    one.arrive("Cleo Duarte")
    plain = person(java_script_enabled=False, storage_state=one.context.storage_state())
    page = plain.go("/templates/new/")
    page.get_by_label("Name", exact=True).fill("Plain")
    page.locator("#section-prompt").fill("A {thing}")
    page.get_by_role("button", name="Show the settings of this engine").click()
    page.get_by_role("button", name="Make it a field").click()
    expect(page.locator("[data-fields] > li")).to_have_count(1)
    page.locator("#save").click()
    expect(page.get_by_text("Version 1 is saved, as a draft.")).to_be_visible()
    page.locator("#try").get_by_label("Thing").fill("kite")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("#try-prompt")).to_have_text("A kite")


@pytest.fixture(scope="module")
def owner(browser: Browser, studio: RunningStudio) -> Iterator[tuple[StorageState, str]]:
    """The cookies of somebody who has a template of two versions, and its address."""
    context = browser.new_context()
    Person(context, studio).arrive("Ana Marques")
    made = studio.manage("shell", "--no-imports", "-c", MAKE)
    assert made.returncode == 0, made.stderr
    yield context.storage_state(), f"/templates/{made.stdout.split()[-1]}/"
    context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 390, 320])
def test_every_page_is_fit_for_everybody(person: Callable[..., Person], owner: tuple[StorageState, str], width: int, theme: str) -> None:
    state, own = owner
    one = person(storage_state=state, viewport={"width": width, "height": 900}, color_scheme=theme, has_touch=width < 720)
    paths = ("/templates/", "/templates/new/", own, f"{own}versions/1/", f"{own}diff/")
    found = {path: faults(one.go(path)) for path in paths}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
