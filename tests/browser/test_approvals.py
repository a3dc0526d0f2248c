"""A creator asks, the owner sees it live at a browser of her own, decides, and both see the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import RunningStudio
from tests.browser.test_pages import OVERHANG, faults
from tests.browser.test_teams import JOIN, make_team, switch

GRANT = """
from accounts.models import Team
from billing.services import wallets
wallets.grant(wallets.wallet_of(Team.objects.get(name="Harbour Press")), 100_000, reference="test", description="For the test")
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    engines = {"STUDIO_LOCAL_RUNNER": "false", "STUDIO_NULL_ENGINE": "true"}
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", **engines)
    running.start()
    yield running
    assert running.stop() == 0


def a_team_with_a_rule(ana: Person, bob: Person, studio: RunningStudio) -> None:
    """Ana's team with credits, in which more than one picture needs approval; bob is in it, and at work there."""
    page = ana.arrive("Ana Ruiz")
    make_team(page, "Harbour Press")
    done = studio.manage("shell", "--no-imports", "-c", JOIN.format(password=PASSWORD) + GRANT)
    assert done.returncode == 0, done.stderr
    his = bob.go("/accounts/login/")
    his.get_by_label("Email").fill("bob@harbour.example")
    his.get_by_label("Password", exact=True).fill(PASSWORD)
    his.keyboard.press("Enter")
    his.wait_for_url("**/create/**")
    switch(his, "Harbour Press")
    ana.go("/wallet/")
    page.get_by_role("link", name="Rules").click()
    # By keyboard alone: the number, and Enter.
    page.locator("#id_pictures-threshold").fill("1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("From now on, more than 1 picture needs approval.")).to_be_visible()


def fit(page: Page) -> None:
    """Nothing for an accessibility checker to object to, and nothing beyond the edge of a phone."""
    size = page.viewport_size
    assert faults(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERHANG) == 0
    assert size
    page.set_viewport_size(size)


def test_asked_for_by_one_and_approved_live_by_the_other(person: Callable[..., Person], studio: RunningStudio) -> None:
    ana, bob = person(), person()
    a_team_with_a_rule(ana, bob, studio)
    hers, his = ana.page, bob.page
    fit(hers)
    ana.go("/create/")
    bob.go("/create/")

    # The button says it before the press.
    his.locator("#panel label:has([name=num_images][value='2'])").click()
    expect(his.locator("#generate")).to_contain_text("Ask for approval")
    expect(his.locator("#needs-approval")).to_contain_text("Needs approval of Ana Ruiz: more than 1 picture.")
    bob.generate("a red boat", num_images="2")
    waiting = his.locator("#feed article[data-status=approval]")
    expect(waiting).to_contain_text("Waits for approval of Ana Ruiz")
    expect(waiting.get_by_role("button", name="Approve")).to_be_hidden()
    expect(waiting.get_by_role("button", name="Withdraw")).to_be_visible()
    expect(his.locator("#running")).to_be_hidden()
    fit(his)

    # It came to her page and to her bell by itself.
    asked = hers.locator("#feed article[data-status=approval]")
    expect(asked).to_contain_text("a red boat")
    expect(hers.locator("#bell")).to_contain_text("1")
    fit(hers)
    asked.get_by_role("button", name="Approve").click()
    for page in (hers, his):
        expect(page.locator("#feed article[data-status=succeeded] img")).to_have_count(2)
        expect(page.locator("#balance .num")).to_have_text(hers.locator("#balance .num").inner_text())
    expect(his.locator("#bell")).to_contain_text("1")

    # The second one she declines, with a word, from the list.
    bob.generate("a second boat", num_images="2")
    expect(his.locator("#feed article[data-status=approval]")).to_have_count(1)
    ana.go("/wallet/approvals/")
    fit(hers)
    hers.get_by_role("link", name="Look").click()
    fit(hers)
    hers.get_by_label("Or say why not").fill("One boat is enough")
    hers.get_by_role("button", name="Decline", exact=True).click()
    expect(hers.get_by_text("Declined. Bob Member is told why.")).to_be_visible()
    declined = his.locator("#feed article[data-status=canceled]")
    expect(declined).to_contain_text("Ana Ruiz: One boat is enough")
    studio.assert_the_ledger_agrees()


def test_without_a_script_it_is_asked_and_approved_as_well(person: Callable[..., Person], studio: RunningStudio) -> None:
    bob = person(java_script_enabled=False)
    his = bob.go("/accounts/login/?next=/create/%3Fprompt=a%20plain%20boat%26num_images=2")
    his.get_by_label("Email").fill("bob@harbour.example")
    his.get_by_label("Password", exact=True).fill(PASSWORD)
    his.get_by_role("button", name="Sign in", exact=True).click()
    his.locator("details.teams > summary").click()
    with his.expect_navigation():
        his.locator("details.teams").get_by_role("button", name="Harbour Press").click()
    bob.go("/create/?prompt=a+plain+boat&num_images=2")
    his.locator("#generate").click()
    expect(his.locator("#feed article[data-status=approval]")).to_contain_text("a plain boat")
    ana = person(java_script_enabled=False)
    hers = ana.go("/accounts/login/")
    hers.get_by_label("Email").fill("ana@harbour.example")
    hers.get_by_label("Password", exact=True).fill(PASSWORD)
    hers.get_by_role("button", name="Sign in", exact=True).click()
    hers.locator("details.teams > summary").click()
    with hers.expect_navigation():
        hers.locator("details.teams").get_by_role("button", name="Harbour Press").click()
    ana.go("/create/")
    hers.locator("#feed article[data-status=approval]").get_by_role("button", name="Approve").click()
    expect(hers.get_by_text("Approved. It is on its way, and Bob Member is told.")).to_be_visible()
