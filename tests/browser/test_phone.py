"""Create on a phone: the panel is a sheet at the foot of the screen, below the picture. By finger, by keyboard and without script."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Locator, Page, StorageState, expect

from tests.browser.conftest import NULL_ENGINE, Person
from tests.browser.running import RunningStudio, eventually
from tests.browser.test_pages import faults

ENVIRONMENT = NULL_ENGINE

DONE = "#stage .stage-job[data-status=succeeded]"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
REACH = """() => [document.querySelector('#settings').inert, document.querySelector('[data-behind]').inert,
  document.querySelector('[data-sheet-toggle]').getAttribute('aria-expanded')]"""
CLOSED, OPEN = [True, False, "false"], [False, True, "true"]
"""Whether the settings and what is behind the sheet are out of reach, and what a screen reader hears of it."""
MOVES = "element => document.getAnimations().some((one) => one instanceof CSSTransition && one.effect.target.contains(element))"


@pytest.fixture(scope="module")
def signed_in(browser: Browser, studio: RunningStudio) -> Iterator[StorageState]:
    """The cookies of Ana, who has made one picture. Signed in once: a login a test would pass the studio's login limit."""
    context = browser.new_context()
    ana = Person(context, studio)
    ana.arrive("Ana Marques")
    ana.generate("the first picture")
    expect(ana.page.locator(DONE)).to_be_visible()
    yield context.storage_state()
    context.close()


@pytest.fixture
def phone(person: Any, signed_in: StorageState) -> Page:
    """Create on Ana's phone."""
    return person(storage_state=signed_in, **PHONE).go("/create/?mode=text-to-image")


@pytest.fixture
def desk(person: Any, signed_in: StorageState) -> Any:
    """`desk(width, height)`: Create on Ana's desk."""

    def at(width: int, height: int) -> Page:
        return person(storage_state=signed_in, viewport={"width": width, "height": height}).go("/create/?mode=text-to-image")

    return at


def prompt(page: Page) -> Locator:
    return page.locator("#panel textarea[name=prompt]")


def toggle(page: Page) -> Locator:
    return page.get_by_role("button", name="Prompt and settings")


def box(locator: Locator) -> Any:
    """Where an element is, once it stands still."""
    last: list[Any] = [None]

    def is_still() -> bool:
        if locator.evaluate(MOVES):  # also what has not begun to be seen
            return False
        before, last[0] = last[0], locator.bounding_box()
        return last[0] is not None and last[0] == before

    eventually(locator.page, is_still)
    return last[0]


def reaches(page: Page, state: Sequence[object]) -> None:
    """What can be reached is `state`, as many values of `REACH`, as soon as the finger's tap or the frame has come to the page."""
    eventually(page, lambda: page.evaluate(REACH)[: len(state)] == state)


def bottom(locator: Locator) -> float:
    found = box(locator)
    return found["y"] + found["height"]


def drag(page: Page, start: float, end: float) -> None:
    """A finger that goes from one height to another, slowly enough to be no throw, and is lifted."""
    finger: CDPSession = page.context.new_cdp_session(page)
    for number in range(21):
        point = {"x": 195, "y": start + (end - start) * number / 20}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart", "touchPoints": [point]})
    for _ in range(12):  # it rests
        page.evaluate("() => new Promise(requestAnimationFrame)")
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


# --- the sheet ------------------------------------------------------------------------------------------------------------------


def test_the_picture_is_what_one_sees(phone: Page) -> None:
    expect(phone.locator(DONE)).to_be_visible()
    picture, line, generate = box(phone.locator("#stage .frame")), box(phone.locator("[data-sheet-line]")), box(phone.locator("#generate"))
    assert picture["width"] >= 360
    assert picture["y"] + picture["height"] < line["y"] < generate["y"]
    expect(phone.locator("#generate")).to_contain_text("1 credit")
    reaches(phone, CLOSED)
    assert not phone.evaluate(
        "document.querySelector('[name=prompt]').checkVisibility() && document.elementFromPoint(195, 400).closest('#panel')"
    )


def test_a_tap_on_the_line_opens_the_sheet_to_write_and_generate_closes_it(phone: Page) -> None:
    phone.locator("[data-sheet-line]").tap()
    reaches(phone, OPEN)
    expect(prompt(phone)).to_be_focused()
    prompt(phone).fill("written on a phone")
    phone.locator("#generate").tap()
    expect(phone.locator("#feed .job").first).to_contain_text("written on a phone")
    expect(toggle(phone)).to_have_attribute("aria-expanded", "false")
    reaches(phone, CLOSED)
    expect(phone.locator("[data-sheet-line]")).to_have_text("written on a phone")
    assert phone.evaluate("scrollY") == 0


def test_a_tap_on_the_arrow_or_beside_the_sheet(phone: Page) -> None:
    toggle(phone).tap()
    reaches(phone, OPEN)
    expect(toggle(phone)).to_be_focused()
    toggle(phone).tap()
    reaches(phone, CLOSED)
    toggle(phone).tap()
    box(phone.locator(".drawer"))
    phone.touchscreen.tap(195, 62)
    reaches(phone, CLOSED)


def test_a_finger_drags_the_sheet_up_and_down(phone: Page) -> None:
    grip = phone.locator("[data-sheet-grip]")
    low = box(grip)["y"]
    drag(phone, low + 8, low - 60)
    reaches(phone, CLOSED)  # not far enough: it falls back
    assert box(grip)["y"] == low
    drag(phone, low + 8, 150)
    reaches(phone, OPEN)
    high = box(grip)["y"]
    assert high < 100
    drag(phone, high + 8, high + 500)
    reaches(phone, CLOSED)
    assert box(grip)["y"] == low
    phone.locator("[data-sheet-line]").tap()
    reaches(phone, OPEN)  # a tap after a drag is a tap


def test_the_keyboard_opens_and_closes_it_and_the_focus_is_never_lost(phone: Page) -> None:
    toggle(phone).focus()
    phone.keyboard.press("Enter")
    reaches(phone, OPEN)
    phone.keyboard.press("Tab")
    assert phone.evaluate("document.querySelector('#settings').contains(document.activeElement)")
    phone.keyboard.press("Escape")
    reaches(phone, CLOSED)
    expect(toggle(phone)).to_be_focused()
    phone.keyboard.press("Tab")
    expect(phone.locator("#generate")).to_be_focused()
    phone.keyboard.press("p")
    reaches(phone, OPEN)
    expect(prompt(phone)).to_be_focused()


def test_escape_closes_what_is_on_top_first(phone: Page) -> None:
    toggle(phone).tap()
    phone.locator("#engine-picker summary").tap()
    expect(phone.locator("#engine-picker details")).to_have_attribute("open", "")
    phone.keyboard.press("Escape")
    expect(phone.locator("#engine-picker details")).not_to_have_attribute("open", "")
    reaches(phone, OPEN)
    phone.evaluate("document.getElementById('hotkeys').showModal()")
    phone.keyboard.press("Escape")
    expect(phone.locator("#hotkeys")).to_be_hidden()
    reaches(phone, OPEN)


def test_what_is_wrong_brings_the_sheet_up(phone: Page) -> None:
    prompt(phone).evaluate("field => { field.value = '' }")
    phone.locator("#generate").tap()
    expect(phone.locator("#panel .errorlist")).to_have_text("Write what the picture should show.")
    reaches(phone, OPEN)
    expect(prompt(phone)).to_be_focused()


def test_another_mode_keeps_the_sheet_open(phone: Page) -> None:
    toggle(phone).tap()
    phone.locator("#mode-upscaling").tap()
    expect(phone.locator("#panel [name=mode]")).to_have_value("upscaling")
    reaches(phone, OPEN)
    toggle(phone).tap()
    expect(phone.locator("[data-sheet-line]")).to_have_text("Upscale")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_open_sheet_is_fit_for_everybody(phone: Page, theme: str) -> None:
    phone.emulate_media(color_scheme=theme)
    phone.locator("[data-sheet-line]").tap()
    box(phone.locator(".drawer"))
    assert faults(phone) == []


@pytest.mark.parametrize("height", [844, 568, 400])
def test_it_fits_every_phone(phone: Page, height: int) -> None:
    """400 px: a small phone whose keyboard is up."""
    phone.set_viewport_size({"width": 390, "height": height})
    toggle(phone).tap()
    panel, settings = box(phone.locator(".drawer")), box(phone.locator("#settings"))
    assert panel["y"] >= 56
    assert settings["height"] >= 120
    assert bottom(phone.locator("#generate")) <= height
    assert phone.evaluate("document.documentElement.scrollWidth") == 390


def test_enlarged_to_400_percent_the_panel_is_in_the_flow(phone: Page) -> None:
    """A window of 1280 × 1024 px at 400 % (WCAG 1.4.10): no room for anything that stays."""
    phone.set_viewport_size({"width": 320, "height": 256})
    expect(phone.locator("[data-sheet-grip]")).to_be_hidden()
    assert phone.evaluate("getComputedStyle(document.getElementById('panel')).position") == "static"
    reaches(phone, [False, False])
    phone.set_viewport_size({"width": 390, "height": 844})
    expect(phone.locator("[data-sheet-grip]")).to_be_visible()
    reaches(phone, CLOSED)


def test_without_script_the_panel_is_open_in_the_flow(browser: Browser, studio: RunningStudio, signed_in: StorageState) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=signed_in, **PHONE)
    page = context.new_page()
    page.goto(studio.url + "/create/?mode=text-to-image")
    expect(page.locator("[data-sheet-grip]")).to_be_hidden()
    prompt(page).fill("made on a phone without script")
    page.locator("#generate").tap()
    page.wait_for_url("**/create/?job=*")
    assert studio.rows("SELECT prompt FROM generation_job ORDER BY id DESC LIMIT 1") == [("made on a phone without script",)]
    context.close()


# --- the picture to start from ------------------------------------------------------------------------------------------------------


def is_in_view(page: Page, part: Locator) -> None:
    """All of it stands between the upper edge of the settings and the button."""
    expect(part).to_be_visible()
    settings = page.locator("#settings")
    eventually(page, lambda: box(part)["y"] >= box(settings)["y"] and bottom(part) <= bottom(settings))


def test_sent_to_inpaint_on_a_phone_the_painter_is_in_view(phone: Page) -> None:
    phone.locator("#stage [data-use=mask]").tap()
    is_in_view(phone, phone.locator("mask-painter"))
    reaches(phone, OPEN)
    expect(phone.locator("mask-painter canvas")).to_be_focused()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 760)])
def test_sent_to_inpaint_at_a_desk_the_painter_is_in_view(desk: Any, width: int, height: int) -> None:
    page = desk(width, height)
    page.locator("#settings").evaluate("scroller => scroller.scrollTo(0, 9999)")
    page.locator("#stage [data-use=mask]").click()
    is_in_view(page, page.locator("mask-painter"))


def test_less_motion_means_none(person: Any, signed_in: StorageState) -> None:
    page = person(storage_state=signed_in, reduced_motion="reduce", viewport={"width": 1280, "height": 600}).go(
        "/create/?mode=text-to-image"
    )
    page.evaluate("() => { Element.prototype.scrollIntoView = function (how) { window.scrolled = how.behavior; } }")
    page.locator("#stage [data-use=image]").click()
    expect(page.locator("#panel .input-frame")).to_be_visible()
    eventually(page, lambda: page.evaluate("window.scrolled") == "instant")


@pytest.mark.parametrize("size", [(400, 300), (300, 400)])
def test_a_chosen_picture_is_in_view(phone: Page, size: tuple[int, int]) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", size, "#336699").save(buffer, "PNG")
    toggle(phone).tap()
    phone.locator("#mode-image-to-image").tap()
    phone.locator("#panel input[type=file]").first.set_input_files(
        {"name": "sea.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    is_in_view(phone, phone.locator("#panel .input-frame"))


def test_the_page_of_a_picture_leads_to_the_painter(phone: Page) -> None:
    address = phone.locator("#stage [data-use=mask]").get_attribute("href")
    phone.goto(phone.url.split("/create/")[0] + str(address))
    is_in_view(phone, phone.locator("mask-painter"))
    reaches(phone, OPEN)


def test_every_page_of_the_wallet_is_in_sight_and_in_reach(person: Any, signed_in: StorageState) -> None:
    """Nothing is cut off at the side: whoever sees no edge does not look behind it."""
    page: Page = person(storage_state=signed_in, **PHONE).go("/wallet/statements/")
    nav = page.get_by_role("navigation", name="Wallet")
    links = nav.get_by_role("link")
    names = ["Overview", "Budgets", "Approvals", "Rules", "Plan", "Purchases", "Statements"]
    expect(links).to_have_text(names)
    for link in links.all():
        box = link.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    links.first.focus()
    for name in names[1:]:
        page.keyboard.press("Tab")
        expect(nav.get_by_role("link", name=name)).to_be_focused()
    assert nav.locator("[aria-current=page]").inner_text() == "Statements"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
