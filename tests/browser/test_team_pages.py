"""The pages of a team that has worked for a while: fit for every width and everybody, and walked from end to end by the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import team_shots
from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.browser.team_shots import Seeded
from tests.browser.test_pages import OVERHANG, faults

WIDTHS = (768, 390, 320)
LOOKED_AT = (
    *("team-library-select", "upload", "galleries", "gallery-waiting", "gallery-sharing", "public-locked", "public-gone", "compare-slider"),
    *("compare-different", "compare-choose", "picture-talk", "notices", "review", "trash", "team-page", "words", "data", "terms"),
)
FOCUSED = """() => { const e = document.activeElement;
  return e === document.body ? '' : (e.getAttribute('aria-label') || e.textContent).trim() }"""


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mail") / "letters"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, letters: Path) -> Iterator[RunningStudio]:
    letters.mkdir()
    quick = {"STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_EMAIL_URL": f"filemail:///{letters}"}
    running = RunningStudio(tmp_path_factory.mktemp("studio"), **quick)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def seeded(browser: Browser, studio: RunningStudio, letters: Path) -> Seeded:
    return team_shots.arrive(browser, studio, letters)


@pytest.fixture
def ana(person: Callable[..., Person], seeded: Seeded) -> Person:
    return person(storage_state=seeded.people["owner"].context.storage_state())


def test_every_page_of_a_team_is_fit_for_everybody(person: Callable[..., Person], ana: Person, seeded: Seeded) -> None:
    stranger, found = person(), {}
    for shot in (shot for shot in team_shots.SHOTS if shot.name in LOOKED_AT):
        somebody = ana if shot.who == "owner" else stranger
        somebody.page.set_viewport_size({"width": 1440, "height": 900})
        page = somebody.go(shot.path if isinstance(shot.path, str) else shot.path(seeded))
        if shot.act:
            shot.act(page)
        found[shot.name] = faults(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            found[shot.name] += [f"{over} px too wide at {width}"] if (over := page.evaluate(OVERHANG)) else []
    assert len(found) == len(LOOKED_AT)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is in focus has this name; a control that Tab never reaches, or a trap on the way, fails."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).startswith(name):
            return
    raise AssertionError(f"Tab never came to {name!r}")


def follow(page: Page, name: str) -> None:
    """Tab to a link or a button that leads to another page, and press Enter."""
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_from_the_team_to_the_review_by_keyboard_alone(ana: Person, seeded: Seeded) -> None:
    page = ana.go("/team/")
    page.get_by_label("Email addresses").wait_for()
    tab_to(page, "Make a link instead")
    page.keyboard.press("Enter")
    follow(page, "Make a link")
    expect(page.get_by_text("Send this link.")).to_be_visible()

    follow(page, "Galleries")
    follow(page, "Coastal nights")
    tab_to(page, "Share")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Who sees it")).to_be_visible()
    follow(page, "Make a link")
    expect(page.get_by_label("Link 3")).to_be_visible()
    follow(page, "Take back link 1")
    expect(page.get_by_label("Link 3")).to_have_count(0)

    page = ana.go(seeded.places["picture"])
    page.keyboard.press("x")
    page.wait_for_url("**/compare/")
    with page.expect_navigation():
        page.get_by_label("Search prompts").press("Tab")
        page.keyboard.press("Enter")
    tab_to(page, "How much of A is shown")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "52")
    page.keyboard.press("Escape")
    page.wait_for_url("**/pictures/*/")

    follow(page, "Review")
    expect(page.locator("[data-review-item]").first).to_be_focused()
    waiting = page.locator("#waiting-title .num")
    before = int(waiting.inner_text())
    page.keyboard.press("a")
    expect(waiting).to_have_text(str(before - 1))
    expect(page.locator("[data-review-item]").first).to_be_focused()
    page.keyboard.press("r")
    page.keyboard.type("It shows a brand.")
    page.keyboard.press("Enter")
    expect(waiting).to_have_text(str(before - 2))
    assert page.evaluate("document.activeElement.matches('[data-review-item]')")
