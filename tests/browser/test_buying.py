"""A whole purchase and its refund in a browser: the studio, and a stand-in for Stripe whose webhooks come late, twice and unordered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, eventually
from tests.browser.test_pages import OVERHANG, faults
from tests.stripe_server.standin import StandIn


@pytest.fixture(scope="module")
def stripe_server() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, stripe_server: StandIn) -> Iterator[RunningStudio]:
    quick = {"STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_INVOICE_INSTRUCTIONS": "Harbour Bank\\nIBAN DE00 1234"}
    running = RunningStudio(
        tmp_path_factory.mktemp("studio"),
        STUDIO_STRIPE_SECRET_KEY=stripe_server.key,
        STUDIO_STRIPE_WEBHOOK_SECRET=stripe_server.secret,
        STUDIO_STRIPE_API_BASE=stripe_server.url,
        **quick,
    )
    running.start()
    deadline = time.monotonic() + 120
    try:
        while ("GET", "/v1/events") not in stripe_server.requests:  # the worker asks for what was missed when it starts, then hourly
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield running
    finally:
        assert running.stop() == 0


@pytest.fixture(scope="module")
def endpoint(studio: RunningStudio) -> str:
    return f"{studio.url}/payments/stripe/webhook/"


def fit(page: Page) -> None:
    """Nothing for an accessibility checker to object to, and nothing beyond the edge of a phone."""
    assert faults(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERHANG) == 0
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_purchase_and_a_refund(person: Callable[..., Person], studio: RunningStudio, stripe_server: StandIn, endpoint: str) -> None:
    ana = person()
    page = ana.arrive("Ana Marques")
    expect(page.locator("#balance .num")).to_have_text("25")
    ana.go("/wallet/")
    page.get_by_role("link", name="Buy credits").click()
    fit(page)
    page.get_by_role("button", name="Buy for $10.00").click()

    page.wait_for_url(f"{stripe_server.url}/c/pay/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("10.00 USD")
    page.get_by_role("button", name="declined").click()
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined")
    page.get_by_role("button", name="Pay", exact=True).click()

    page.wait_for_url(f"{studio.url}/wallet/purchases/*/?paid=1")
    expect(page.get_by_role("heading", name="Waiting for the payment to be confirmed")).to_be_visible()
    fit(page)
    page.reload()
    expect(page.get_by_role("heading", name="Waiting for the payment to be confirmed")).to_be_visible()
    expect(page.locator("#balance .num")).to_have_text("25")

    stripe_server.courier.endpoint = endpoint
    stripe_server.courier.duplicates, stripe_server.courier.disorder = 5, True
    for event in stripe_server.events:
        stripe_server.courier.send(event)
    expect(page.get_by_text("1,000 credits are in the wallet")).to_be_visible()
    expect(page.locator("#balance .num")).to_have_text("1,025")
    stripe_server.courier.settle()
    fit(page)
    page.reload()
    expect(page.get_by_role("link", name="Receipt")).to_be_visible()

    page.get_by_role("link", name="unused credits back").click()
    fit(page)
    page.get_by_role("button", name="Refund $10.00").click()
    expect(page.locator("#purchase .tag")).to_have_text("Refunded")
    expect(page.locator("#balance .num")).to_have_text("25")
    stripe_server.courier.settle()
    [refund] = stripe_server.all("refund")
    assert (refund["amount"], refund["status"]) == (1000, "succeeded")
    ana.go("/wallet/purchases/")
    expect(page.locator("tbody tr .tag")).to_have_text(["Refunded"])
    fit(page)
    studio.assert_the_ledger_agrees()


def test_who_comes_back_without_paying_pays_later_and_a_lost_webhook_is_found(
    person: Callable[..., Person], studio: RunningStudio, stripe_server: StandIn
) -> None:
    ben = person()
    page = ben.page
    ben.go("/accounts/login/")
    page.get_by_label("Email").fill("ana@harbour.example")
    page.get_by_label("Password", exact=True).fill("a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url("**/create/**")
    stripe_server.courier.endpoint = ""
    ben.go("/wallet/buy/")
    page.get_by_role("button", name="Buy for $25.00").click()
    page.wait_for_url(f"{stripe_server.url}/c/pay/*")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text("You came back without paying, and nothing was charged.")).to_be_visible()
    page.get_by_role("link", name="Pay $25.00").click()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Waiting for the payment to be confirmed")).to_be_visible()
    done = studio.manage("reconcile_payments")
    assert (done.returncode, done.stdout.split(",")[0]) == (0, "stripe: 3 events that had not come"), done.stdout + done.stderr
    expect(page.get_by_text("2,500 credits are in the wallet")).to_be_visible()
    studio.assert_the_ledger_agrees()


def test_an_invoice(person: Callable[..., Person], studio: RunningStudio) -> None:
    ana = person()
    page = ana.page
    ana.go("/accounts/login/")
    page.get_by_label("Email").fill("ana@harbour.example")
    page.get_by_label("Password", exact=True).fill("a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url("**/create/**")
    ana.go("/wallet/buy/")
    page.get_by_text("Invoice, bank transfer").click()
    page.get_by_role("button", name="Buy for $100.00").click()
    expect(page.get_by_text("IBAN DE00 1234")).to_be_visible()
    expect(page.get_by_text("AT-001001").first).to_be_visible()
    fit(page)
    page.goto(page.url.replace(f"{studio.url}/wallet/purchases/", f"{studio.url}/admin/billing/purchase/") + "confirm/")
    page.get_by_role("button", name="Confirm the payment").click()
    expect(page.get_by_text("10,000 credits delivered to")).to_be_visible()
    eventually(page, lambda: studio.rows("select status from billing_purchase where number = 1001") == [("paid",)])
    studio.assert_the_ledger_agrees()
