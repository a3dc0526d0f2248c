"""Two people at two browsers, side by side: what one selects, tags, rates, deletes, restores or makes, and what the other sees of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import RunningStudio

SEED = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import Membership, Role, User
from accounts.services import create_team, create_user_with_team
from tests.factories import make_artifact
ana = User.objects.get(email="ana@harbour.example")
team = create_team("Harbour Press", ana)
for name, role in (("Ben Okri", Role.CREATOR), ("Carol Oyelaran", Role.VIEWER)):
    email = f"{name.split()[0].lower()}@harbour.example"
    user = create_user_with_team(email=email, name=name, password="a long enough password", email_verified=True)
    Membership.objects.create(team=team, user=user, role=role)
now = timezone.now()
for n in reversed(range(12)):
    make_artifact(team, ana, prompt=f"a boat number {n}", made_at=now - timedelta(minutes=n), seed=n, queue="nobody")
"""
ONE_MORE = """
from accounts.models import Team
from studio.live import events
from tests.factories import make_artifact
team = Team.objects.get(name="Harbour Press")
made = make_artifact(team, team.members.first(), prompt="a brand new castle", queue="nobody")
events.pictures_changed(team.pk, [made.pk])
"""
A_GALLERY = """
from accounts.models import Team
from studio.galleries import curating
team = Team.objects.get(name="Harbour Press")
curating.create(team, by=team.members.first(), name="Coastal nights")
"""

GALLERY = """
from accounts.models import Team
from studio.galleries import curating
from studio.galleries.models import Visibility
team = Team.objects.get(name="Harbour Press")
ana = team.members.get(name="Ana Marques")
gallery = curating.create(team, by=ana, name="Harbour", description="", visibility=Visibility.TEAM)
curating.add(gallery, list(team.artifacts.filter(deleted_at=None).order_by("id")[:4]), by=ana)
print(gallery.pk)
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[RunningStudio]:
    """A studio of two people and a viewer, with twelve pictures."""
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", STUDIO_LOCAL_RUNNER="0", STUDIO_NULL_ENGINE="1")
    running.start()
    context = browser.new_context()
    Person(context, running).arrive("Ana Marques")
    context.close()
    run(running, SEED)
    yield running
    assert running.stop() == 0


def run(studio: RunningStudio, code: str) -> str:
    done = studio.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def enter(person: Person, name: str) -> Page:
    """Sign in, go to work in the team, and open its library with its line up."""
    page = person.go("/accounts/login/?next=/account/")
    page.get_by_label("Email").fill(f"{name}@harbour.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{person.studio.url}/account/")
    with page.expect_navigation():
        page.locator("#teams li").filter(has_text="Harbour Press").get_by_role("button").click()
    return library(person)


def library(person: Person) -> Page:
    page = person.go("/library/")
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    return page


def tiles(page: Page) -> Locator:
    return page.locator("#wall .tile")


def ids(page: Page) -> list[str]:
    return tiles(page).evaluate_all("all => all.map(one => one.id)")


def chosen(page: Page) -> list[str]:
    return page.locator(".pick:checked").evaluate_all("all => all.map(one => `p-${one.value}`)")


def cell(page: Page, picture: str) -> Locator:
    return page.locator(f".cell:has(#{picture})")


def dock(page: Page) -> Locator:
    return page.locator("#desk")


def test_side_by_side(person: Callable[..., Person]) -> None:
    ana, ben = person(), person()
    hers, his = enter(ana, "ana"), enter(ben, "ben")
    everything = ids(hers)
    assert (len(everything), ids(his)) == (12, everything)

    select_in_every_way(hers, everything)
    tag_and_take_it_back(hers, his, everything)
    mark(hers, his, everything)
    delete_and_restore(hers, his, everything)
    make_one_more(ana.studio, hers, his, everything)
    through_the_trash(ana, hers, his, everything)


def select_in_every_way(page: Page, everything: list[str]) -> None:
    expect(dock(page)).to_be_hidden()
    cell(page, everything[1]).hover()
    cell(page, everything[1]).get_by_role("checkbox").click()
    expect(dock(page)).to_contain_text("1 selected")
    page.locator(f"#{everything[4]}").click(modifiers=["Shift"])
    assert chosen(page) == everything[1:5]
    page.locator(f"#{everything[2]}").click(modifiers=["Control"])
    assert chosen(page) == [everything[1], *everything[3:5]]
    page.locator(f"#{everything[6]}").click()  # while some are selected, a plain click selects too
    expect(page.locator("#announce")).to_have_text("4 selected.")
    page.keyboard.press("Escape")
    expect(dock(page)).to_be_hidden()
    page.locator(f"#{everything[0]}").focus()
    page.keyboard.press("Space")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(f"Shift+{key}")
    assert chosen(page) == everything[:3]
    assert page.evaluate("document.activeElement.id") == everything[2]
    page.keyboard.press("Control+a")
    expect(dock(page)).to_contain_text("12 selected")
    page.keyboard.press("Escape")
    assert chosen(page) == []


def keep_the_way_back(page: Page) -> None:
    """A message with "Undo" stays for as long as somebody points at it."""
    page.locator("#toasts .toast").filter(has=page.get_by_role("button", name="Undo")).last.hover()


def tag_and_take_it_back(hers: Page, his: Page, everything: list[str]) -> None:
    hers.locator(f"#{everything[0]}").click(modifiers=["Control"])
    hers.locator(f"#{everything[1]}").click(modifiers=["Control"])
    hers.keyboard.press("t")
    field = hers.get_by_role("combobox", name="Add a tag")
    expect(field).to_be_focused()
    hers.keyboard.type("Golden hour,sea")
    hers.keyboard.press("Enter")
    expect(hers.locator("[data-chips] [aria-pressed=true]")).to_have_text(["Golden hour", "sea"])
    hers.keyboard.press("Enter")
    expect(hers.locator("#toasts")).to_contain_text("Tags of 2 pictures changed.")
    expect(cell(his, everything[1])).to_have_attribute("data-tags", "Golden hour\nsea")

    his.locator(f"#{everything[1]}").click(modifiers=["Control"])
    his.locator(f"#{everything[2]}").click(modifiers=["Control"])
    his.keyboard.press("t")
    expect(his.locator("[data-tag='sea'][aria-pressed=mixed]")).to_contain_text("1 of 2")
    with his.expect_response(re.compile(r"[?&]q=gol$")):
        his.keyboard.type("gol")
    expect(his.locator("#tagging-list [role=option]")).to_have_text([re.compile("Golden hour")])
    his.keyboard.press("ArrowDown")
    his.keyboard.press("Enter")
    his.locator("[data-tag='sea']").click()
    his.locator("[data-tag='sea']").click()
    his.get_by_role("button", name="Apply").click()
    keep_the_way_back(his)
    expect(cell(hers, everything[2])).to_have_attribute("data-tags", "Golden hour")
    expect(cell(hers, everything[1])).to_have_attribute("data-tags", "Golden hour")
    his.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(cell(hers, everything[1])).to_have_attribute("data-tags", "Golden hour\nsea")
    expect(cell(hers, everything[2])).not_to_have_attribute("data-tags", re.compile(""))
    his.keyboard.press("t")
    expect(his.locator("#tagging-list [role=option]").first).to_be_visible()
    expect(his.locator("#tagging-list [aria-selected=true]")).to_have_count(0)  # what was chosen before is not what Enter means now
    his.keyboard.press("Escape")
    his.keyboard.press("Escape")
    expect(his.get_by_role("combobox", name="Add a tag")).to_be_hidden()
    for page in (hers, his):
        page.keyboard.press("Escape")
        expect(dock(page)).to_be_hidden()


def mark(hers: Page, his: Page, everything: list[str]) -> None:
    hers.locator(f"#{everything[3]}").focus()
    hers.keyboard.press("4")
    hers.keyboard.press("f")
    expect(cell(hers, everything[3]).locator(".tile-marks")).to_have_text(". A favourite of yours. You rated it 4")
    hers.keyboard.press("f")
    expect(cell(hers, everything[3]).locator(".tile-marks")).to_have_text(". You rated it 4")
    his.reload()
    expect(his.locator(".tile-marks")).to_have_count(0)


def delete_and_restore(hers: Page, his: Page, everything: list[str]) -> None:
    expect(his.locator("html")).to_have_attribute("data-live", "on")
    his.locator(f"#{everything[7]}").click(modifiers=["Control"])
    his.locator(f"#{everything[8]}").click(modifiers=["Control"])
    hers.locator(f"#{everything[6]}").click(modifiers=["Control"])
    hers.locator(f"#{everything[7]}").click(modifiers=["Control"])
    dock(hers).get_by_role("button", name="Delete").click()
    expect(hers.locator("#toasts")).to_contain_text("2 pictures deleted.")
    keep_the_way_back(hers)
    rest = [one for one in everything if one not in everything[6:8]]
    expect(tiles(his)).to_have_count(10)
    assert ids(hers) == ids(his) == rest
    expect(dock(his)).to_contain_text("1 selected")
    for page in (hers, his):
        expect(page.locator("#library-count")).to_have_text("10 pictures")
    hers.locator("#toasts .toast", has_text="deleted").get_by_role("button", name="Undo").click()
    expect(tiles(his)).to_have_count(12)
    expect(tiles(hers)).to_have_count(12)
    assert ids(hers) == ids(his) == everything
    his.keyboard.press("Escape")


def make_one_more(studio: RunningStudio, hers: Page, his: Page, everything: list[str]) -> None:
    """At once where nobody's hand is on the wall; where something is selected it waits to be asked for."""
    hers.mouse.move(5, 5)
    hers.evaluate("document.activeElement.blur()")
    his.locator(f"#{everything[0]}").click(modifiers=["Control"])
    run(studio, ONE_MORE)
    expect(tiles(hers)).to_have_count(13)
    expect(tiles(hers).first.locator("img")).to_have_attribute("alt", "a brand new castle")
    news = his.get_by_role("button", name="1 new picture")
    expect(news).to_be_visible()
    assert ids(his) == everything
    news.click()
    expect(tiles(his)).to_have_count(13)
    assert chosen(his) == [everything[0]]
    assert ids(his) == ids(hers)


def through_the_trash(ana: Person, hers: Page, his: Page, everything: list[str]) -> None:
    his.keyboard.press("Escape")
    his.locator(f"#{everything[2]}").focus()
    his.keyboard.press("Delete")
    expect(tiles(hers)).to_have_count(12)
    page = ana.go("/library/trash/")
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    expect(page.locator(".trash-item")).to_have_text([re.compile("Deleted by Ben")])
    his.locator(f"#{everything[3]}").focus()
    his.keyboard.press("Delete")
    expect(page.locator(".trash-item")).to_have_count(2)
    cell(page, everything[2]).get_by_role("checkbox").click(force=True)
    dock(page).get_by_role("button", name="Restore").click()
    expect(page.locator(".trash-item")).to_have_count(1)
    expect(his.locator(f"#{everything[2]}")).to_be_visible()
    page.locator("summary", has_text="Empty").click()
    page.get_by_role("button", name="Empty the trash").click()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert ana.studio.rows("SELECT count(*) FROM generation_artifact") == [(12,)]


def places(page: Page) -> list[str]:
    return page.locator(".place").evaluate_all("all => all.map(one => one.id)")


def test_a_gallery_follows_what_a_team_mate_does_with_it(person: Callable[..., Person], studio: RunningStudio) -> None:
    address = f"/galleries/{run(studio, GALLERY)}/"
    ana, ben = person(), person()
    hers, his = enter(ana, "ana"), enter(ben, "ben")
    for page in (hers, his):
        page.goto(f"{studio.url}{address}")
        expect(page.locator("html[data-live=on]")).to_be_attached()
    one, two, three, four = order = places(hers)
    assert places(his) == order

    his.evaluate("window.unbroken = true")
    his.locator(f"#{two} .tile").focus()
    with hers.expect_response("**/move/"):
        hers.locator(f"#{one} .tile").focus()
        for key in ("Space", "End", "Space"):
            hers.keyboard.press(key)
    expect(his.locator(".place").last).to_have_id(one)
    assert places(his) == [two, three, four, one]
    assert his.evaluate("document.activeElement.closest('.place').id") == two

    his.keyboard.press("Space")  # what Ben has in his hand is not taken out of it
    his.keyboard.press("ArrowRight")
    with hers.expect_response("**/remove/"):
        hers.locator(f"#{four} .tile").focus()
        hers.keyboard.press("Delete")
    keep_the_way_back(hers)
    assert places(his) == [three, two, four, one]
    with his.expect_response("**/move/"):
        his.keyboard.press("Space")
    for page in (his, hers):
        expect(page.locator(f"#{four}")).to_have_count(0)
        expect(page.locator("[data-size]")).to_have_text("3 items")
        expect(page.locator(".place").first).to_have_id(three)
        assert places(page) == [three, two, one]

    hers.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(his.locator(f"#{four}")).to_be_visible()
    expect(his.locator("[data-size]")).to_have_text("4 items")
    assert his.evaluate("window.unbroken"), "without a reload"


def test_what_is_selected_is_dropped_on_a_gallery_together(person: Callable[..., Person]) -> None:
    ana = person()
    run(ana.studio, A_GALLERY)
    page = enter(ana, "ana")
    everything = ids(page)
    for one in everything[1:3]:
        page.locator(f"#{one}").click(modifiers=["Control"])
    page.locator(f"#{everything[1]}").hover()
    page.mouse.down()
    page.mouse.move(300, 400, steps=5)
    target = page.locator(".drop-target", has_text="Coastal nights")
    expect(target).to_be_visible()
    target.hover()
    target.hover()
    page.mouse.up()
    expect(page.locator("#toasts")).to_contain_text("2 added to “Coastal nights”.")


def test_a_long_press_selects_on_a_phone(person: Callable[..., Person]) -> None:
    carol = person(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = enter(carol, "carol")
    first = tiles(page).first
    box = first.bounding_box()
    touch = page.context.new_cdp_session(page)
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    expect(dock(page)).to_contain_text("1 selected")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(dock(page)).to_contain_text("1 selected")
    tiles(page).nth(1).tap()
    expect(dock(page)).to_contain_text("2 selected")
    assert page.url.endswith("/library/")
    assert dock(page).get_by_role("button", name="Delete").count() == 0, "a viewer only rates and takes away"
    dock(page).get_by_role("button", name="Favourite").tap()
    expect(page.locator("#wall [data-favourite]")).to_have_count(2)
    page.get_by_role("button", name="Clear the selection").tap()
    expect(dock(page)).to_be_hidden()


OUTSIDE = """all => all.map(one => ({one: one.textContent || one.ariaLabel, box: one.getBoundingClientRect()})).filter(({box}) =>
  box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight || box.width < 40 || box.height < 36)"""
"""What of some elements is not in the window, or too small for a finger."""


def test_everything_of_the_bar_is_in_the_window_of_a_phone(person: Callable[..., Person]) -> None:
    """Of 320 px too, which is what WCAG 1.4.10 asks for; a menu of it as well."""
    page = enter(person(viewport={"width": 390, "height": 844}), "ana")
    for width in (320, 360, 390, 440, 480):
        page.set_viewport_size({"width": width, "height": 844})
        cell(page, ids(page)[0]).hover()
        page.locator(".pick").first.check()
        buttons = dock(page).locator(".dock-count button, .dock-acts > .act, .dock-acts > .menu > summary")
        expect(buttons).to_have_count(7)
        assert buttons.evaluate_all(OUTSIDE) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        dock(page).get_by_title("Rate (1 to 5)").click()
        expect(dock(page).get_by_role("button", name="5 stars")).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        dock(page).get_by_role("button", name="Clear the selection").click()
