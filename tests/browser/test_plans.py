"""A plan begun, changed and canceled in a browser: the studio, and a stand-in for Stripe whose webhooks come twice and unordered."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.browser.test_pages import OVERHANG, faults
from tests.stripe_server import plans as theirs
from tests.stripe_server.standin import StandIn

LOOK = os.environ.get("PLAN_SHOTS", "")
"""A folder for pictures of each step, to be looked at."""
UNCOVERED = """element => {
  const box = element.getBoundingClientRect();
  return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === element;
}"""
"""Whether a pointer at the middle of an element meets it. Playwright would scroll a box that clips it first."""


@pytest.fixture(scope="module")
def stripe_server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, stripe_server: StandIn) -> Iterator[RunningStudio]:
    """A studio that sells plans: who has none is on Free."""
    running = RunningStudio(
        tmp_path_factory.mktemp("studio"),
        STUDIO_DEFAULT_PLAN="free",
        STUDIO_SIGNUP="open",
        STUDIO_STRIPE_SECRET_KEY=stripe_server.key,
        STUDIO_STRIPE_WEBHOOK_SECRET=stripe_server.secret,
        STUDIO_STRIPE_API_BASE=stripe_server.url,
        STUDIO_LOCAL_RUNNER="0",
        STUDIO_NULL_ENGINE="1",
        STABILITY_API_KEY="sk-nobody-asks",
        STABILITY_API_HOST=stripe_server.url,  # not one call of these tests gets that far
    )
    running.start()
    stripe_server.courier.endpoint = f"{running.url}/payments/stripe/webhook/"
    stripe_server.courier.duplicates, stripe_server.courier.disorder = 3, True
    yield running
    assert running.stop() == 0


def fit(page: Page, name: str) -> None:
    """Nothing for an accessibility checker to object to, and nothing beyond the edge of a phone."""
    assert faults(page) == []
    _look(page, name)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERHANG) == 0
    _look(page, f"{name}-phone")
    page.set_viewport_size({"width": 1440, "height": 900})


def _look(page: Page, name: str) -> None:
    for scheme in ("light", "dark") if LOOK else ():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=Path(LOOK) / f"{name}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")


def test_a_plan_begun_changed_and_canceled(person: Callable[..., Person], studio: RunningStudio, stripe_server: StandIn) -> None:
    ana = person()
    page = ana.arrive("Ana Marques")
    ana.go("/wallet/")
    page.get_by_role("main").get_by_role("link", name="Plan", exact=True).click()
    expect(page.locator("#current-title")).to_have_text("Free")
    fit(page, "plan-free")

    page.get_by_role("link", name="Choose Creator").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Creator")
    fit(page, "plan-choose")
    page.get_by_role("button", name="Go to payment").click()
    page.wait_for_url(f"{stripe_server.url}/c/pay/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("10.00 USD per month")
    page.get_by_role("button", name="declined").click()
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined")
    page.get_by_role("button", name="Pay", exact=True).click()

    page.wait_for_url(f"{studio.url}/wallet/plan/?paid=1")
    stripe_server.courier.settle()
    expect(page.locator("#current-title")).to_have_text("Creator")  # the page notices by itself
    page.reload()
    expect(page.locator("#balance .num")).to_have_text(re.compile(r"^1,0(25|50)$"))  # with Free's month, where that came before
    fit(page, "plan-creator")

    page.get_by_role("link", name="Change to Pro").click()
    expect(page.locator("tfoot")).to_contain_text("$15.00")
    fit(page, "plan-change")
    page.get_by_role("button", name="Pay $15.00 and change").click()
    expect(page.get_by_text("You are on Pro now.")).to_be_visible()
    expect(page.locator("#current-title")).to_have_text("Pro")
    stripe_server.courier.settle()
    page.reload()
    expect(page.get_by_role("table")).to_contain_text("$15.00")
    expect(page.locator("#balance .num")).to_have_text(re.compile(r"^2,5[245]\d"))  # less the share of the seconds that went by

    page.get_by_role("link", name="Change to Creator").click()
    expect(page.get_by_text("You keep Pro until")).to_be_visible()
    fit(page, "plan-down")
    page.get_by_role("button", name="Change on").click()
    expect(page.get_by_text("becomes Creator on")).to_be_visible()
    page.get_by_role("button", name="Keep Pro").click()
    expect(page.get_by_text("Pro stays your plan.")).to_be_visible()

    page.wait_for_load_state()  # with its styles
    page.locator("summary", has_text="Cancel the plan").click()
    end = page.get_by_role("button", name="End it then")
    assert end.evaluate(UNCOVERED)
    _look(page, "plan-menu")
    end.click()
    expect(page.get_by_text("Until then nothing changes.")).to_be_visible()
    fit(page, "plan-canceled")
    page.get_by_role("button", name="Do not cancel").click()
    expect(page.get_by_text("Pro goes on.")).to_be_visible()

    [plan] = stripe_server.all("subscription")
    stripe_server.failing.add(plan["customer"])
    theirs.renew(stripe_server, plan["id"])
    stripe_server.courier.settle()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The last payment for Pro failed.")
    fit(page, "plan-failed")
    page.get_by_role("link", name="Change the card, or pay now").click()
    page.get_by_role("button", name="Use a card that works").click()
    page.wait_for_url(f"{studio.url}/wallet/plan/")
    stripe_server.courier.settle()
    page.reload()
    expect(page.get_by_role("alert")).to_have_count(0)
    stripe_server.courier.endpoint = ""


def test_engines_of_other_plans_are_locked(person: Callable[..., Person], studio: RunningStudio) -> None:
    ben = person()
    page = ben.arrive("Ben Okafor")
    page.locator(".engines > summary").click()
    ultra = page.locator(".engine-item", has_text="Stable Image Ultra")
    expect(ultra).to_contain_text("In the Creator plan")
    expect(page.locator(".engine-item", has_text="Stable Image Core")).not_to_contain_text("In the Creator plan")
    assert faults(page) == []
    _look(page, "locked")
    ultra.click()
    page.wait_for_url("**/wallet/plan/")
    ben.go("/create/?engine=stable-image-ultra&mode=text-to-image")
    expect(page.get_by_text("Stable Image Ultra is not part of your plan.")).to_be_visible()
    _look(page, "locked-chosen")
