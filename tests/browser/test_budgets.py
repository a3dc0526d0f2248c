"""Bob comes to the end of his budget, asks, alice approves at another browser, and bob goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import RunningStudio
from tests.browser.test_buying import fit
from tests.browser.test_pages import faults
from tests.browser.test_teams import JOIN, make_team, switch

GRANT = """
from accounts.models import Team
from billing.services import wallets
wallets.grant(wallets.wallet_of(Team.objects.get(name="Harbour Press")), 100000, reference="test", description="For the test")
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", STUDIO_LOCAL_RUNNER="false", STUDIO_NULL_ENGINE="true")
    running.start()
    yield running
    assert running.stop() == 0


def sign_in(person: Person, email: str) -> None:
    page = person.go("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/create/**")


def ask_for_more(page: Page, why: str = "", *, offered: str = "") -> None:
    """Three credits, from a page with the link."""
    page.get_by_role("link", name="Ask for more").first.click()
    expect(page.get_by_label("Credits more")).to_have_value(offered)
    page.get_by_label("Credits more").fill("3")
    page.get_by_label("What for").fill(why)
    assert faults(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nobody has answered yet.")).to_be_visible()
    assert faults(page) == []


def test_a_budget_stops_is_asked_about_and_raised(studio: RunningStudio, person: Callable[..., Person]) -> None:
    alice, bob = person(), person(color_scheme="dark")
    hers = alice.arrive("Alice Harbour")
    make_team(hers, "Harbour Press")
    for code in (JOIN.format(password=PASSWORD), GRANT):
        done = studio.manage("shell", "--no-imports", "-c", code)
        assert done.returncode == 0, done.stderr

    # Alice limits everybody to 2 credits a day, by keyboard.
    alice.go("/wallet/")
    hers.get_by_role("link", name="Budgets").click()
    fit(hers)
    everyone = hers.get_by_role("form", name="Limits of every member")
    everyone.get_by_label("A day").fill("2")
    hers.keyboard.press("Enter")
    expect(hers.get_by_text("Saved.")).to_be_visible()
    expect(hers.locator("#members tbody tr").nth(1)).to_contain_text("0 of 2")
    fit(hers)

    # Bob makes two pictures, and cannot make a third.
    sign_in(bob, "bob@harbour.example")
    his = bob.page
    switch(his, "Harbour Press")
    bob.go("/create/?engine=null&mode=text-to-image")
    bob.generate("a boat", num_images="2")
    expect(his.locator("#balance .num")).to_have_text("98")
    expect(his.locator("#price")).to_contain_text("of your 2 credits for today are left")
    expect(his.locator("#generate")).to_have_attribute("aria-disabled", "true")
    bob.generate("another boat", num_images="1")
    refusal = his.locator("#panel .panel-foot [role=alert]")
    expect(refusal).to_contain_text("0 of your 2 credits for today are left. The budget starts again tomorrow.")
    expect(his.locator("#panel textarea[name=prompt]")).to_have_value("another boat")
    assert faults(his) == []

    # He asks, from there.
    ask_for_more(his, "the spring campaign", offered="1")

    # He takes it back, and asks again.
    his.get_by_role("button", name="Withdraw it").click()
    expect(his.get_by_text("You do not ask for it any more.")).to_be_visible()
    assert faults(his) == []
    ask_for_more(his)

    # Alice's bell rings without a reload; it leads to the request, and one press grants it.
    expect(hers.locator("#bell .bell-count")).to_have_text("4")  # the others: most is used, the first request, and its end
    hers.locator("#bell").click()
    hers.get_by_text("Bob Member asks for 3 credits more for today").first.click()
    hers.wait_for_url("**/wallet/budgets/")
    fit(hers)
    hers.locator("#requests").get_by_role("link", name="Another amount, or a word").click()
    fit(hers)
    expect(hers.get_by_label("Credits to grant")).to_have_value("3")
    hers.get_by_label("Credits to grant").fill("2")
    hers.get_by_label("A word to them").fill("go ahead")
    hers.get_by_role("button", name="Approve").click()
    expect(hers.get_by_text("Approved. Bob Member is told.")).to_be_visible()
    expect(hers.locator("#members tbody tr").nth(1)).to_contain_text("2 of 4")

    # Bob hears of it, and goes on.
    expect(his.locator("#bell")).to_have_attribute("data-unread", "2")  # the first was that all is used
    bob.go("/create/?engine=null&mode=text-to-image")
    expect(his.locator("#price")).not_to_contain_text("for today")
    bob.generate("another boat", num_images="1")
    expect(his.locator("#balance .num")).to_have_text("97")
    studio.assert_the_ledger_agrees()
