"""Pages of buying credits: a team that bought, gave back, is disputed, and waits; at a stand-in for Stripe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.camera import Shot
from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.stripe_server.standin import StandIn

EUROS = """from billing.models import CreditPack
for pack in CreditPack.objects.all(): pack.prices.create(currency="eur", amount={1000: 950, 2500: 2300, 10000: 8900}[pack.credits])"""


@dataclass(frozen=True)
class Bought:
    """Who bought, and the addresses of what."""

    people: dict[str, Person]
    paths: dict[str, str]


@contextmanager
def shop(folder: Path, **more: str) -> Iterator[tuple[RunningStudio, StandIn]]:
    """A studio without local models that sells through the stand-in, and by invoice; with `more` settings."""
    folder.mkdir(exist_ok=True)
    with StandIn() as stripe:
        environment = {"STUDIO_STRIPE_SECRET_KEY": stripe.key, "STUDIO_STRIPE_WEBHOOK_SECRET": stripe.secret}
        environment |= {"STUDIO_STRIPE_API_BASE": stripe.url, "STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1"}
        environment["STUDIO_INVOICE_INSTRUCTIONS"] = "Harbour Bank, Lisbon\\nIBAN PT50 0002 0123 1234 5678 9015 4\\nBIC HARBPTPL"
        studio = RunningStudio(folder, **environment | more)
        studio.start()
        try:
            yield studio, stripe
        finally:
            studio.stop()


def arrive(browser: Browser, studio: RunningStudio, stripe: StandIn) -> Bought:
    """Ana buys four packs; of one she gives credits back, one is disputed, one waits for its webhook."""
    done = studio.manage("shell", "-c", EUROS)
    assert done.returncode == 0, done.stderr
    ana = Person(browser.new_context(viewport={"width": 1440, "height": 900}), studio)
    page = ana.arrive("Ana Marques")
    paths = {}
    stripe.courier.endpoint = f"{studio.url}/payments/stripe/webhook/"
    for name, button in (
        ("paid", "Buy for $10.00"),
        ("refunded", "Buy for $25.00"),
        ("disputed", "Buy for $10.00"),
        ("waiting", "Buy for $100.00"),
    ):
        if name == "waiting":
            stripe.courier.endpoint = ""
        paths[name] = buy(page, studio, button)
    stripe.courier.endpoint = f"{studio.url}/payments/stripe/webhook/"
    page.goto(studio.url + paths["refunded"] + "refund/")
    page.get_by_role("button", name="Refund").click()
    expect(page.locator("#purchase .tag")).to_have_text("Refunded")
    stripe.dispute(stripe.all("payment_intent")[2]["id"])
    stripe.courier.settle()
    ana.go("/wallet/buy/")
    page.get_by_text("Invoice, bank transfer").click()
    page.get_by_role("button", name="Buy for $100.00").click()
    page.wait_for_url("**/wallet/purchases/*/")
    paths["invoice"] = page.url.removeprefix(studio.url)
    ana.go("/wallet/buy/")
    page.get_by_role("button", name="Buy for $25.00").click()
    page.wait_for_url(f"{stripe.url}/**")
    paths["pay"] = page.url
    return Bought({"owner": ana}, paths)


def buy(page: Page, studio: RunningStudio, button: str) -> str:
    page.goto(f"{studio.url}/wallet/buy/")
    page.get_by_role("button", name=button).click()
    page.get_by_role("button", name="Pay", exact=True).click()
    page.wait_for_url(f"{studio.url}/wallet/purchases/*/?paid=1")
    if "$100" not in button:
        expect(page.get_by_text("credits are in the wallet")).to_be_visible()
    return page.url.removeprefix(studio.url).removesuffix("?paid=1")


def at(name: str, more: str = "") -> Callable[[Bought], str]:
    return lambda bought: bought.paths[name] + more


SHOTS = (
    Shot("buy", "/wallet/buy/"),
    Shot("buy-euros", "/wallet/buy/?currency=eur"),
    Shot("buy-pay", at("pay")),
    Shot("buy-waiting", at("waiting", "?paid=1")),
    Shot("buy-came-back", at("waiting", "?back=1")),
    Shot("buy-paid", at("paid")),
    Shot("buy-refund", at("paid", "refund/")),
    Shot("buy-refunded", at("refunded")),
    Shot("buy-disputed", at("disputed")),
    Shot("buy-invoice", at("invoice")),
    Shot("purchases", "/wallet/purchases/"),
)
