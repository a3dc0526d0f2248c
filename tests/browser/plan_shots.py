"""Pages of plans: a team without one that chooses, pays, changes up and down, and cancels; at a stand-in for Stripe."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from tests.browser.camera import Shot, look
from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.stripe_server import plans as theirs
from tests.stripe_server.standin import StandIn

FREE = (
    Shot("plan-none", "/wallet/plan/"),
    Shot("plan-choose", "/wallet/plan/to/creator/"),
    Shot("plan-locked", "/create/?engine=stable-image-ultra&mode=text-to-image", whole=False),
)
CREATOR = (
    Shot("plan", "/wallet/plan/"),
    Shot("plan-up", "/wallet/plan/to/pro/"),
    Shot("plan-wallet", "/wallet/"),
)
PRO = (Shot("plan-down", "/wallet/plan/to/creator/"),)
CANCELED = (Shot("plan-canceled", "/wallet/plan/"),)
UNPAID = (Shot("plan-failed", "/wallet/plan/"),)
SHOTS = (*FREE, *CREATOR, *PRO, *CANCELED, *UNPAID)


# Who has no plan is on Free; the provider's models are there, and never asked.
SELLING = {"STUDIO_DEFAULT_PLAN": "free", "STABILITY_API_KEY": "sk-nobody-asks", "STABILITY_API_HOST": "http://localhost:9"}


def photograph(browser: Browser, studio: RunningStudio, stripe: StandIn, wanted: Callable[[tuple[Shot, ...]], tuple[Shot, ...]]) -> None:
    ana = Person(browser.new_context(viewport={"width": 1440, "height": 900}), studio)
    page = ana.arrive("Ana Marques")
    stripe.courier.endpoint = f"{studio.url}/payments/stripe/webhook/"
    people = {"owner": ana}
    look(browser, studio, wanted(FREE), people)
    begin(ana, stripe)
    look(browser, studio, wanted(CREATOR), people)
    ana.go("/wallet/plan/to/pro/")
    page.get_by_role("button", name="Pay $15.00 and change").click()
    expect(page.get_by_text("You are on Pro now.")).to_be_visible()
    stripe.courier.settle()
    look(browser, studio, wanted(PRO), people)
    cancel(ana)
    look(browser, studio, wanted(CANCELED), people)
    page.get_by_role("button", name="Do not cancel").click()
    expect(page.get_by_text("Pro goes on.")).to_be_visible()
    fail(page, stripe)
    look(browser, studio, wanted(UNPAID), people)


def begin(ana: Person, stripe: StandIn) -> None:
    page = ana.go("/wallet/plan/to/creator/")
    page.get_by_role("button", name="Go to payment").click()
    page.get_by_role("button", name="Pay", exact=True).click()
    page.wait_for_url("**/wallet/plan/?paid=1")
    stripe.courier.settle()
    expect(page.locator("#current-title")).to_have_text("Creator")


def cancel(ana: Person) -> None:
    page = ana.go("/wallet/plan/")
    page.locator("summary", has_text="Cancel the plan").click()
    page.get_by_role("button", name="End it then").click()
    expect(page.get_by_text("Until then nothing changes.")).to_be_visible()


def fail(page: Page, stripe: StandIn) -> None:
    [plan] = stripe.all("subscription")
    stripe.failing.add(plan["customer"])
    theirs.renew(stripe, plan["id"])
    stripe.courier.settle()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The last payment for Pro failed.")
