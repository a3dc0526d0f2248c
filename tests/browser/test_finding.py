"""Finding things in a large library: filters in the panel, their chips, and a way back to the same place from deep down."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, eventually


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", STUDIO_LOCAL_RUNNER="0", STUDIO_NULL_ENGINE="1")
    running.start()
    yield running
    assert running.stop() == 0


AT_REST = "new Promise((done) => { const y = scrollY; setTimeout(() => done(y === scrollY), 500); })"


def scroll(page: Page, pixels: int, check: Callable[[], bool]) -> None:
    """Turn the wheel until `check` holds."""

    def turn() -> bool:
        page.mouse.wheel(0, pixels)
        return check()

    eventually(page, turn)


def test_filters_and_the_way_back_from_deep_down(person: Callable[..., Person]) -> None:
    ana = person()
    page = ana.arrive("Ana Marques")
    done = ana.studio.manage("seed_library", "--pictures", "700", "--no-files")
    assert done.returncode == 0, done.stderr
    page = ana.go("/library/")
    page.locator("summary.team-chip").first.click()
    with page.expect_navigation():
        page.locator("button[name=team]", has_text="Harbour Press").click()
    page = ana.go("/library/")
    tiles = page.locator("#wall .tile")
    expect(tiles).to_have_count(50)

    page.locator(".filter-panel > summary").click()
    page.get_by_label("Tag", exact=True).fill("poster")
    page.get_by_label("Shape").select_option("portrait")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/library/?tag=poster&shape=portrait")
    page.locator(".filters > .chip", has_text="Tag: poster").click()
    page.wait_for_url("**/library/?shape=portrait")
    page.get_by_role("link", name="Clear").click()
    page.wait_for_url("**/library/")

    page.mouse.move(700, 500)
    scroll(page, 900, lambda: tiles.count() >= 400)
    eventually(page, lambda: page.evaluate(AT_REST))
    opened = tiles.nth(360)
    opened.scroll_into_view_if_needed()
    page.wait_for_function("history.state?.place")
    name, top = opened.get_attribute("id"), opened.bounding_box()["y"]
    opened.click()
    page.wait_for_url("**/pictures/**")
    page.go_back()
    again = page.locator(f"#{name}")
    eventually(page, lambda: abs(again.bounding_box()["y"] - top) < 3)
    expect(tiles).to_have_count(300)
    first = tiles.first.get_attribute("id")
    scroll(page, -600, lambda: tiles.count() > 300)
    everything = tiles.evaluate_all("all => all.map(one => one.id)")
    assert everything == sorted(set(everything), reverse=True)
    assert everything.index(first) == 50
