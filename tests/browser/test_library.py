"""The library and a picture's page in a real browser: keys, scrolling, the way back, deleting with undo, news of what is made meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import RunningStudio, eventually, intercept

SEED = """
from datetime import datetime, timedelta
from accounts.models import User
from tests.factories import make_artifact
ana = User.objects.get(email="ana@harbour.example")
now = datetime.fromisoformat("{evening}")
names = ["a red sailboat", "a lighthouse at night", "a windmill"]
for n in reversed(range({count})):
    make_artifact(ana.teams.get(), ana, prompt=f"{{names[n % 3]}} number {{n}}", made_at=now - timedelta(minutes=20 * n), seed=n,
                  width=96 if n % 4 else 144, height=96 if n % 5 else 64, queue="nobody")
"""
ONE_MORE = """
from accounts.models import User
from studio.live import events
from tests.factories import make_artifacts
ana = User.objects.get(email="ana@harbour.example")
made = make_artifacts(ana.teams.get(), ana, 2, prompt="a brand new castle", queue="nobody")
events.pictures_changed(made[0].team_id, [one.pk for one in made])
"""
COUNT = 130


NOW = datetime.now(UTC)
EVENING = NOW - timedelta(minutes=(NOW.minute + 10) % 60)
"""When the newest picture is made: ten minutes to the last full hour, so that today's rows are the same whenever the tests run."""


def where_it_is_evening() -> str:
    east = 18 - EVENING.hour
    return f"Etc/GMT{(24 - east if east > 14 else -east):+d}"  # the signs of these zones are the other way round


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio without the local runner, so that it is up at once; where it is evening, so that today has rows of pictures."""
    own = {"STUDIO_SIGNUP": "open", "STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_TIME_ZONE": where_it_is_evening()}
    running = RunningStudio(tmp_path_factory.mktemp("studio"), **own)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def seeded(studio: RunningStudio, browser: Browser) -> RunningStudio:
    context = browser.new_context()
    Person(context, studio).arrive("Ana Marques")
    context.close()
    run(studio, SEED.format(count=COUNT, evening=EVENING.isoformat()))
    return studio


def run(studio: RunningStudio, code: str) -> None:
    done = studio.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def page(seeded: RunningStudio, person: Callable[..., Person]) -> Page:
    """The library, just opened."""
    ana = person()
    ana.go("/accounts/login/?next=/library/")
    ana.page.get_by_label("Email").fill("ana@harbour.example")
    ana.page.get_by_label("Password", exact=True).fill(PASSWORD)
    ana.page.keyboard.press("Enter")
    ana.page.wait_for_url("**/library/")
    expect(tiles(ana.page)).to_have_count(50)
    expect(ana.page.locator("html")).to_have_attribute("data-live", "on")  # keys are listened for, too
    return ana.page


def tiles(page: Page) -> object:
    return page.locator("#wall .tile")


def ids(page: Page) -> list[str]:
    return tiles(page).evaluate_all("all => all.map(one => one.id)")


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id")


def scroll_to_the_end(page: Page) -> None:
    tiles(page).last.scroll_into_view_if_needed()


def test_scrolling_brings_older_pictures_and_back_brings_them_again(page: Page) -> None:
    scroll_to_the_end(page)
    expect(tiles(page)).to_have_count(100)
    page.wait_for_url("**/library/?until=*")
    scroll_to_the_end(page)
    expect(tiles(page)).to_have_count(COUNT)
    expect(page.locator("#older")).to_have_count(0)
    all_of_them = ids(page)
    assert len(set(all_of_them)) == COUNT
    assert all_of_them == sorted(all_of_them, reverse=True)
    wanted = page.locator(f"#{all_of_them[90]}")
    wanted.scroll_into_view_if_needed()
    place = wanted.bounding_box()["y"]
    wanted.click()
    page.wait_for_url("**/pictures/*/")
    page.go_back()
    expect(tiles(page)).to_have_count(COUNT)
    eventually(page, lambda: abs(wanted.bounding_box()["y"] - place) < 3)
    assert focused(page) == all_of_them[90]
    page.reload()
    expect(tiles(page)).to_have_count(COUNT)


def open_below_a_row_that_was_kept(page: Page) -> tuple[Locator, float]:
    """Open a picture in whose way back a row lies that is drawn otherwise then: it stays as it is while somebody sees more join below it.

    Returns its tile, and where that stood.
    """
    scroll_to_the_end(page)
    expect(tiles(page)).to_have_count(100)
    expect(page.locator(".stretch[data-kept]")).to_have_count(1)
    last = page.locator(".stretch[data-kept] .cell").last
    last.evaluate("cell => scrollBy({ top: cell.getBoundingClientRect().top, behavior: 'instant' })")
    wanted = tiles(page).nth(page.locator(".stretch[data-kept] .tile").count())
    place = wanted.bounding_box()["y"]
    assert 100 < place < 400
    wanted.click()
    page.wait_for_url("**/pictures/*/")
    return wanted, place


def test_back_shows_the_opened_picture_where_it_stood(page: Page) -> None:
    wanted, place = open_below_a_row_that_was_kept(page)
    page.go_back()
    expect(page.locator(".stretch[data-kept]")).to_have_count(0)
    eventually(page, lambda: abs(wanted.bounding_box()["y"] - place) < 3)


@pytest.mark.parametrize(("width", "height"), [(1440, 400), (820, 600), (390, 844)])
def test_back_shows_the_opened_picture_in_a_window_of_another_size(page: Page, width: int, height: int) -> None:
    wanted, _ = open_below_a_row_that_was_kept(page)
    page.set_viewport_size({"width": width, "height": height})
    page.go_back()
    bars = page.locator(".bar").bounding_box()["height"], 56 if width < 720 else 0
    eventually(page, lambda: bars[0] <= wanted.bounding_box()["y"] <= height - bars[1] - wanted.bounding_box()["height"])


def test_back_shows_the_opened_picture_on_a_phone_turned_upright(page: Page) -> None:
    wanted = tiles(page).nth(11)
    assert wanted.bounding_box()["y"] < 900
    wanted.click()
    page.wait_for_url("**/pictures/*/")
    page.set_viewport_size({"width": 390, "height": 844})
    page.go_back()
    expect(wanted).to_be_in_viewport(ratio=1)


def test_arrows_walk_and_enter_opens(page: Page) -> None:
    everything = ids(page)
    page.keyboard.press("ArrowRight")
    assert focused(page) == everything[0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert focused(page) == everything[2]
    page.keyboard.press("ArrowLeft")
    assert focused(page) == everything[1]
    here = page.locator(f"#{everything[1]}").bounding_box()
    page.keyboard.press("ArrowDown")
    below = page.locator(f"#{focused(page)}").bounding_box()
    assert below["y"] > here["y"]
    assert below["x"] < here["x"] + here["width"]
    assert below["x"] + below["width"] > here["x"]
    page.keyboard.press("ArrowUp")
    assert focused(page) == everything[1]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/pictures/{everything[1][2:]}/")


def test_a_picture_is_browsed_zoomed_and_left_by_keys(page: Page) -> None:
    everything = ids(page)
    page.locator(f"#{everything[3]}").click()
    page.wait_for_url(f"**/pictures/{everything[3][2:]}/")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/pictures/{everything[4][2:]}/")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/pictures/{everything[3][2:]}/")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/pictures/{everything[2][2:]}/")
    image = page.locator("[data-zoom] img")
    fitted = image.bounding_box()["height"]
    page.keyboard.press("z")
    expect(page.locator("[data-zoom]")).to_have_attribute("data-zoomed", "")
    assert image.bounding_box()["height"] > fitted * 1.5
    page.keyboard.press("Escape")
    expect(page.locator("[data-zoomed]")).to_have_count(0)
    page.keyboard.press("Escape")
    page.wait_for_url("**/library/**")
    expect(tiles(page)).to_have_count(50)
    assert ids(page) == everything


def test_deleting_in_the_library_can_be_undone(page: Page, seeded: RunningStudio) -> None:
    everything = ids(page)
    expect(page.locator("#library-count")).to_have_text(f"{COUNT} pictures")
    page.locator(f"#{everything[1]}").focus()
    page.keyboard.press("Delete")
    expect(tiles(page)).to_have_count(49)
    assert focused(page) == everything[2]
    expect(page.locator("#library-count")).to_have_text(f"{COUNT - 1} pictures")
    undo = page.locator("#toasts").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    row = everything[1][2:].replace("-", "")
    assert seeded.rows("SELECT deleted_at IS NOT NULL FROM generation_artifact WHERE id = ?", row) == [(1,)]
    undo.click()
    expect(page.locator("#toasts")).to_contain_text("1 item restored.")
    expect(tiles(page)).to_have_count(50)
    assert ids(page) == everything
    expect(page.locator(f"#{everything[1]}")).to_be_focused()
    expect(undo).to_have_count(0)
    expect(page.locator("#library-count")).to_have_text(f"{COUNT} pictures")
    assert seeded.rows("SELECT deleted_at IS NOT NULL FROM generation_artifact WHERE id = ?", row) == [(0,)]


def test_a_deletion_that_is_refused_brings_the_picture_back(page: Page) -> None:
    everything = ids(page)
    intercept(page, "**/bulk/trash/", lambda route: route.fulfill(status=500, body=""))
    page.locator(f"#{everything[0]}").focus()
    page.keyboard.press("Delete")
    expect(page.locator("#toasts [data-level=error]")).to_be_visible()
    assert ids(page) == everything
    assert focused(page) == everything[0]


def test_what_is_being_deleted_does_not_come_back_with_the_answer_to_a_rating(page: Page) -> None:
    everything = ids(page)
    held: list[Route] = []
    intercept(page, "**/bulk/trash/", lambda route: held.append(route))
    page.evaluate("window.reads = 0; document.addEventListener('tiles:read', () => { reads += 1; })")
    page.locator(f"#{everything[0]}").focus()
    with page.expect_response(lambda answer: "/library/tiles/" in answer.url and everything[0][2:] in answer.url):
        page.keyboard.press("5")
        page.keyboard.press("Delete")
    eventually(page, lambda: page.evaluate("reads") > 0)
    assert ids(page)[0] == everything[1]
    held[0].continue_()
    page.locator("#toasts .toast", has_text="deleted").get_by_role("button", name="Undo").click()
    expect(page.locator(f"#{everything[0]}")).to_be_focused()
    with page.expect_response("**/bulk/rate/"):
        page.keyboard.press("0")


def test_deleting_on_a_pictures_page_leads_on_and_undo_leads_back(page: Page) -> None:
    everything = ids(page)
    page.locator(f"#{everything[5]}").click()
    page.wait_for_url(f"**/pictures/{everything[5][2:]}/")
    page.keyboard.press("Delete")
    page.wait_for_url(f"**/pictures/{everything[6][2:]}/")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    page.wait_for_url(f"**/pictures/{everything[5][2:]}/")
    expect(page.locator("#toasts")).to_contain_text("Picture restored.")


def test_searching_while_typing_and_the_way_back(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("wind")
    expect(page.locator("#library-count")).to_have_text("43 pictures")
    page.wait_for_url("**/library/?q=wind")
    assert focused(page) == "q"
    page.keyboard.type("zz")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.wait_for_url("**/library/?q=windzz")
    page.get_by_role("link", name="Show everything").click()
    page.wait_for_url("**/library/")
    expect(tiles(page)).to_have_count(50)
    page.go_back()
    expect(page.locator("#q")).to_have_value("windzz")
    page.locator("#q").fill("lighthouse night")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/library/\?q=lighthouse\+night$"))
    expect(page.locator("#library-count")).to_have_text("43 pictures")
    tiles(page).first.click()
    page.wait_for_url(re.compile(r"/pictures/[^/]+/\?q=lighthouse\+night$"))
    expect(page.locator(".facts .quote")).to_have_text("a lighthouse at night number 1")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".facts .quote")).to_have_text("a lighthouse at night number 4")


def test_filters_are_links_in_menus(page: Page) -> None:
    page.locator("summary", has_text="Any kind").click()
    menu = page.locator("details:has(summary:has-text('Any kind'))")
    expect(menu.get_by_role("link")).to_have_text(["Any kind", "Text"])  # what nobody has made is not offered
    menu.get_by_role("link", name="Text").click()
    page.wait_for_url("**/library/?mode=text-to-image")
    expect(tiles(page)).to_have_count(50)
    page.go_back()
    page.wait_for_url("**/library/")
    expect(tiles(page)).to_have_count(50)


def test_what_is_made_meanwhile_is_announced_and_waits(page: Page, seeded: RunningStudio) -> None:
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    before = ids(page)
    tiles(page).first.focus()
    run(seeded, ONE_MORE)
    news = page.get_by_role("button", name="2 new pictures")
    expect(news).to_be_visible()
    assert ids(page) == before
    news.click()
    expect(tiles(page).first.locator("img")).to_have_attribute("alt", "a brand new castle")
    assert ids(page)[2:] == before
    expect(news).to_have_count(0)


def test_without_javascript(seeded: RunningStudio, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{seeded.url}/accounts/login/?next=/library/%3Fq=sailboat")
    page.get_by_label("Email").fill("ana@harbour.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/library/?q=sailboat")
    expect(tiles(page)).to_have_count(44)
    page.goto(f"{seeded.url}/library/")
    page.get_by_role("link", name="Older pictures").click()
    page.wait_for_url("**/library/?after=*")
    page.locator("#q").fill("windmill")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/library/?q=windmill")
    tiles(page).first.click()
    deleted = page.url
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(lambda url: url != deleted)
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Picture restored.")
    assert page.url == deleted.partition("?")[0]
    context.close()
