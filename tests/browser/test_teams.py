"""A team from its first to its last day, by two people at their browsers, one of them by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import ROOT, RunningStudio, eventually
from tests.browser.test_pages import OVERHANG, faults

JOIN = """
from accounts.models import Membership, Team, User
from accounts.services import create_user_with_team
bob = create_user_with_team(email="bob@harbour.example", name="Bob Member", password={password!r}, email_verified=True)
Membership.objects.create(team=Team.objects.get(name="Harbour Press"), user=bob, role="creator")
"""

LONG = """
from accounts import inviting
from accounts.models import Membership, Role, Team, User
from accounts.services import create_team, create_user_with_team
cleo = User.objects.get(email="cleo@harbour.example")
cleo.name = "W" * 40
cleo.save()
other = create_user_with_team(email="wide@harbour.example", name="M" * 40, password={password!r}, email_verified=True)
team, theirs = create_team("W" * 40, cleo), create_team("Q" * 40, other)
Membership.objects.create(team=team, user=other, role=Role.CREATOR)
print(team.pk, other.pk, inviting.invite(theirs, invited_by=other, email="", max_uses=None)[1])
"""
SPILLED = """() => [...document.querySelectorAll(".hello *, .sheet *")].filter((one) => {
  const box = one.getBoundingClientRect(), room = one.closest(".hello, .sheet").getBoundingClientRect();
  return one.checkVisibility() && !one.closest("details:not([open]) > :not(summary), .visually-hidden, [hidden], .clip *")
    && (box.right > room.right + 1 || box.left < room.left - 1);
}).map((one) => one.outerHTML.slice(0, 200))"""
"""What stands out of its column."""


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


def make_team(page: Page, name: str) -> None:
    page.locator("details.teams > summary").click()
    page.get_by_role("link", name="Make a team").click()
    page.get_by_label("Name of the team").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_a_team_is_made_run_deleted_and_brought_back(studio: RunningStudio, person: Callable[..., Person]) -> None:
    ana, bob = person(), person(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = ana.arrive("Ana Ruiz")
    make_team(page, "Harbour Press")
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
    make_team(old, "Second Press")
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


def test_a_second_click_on_what_makes_something_sends_nothing(studio: RunningStudio, person: Callable[..., Person]) -> None:
    bea = person()
    page = bea.arrive("Bea Twice")
    held: list[Route] = []
    page.route("**/*", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    for path, field, button, table in (
        ("/account/teams/", "Name of the team", "Make a team", "accounts_team"),
        ("/galleries/new/", "Name", "Make the gallery", "galleries_gallery"),
    ):
        for times in (1, 2):  # a form that is seen again can be sent again
            bea.go(path)
            page.get_by_label(field, exact=True).fill("Once Only")
            box = page.get_by_role("button", name=button).bounding_box()
            middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.click(*middle)
            eventually(page, lambda: len(held) == 1)
            page.mouse.click(*middle)
            page.wait_for_timeout(300)  # nothing tells of what is not sent
            assert len(held) == 1
            with page.expect_navigation():
                held.pop().continue_()
            expect(page.get_by_role("heading", level=1)).to_have_text("Once Only")
            assert studio.rows(f"SELECT count(*) FROM {table} WHERE name = 'Once Only'") == [(times,)]


def test_names_of_one_long_word_break(studio: RunningStudio, person: Callable[..., Person]) -> None:
    cleo, guest = person(), person()
    cleo.arrive("Cleo Wide")
    done = studio.manage("shell", "--no-imports", "-c", LONG.format(password=PASSWORD))
    assert done.returncode == 0, done.stderr
    team, other, token = done.stdout.split()[-3:]
    cleo.go("/account/")
    switch(cleo.page, "W" * 40)
    steps = [f"/team/{team}/{step}/" for step in ("hand-over", "leave", "delete", f"members/{other}/remove")]
    pages = ["/account/", "/team/", "/team/log/", "/account/data/", "/account/teams/", *steps]
    spilled = []
    for who, path in [(guest, f"/invitations/{token}/"), (cleo, f"/invitations/{token}/"), *((cleo, path) for path in pages)]:
        who.go(path)
        for width in (1440, 390):
            who.page.set_viewport_size({"width": width, "height": 900})
            spilled += [(path, width, one) for one in who.page.evaluate(SPILLED)]
            if over := who.page.evaluate(OVERHANG):
                spilled.append((path, width, over))
    assert spilled == []
    cleo.page.set_viewport_size({"width": 1440, "height": 900})
    cleo.go(f"/invitations/{token}/")
    cleo.page.get_by_role("button", name="Join as").click()
    expect(cleo.page.locator(".team-name")).to_have_text("Q" * 40)
