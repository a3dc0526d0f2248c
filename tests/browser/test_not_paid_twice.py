"""Create beside a provider that bills: the price by the operator's list, and what the team has already."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.stability_server.standin import StandIn

CORE = "/create/?engine=stable-image-core&mode=text-to-image"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, standin: StandIn) -> Iterator[RunningStudio]:
    """A studio with the provider's engines alone."""
    running = RunningStudio(
        tmp_path_factory.mktemp("studio"),
        STUDIO_LOCAL_RUNNER="0",
        STUDIO_WELCOME_CREDITS="500",
        STABILITY_API_KEY=standin.key,
        STABILITY_API_HOST=standin.url,
    )
    running.start()
    running.wait_for(r"^remote.*worker_ready")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def alice(browser: Browser, studio: RunningStudio) -> Iterator[Person]:
    """The owner; at the end her console must have had nothing to complain about."""
    owner = Person(browser.new_context(viewport={"width": 1440, "height": 900}), studio)
    owner.arrive("Alice Harbour")
    yield owner
    assert owner.complaints == []


def write_price_list(page: Page, studio: RunningStudio) -> None:
    page.goto(f"{studio.url}/admin/pricing/pricelist/add/")
    page.get_by_label("Name", exact=True).fill("Winter")
    page.get_by_label("Stable Image Core, price of your own in credits").fill("4.5")
    page.get_by_role("button", name="Show what teams pay").click()
    expect(page.get_by_role("row", name="Stable Image Core")).to_contain_text("4.5")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The price list “Winter” is in force.")).to_be_visible()


def test_what_the_team_has_is_shown_for_nothing_and_made_anew_only_when_asked_twice(
    alice: Person, studio: RunningStudio, standin: StandIn
) -> None:
    page = alice.page
    write_price_list(page, studio)
    alice.go(CORE)
    expect(page.locator("#generate")).to_contain_text("4.5 credits")
    expect(page.locator("#price")).to_contain_text("price list Winter (stability 2026-09-22)")
    alice.generate("a red boat in the harbour", seed="7")
    cards = page.locator("#feed article")
    expect(cards.and_(page.locator("[data-status=succeeded]"))).to_have_count(1)
    have = page.get_by_role("link", name="show it for 0 credits")
    expect(have).to_be_visible()  # the page asked again by itself while it was made

    page.goto(f"{studio.url}/create/?mode=text-to-image&engine=stable-image-core&prompt=a+red+boat+in+the+harbour&seed=7")
    have.click()
    expect(page.locator("#stage img.shown")).to_have_attribute("alt", "a red boat in the harbour")
    page.evaluate("window.at = performance.now(), performance.now = () => window.at")
    page.locator("#generate").click()
    expect(page.get_by_role("button", name="Make it anew")).to_be_visible()
    page.locator("#generate").click()  # the second half of a double click
    assert len(standin.books) == 1
    page.evaluate("window.at += 600")
    page.locator("#panel textarea[name=prompt]").press("Control+Enter")
    expect(cards.and_(page.locator("[data-status=succeeded]"))).to_have_count(2)
    assert [charge.credits for charge in standin.books] == [Decimal(3), Decimal(3)]
    expect(page.locator("#balance")).to_contain_text("491 credits")


def test_the_same_while_it_is_made_is_one_job_with_one_card(alice: Person, studio: RunningStudio, standin: StandIn) -> None:
    page = alice.page
    standin.faults.add("hold", path="/v2beta/*")
    before = len(standin.books)
    alice.go(CORE)
    alice.generate("a slow boat", seed="8")
    slow = page.locator("#feed article").filter(has_text="a slow boat")
    expect(slow).to_have_count(1)
    expect(page.locator("#stage .stage-job:not([data-status=succeeded])")).to_be_visible()  # by the answer alone
    expect(page.get_by_text("This is being made already")).to_be_visible()
    page.evaluate("window.at = performance.now() + 600, performance.now = () => window.at")  # not a double click
    page.locator("#generate").click()
    expect(slow).to_contain_text("Asked for again while it was under way")
    expect(slow).to_have_count(1)
    for_all = slow.get_by_role("button", name="Stop for all")
    for_all.evaluate("(button) => { button.removeAttribute('name'); button.click(); }")  # as it was before it was joined
    expect(page.locator("#toasts")).to_contain_text("Press Stop for all if nobody needs it any more.")
    expect(for_all).to_have_attribute("name", "for_all")
    standin.faults.release()
    expect(slow).to_have_attribute("data-status", "succeeded")
    assert len(standin.books) == before + 1
    studio.assert_the_ledger_agrees()
