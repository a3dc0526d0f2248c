"""A team from its first to its last day, by two people at their browsers, one of them by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import ROOT, RunningStudio
from tests.browser.test_pages import faults

pytestmark = pytest.mark.browser

JOIN = """
from accounts.models import Membership, Team, User
from accounts.services import create_user_with_team
bob = create_user_with_team(email="bob@harbour.example", name="Bob Member", password={password!r}, email_verified=True)
Membership.objects.create(team=Team.objects.get(name="Harbour Press"), user=bob, role="creator")
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    engines = {"STUDIO_LOCAL_RUNNER": "false", "STUDIO_NULL_ENGINE": "true"}
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", **engines)
    running.start()
    yield running
    assert running.stop() == 0


def switch(page: Page, name: str) -> None:
    """Work in another team, by the menu in the header."""
    page.locator("details.teams > summary").click()
    with page.expect_navigation():
        page.locator("details.teams").get_by_role("button", name=name).click()


def test_a_team_is_made_run_deleted_and_brought_back(studio: RunningStudio, person: Callable[..., Person]) -> None:
    ana, bob = person(), person(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = ana.arrive("Ana Ruiz")
    page.locator("details.teams > summary").click()
    page.get_by_role("link", name="Make a team").click()
    page.get_by_label("Name of the team").fill("Harbour Press")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour Press")
    done = studio.manage("shell", "--no-imports", "-c", JOIN.format(password=PASSWORD))
    assert done.returncode == 0, done.stderr

    his = bob.go("/accounts/login/")
    his.get_by_label("Email").fill("bob@harbour.example")
    his.get_by_label("Password", exact=True).fill(PASSWORD)
    his.keyboard.press("Enter")
    his.wait_for_url("**/create/**")
    switch(his, "Harbour Press")
    bob.go("/team/")
    expect(his.get_by_text("you are a creator")).to_be_visible()
    assert faults(his) == []

    # Another role, by keyboard alone: the menu opens, arrows walk through it, Escape closes it, Enter chooses.
    page.reload()
    assert faults(page) == []
    menu = page.locator("#members details.menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu.locator(".menu-list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.locator(".menu-list")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Bob Member is a viewer now.")
    his.reload()
    expect(his.get_by_text("you are a viewer")).to_be_visible()

    # Out: what was open hears nothing more, and the next page is that of the own team.
    menu.locator("summary").click()
    page.get_by_role("link", name="Remove from the team").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Remove Bob Member").click()
    expect(page.locator("#members li")).to_have_count(1)
    his.reload()
    expect(his.get_by_role("heading", level=1)).to_have_text("Bob Member")

    page.get_by_role("link", name="Log").click()
    expect(page.locator(".log tbody tr").first).to_contain_text("removed Bob Member from the team")
    assert faults(page) == []
    page.get_by_role("link", name="Harbour Press").first.click()

    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_label("Name of the team").fill("Harbor")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is not its name.")).to_be_visible()
    page.get_by_label("Name of the team").fill("Harbour Press")
    page.keyboard.press("Enter")
    gone = page.locator("#teams li").filter(has_text="Harbour Press")
    expect(gone).to_contain_text("You can bring it back until")
    assert faults(page) == []
    gone.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour Press")
    studio.assert_the_ledger_agrees()


def test_a_page_acts_in_the_team_that_it_shows(studio: RunningStudio, person: Callable[..., Person]) -> None:
    """Two tabs of one person: the second switches, and the first goes on where it was."""
    dora = person()
    old = dora.arrive("Dora Two Tabs")
    old.locator("details.teams > summary").click()
    old.get_by_role("link", name="Make a team").click()
    old.get_by_label("Name of the team").fill("Second Press")
    old.keyboard.press("Enter")
    expect(old.get_by_role("heading", level=1)).to_have_text("Second Press")
    switch(old, "Dora Two Tabs")
    old.goto(f"{studio.url}/galleries/new/")
    new = dora.context.new_page()
    new.goto(f"{studio.url}/library/")
    switch(new, "Second Press")

    old.get_by_label("Name").fill("Mine alone")
    old.keyboard.press("Enter")
    expect(old.get_by_role("heading", level=1)).to_have_text("Mine alone")
    teams = "SELECT accounts_team.name, is_personal FROM galleries_gallery JOIN accounts_team ON accounts_team.id = team_id"
    assert [bool(personal) for _, personal in studio.rows(teams)] == [True]
    new.goto(f"{studio.url}/galleries/")
    expect(new.get_by_text("Mine alone")).to_have_count(0)

    old.goto(f"{studio.url}/library/")
    expect(old.locator("summary.team-chip")).to_contain_text("Second Press")
    switch(new, "Dora Two Tabs")
    with old.expect_response("**/library/upload/"):
        old.locator("input[type=file]").first.set_input_files(str(ROOT / "static/img/touch-icon.png"))
    expect(old.locator("#wall .tile")).to_have_count(1)
    uploaded = "SELECT accounts_team.name FROM generation_artifact JOIN accounts_team ON accounts_team.id = team_id"
    assert studio.rows(uploaded) == [("Second Press",)]
