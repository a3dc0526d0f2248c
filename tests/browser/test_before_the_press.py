"""Before the press: the price while somebody types, the same on this machine for less, and a preview that is made final."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, eventually, intercept
from tests.stability_server.standin import StandIn

DONE = "#feed article[data-status=succeeded]"
LARGE = "/create/?engine=sd3.5-large&mode=text-to-image&prompt=a+castle+on+a+hill"
STORYBOOK = "/create/?engine=storybook&mode=text-to-image&prompt=a+red+sailboat+on+the+sea&seed=7"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, standin: StandIn) -> Iterator[RunningStudio]:
    """The provider's engines, and Storybook beside them."""
    running = RunningStudio(
        tmp_path_factory.mktemp("studio"), STUDIO_WELCOME_CREDITS="184", STABILITY_API_KEY=standin.key, STABILITY_API_HOST=standin.url
    )
    running.start()
    running.wait_for(r"^local.*worker_ready")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def alice(browser: Browser, studio: RunningStudio) -> Iterator[Person]:
    owner = Person(browser.new_context(viewport={"width": 1440, "height": 900}), studio)
    owner.arrive("Alice Harbour")
    yield owner
    assert owner.complaints == []


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"#panel label:has([name={name}][value='{value}'])").click()


def test_a_preview_is_made_final_once(alice: Person, studio: RunningStudio) -> None:
    page = alice.go(STORYBOOK)
    choose(page, "num_images", "2")
    expect(page.locator("#preview")).to_contain_text("2 credits, 8 steps")
    page.locator("#preview").click()
    expect(page.locator(DONE)).to_have_count(1)
    expect(page.locator(DONE).first).to_contain_text("Preview")
    page.locator("#stage .strip a").nth(1).click()
    box = page.locator(".final-box")
    expect(box).to_contain_text("the seed 8")
    expect(box.get_by_role("row", name="Steps")).to_have_text(re.compile(r"Steps\s*8\s*20"))
    box.get_by_role("button", name="Make final · 1 credit").dblclick()
    expect(page.locator(DONE)).to_have_count(2)
    expect(page.locator(DONE).first).to_contain_text("Final")
    assert studio.rows("SELECT count(*) FROM generation_job WHERE final_of_id IS NOT NULL") == [(1,)]
    # From the one to the other, and one of them on the wall.
    page.get_by_role("link", name="this preview").click()
    expect(page.get_by_text("This preview was made final.")).to_be_visible()
    expect(page.locator(".lineage-graph")).to_contain_text("Final")
    alice.go("/library/")
    expect(page.locator(".cell")).to_have_count(2)


def test_the_same_here_is_one_press_away(alice: Person) -> None:
    page = alice.go(STORYBOOK.replace("seed=7", "seed=9"))
    page.locator("#generate").click()
    expect(page.locator(DONE)).to_have_count(3)
    alice.go(LARGE)
    expect(page.locator("#generate")).to_contain_text("6.5 credits")
    here = re.compile(r"or for 1 credit here with Storybook in about (\d+ s|a minute|\d+ minutes), 512 × 512")
    expect(page.locator("#price .here")).to_have_text(here)
    page.locator("#price .here button").click()
    expect(page.locator("#panel .engine")).to_contain_text("Storybook")
    expect(page.locator("#panel [name=prompt]")).to_have_value("a castle on a hill")
    expect(page.locator("#generate")).to_contain_text("1 credit")
    expect(page.locator("#price .here")).to_have_count(0)
    assert alice.page.locator("#feed article[data-status=queued]").count() == 0


def test_the_last_answer_counts(alice: Person) -> None:
    """The first of three answers comes last."""
    page = alice.go(LARGE)
    waiting: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if waiting:
            route.continue_()
        else:
            waiting.append(route)

    intercept(page, "**/create/quote/", hold_the_first)
    with page.expect_request("**/create/quote/"):
        choose(page, "num_images", "4")
    expect(page.locator("#price[data-counting]")).to_have_count(1)
    choose(page, "num_images", "2")
    expect(page.locator("#generate")).to_contain_text("13 credits")
    waiting[0].continue_()
    choose(page, "num_images", "1")
    expect(page.locator("#generate")).to_contain_text("6.5 credits")
    expect(page.locator("#price[data-counting]")).to_have_count(0)
    expect(page.locator("#price-said")).to_contain_text("1 picture for 6.5 credits each: 6.5 credits. Leaves")
    page.unroute("**/create/quote/")


def test_the_price_stays_while_the_studio_is_silent_and_is_mended(alice: Person) -> None:
    page = alice.go(LARGE)
    intercept(page, "**/create/quote/", lambda route: route.abort())
    choose(page, "num_images", "4")
    expect(page.get_by_text("The studio does not answer: this price may have changed.")).to_be_visible()
    expect(page.locator("#generate")).to_contain_text("6.5 credits")
    page.unroute("**/create/quote/")
    expect(page.locator("#generate")).to_contain_text("26 credits")
    expect(page.get_by_text("The studio does not answer")).to_be_hidden()


def test_the_button_stays_where_it_is(alice: Person) -> None:
    page = alice.go("/create/?engine=stable-diffusion-xl-1024-v1-0&mode=text-to-image&prompt=a+boat")
    place = page.locator("#generate").bounding_box()
    page.locator("#panel details.advanced > summary").click()
    page.locator("#panel [name=num_inference_steps]").first.fill("50")
    expect(page.locator("#price")).to_contain_text("20 steps above 30 × 0.03")
    choose(page, "num_images", "2")
    expect(page.locator("#price")).to_contain_text("2 pictures × 0.9 credits")
    assert page.locator("#generate").bounding_box()["y"] == place["y"]


def test_it_works_without_javascript(alice: Person, browser: Browser, studio: RunningStudio) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=alice.context.storage_state())
    page = context.new_page()
    page.goto(studio.url + STORYBOOK)
    choose(page, "num_images", "4")
    page.get_by_role("button", name="Work out the price of these settings").click()
    expect(page.locator("#generate")).to_contain_text("4 credits")
    expect(page.locator("#panel [name=prompt]")).to_have_value("a red sailboat on the sea")
    context.close()


def test_the_last_redraw_is_the_one_that_stays_and_words_typed_meanwhile_go_with_it(alice: Person) -> None:
    page = alice.go(LARGE)
    waiting: list[Route] = []
    intercept(page, "**/create/form/**", lambda route: waiting.append(route) if not waiting else route.continue_())
    page.locator("#panel [name=prompt]").fill("a boat")
    with page.expect_request("**/create/form/**"):
        page.locator("#mode-image-to-image").click()
    page.locator("#mode-inpainting").click()
    expect(page.locator("#panel [name=mode]")).to_have_value("inpainting")
    page.locator("#panel [name=prompt]").fill("a boat with a flag")
    with page.expect_response(waiting[0].request.url) as first:
        waiting[0].continue_()
    first.value.finished()
    waiting.clear()
    with page.expect_request("**/create/form/**"):
        page.locator("#mode-text-to-image").click()
    expect(page.locator("#panel [name=mode]")).to_have_value("inpainting")
    page.locator("#panel [name=prompt]").fill("a boat with two flags")
    waiting[0].continue_()
    expect(page.locator("#panel [name=mode]")).to_have_value("text-to-image")
    expect(page.locator("#panel [name=prompt]")).to_have_value("a boat with two flags")
    page.unroute("**/create/form/**")


def test_a_draft_does_not_write_over_what_was_typed_before_the_script_came(alice: Person) -> None:
    page = alice.go("/create/")
    words = page.locator("#panel [name=prompt]")
    draft = "JSON.stringify(sessionStorage)"
    words.fill("of yesterday")
    eventually(page, lambda: "of yesterday" in page.evaluate(draft))
    held: list[Route] = []
    page.route(re.compile(r"/create/draft.*\.js"), lambda route: held.append(route))
    page.reload(wait_until="commit")
    eventually(page, lambda: bool(held))
    words.fill("of today")
    held[0].continue_()
    eventually(page, lambda: "of today" in page.evaluate(draft))
    expect(words).to_have_value("of today")
    page.unroute(re.compile(r"/create/draft.*\.js"))
