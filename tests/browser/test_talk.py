"""Two people at one picture, each at a browser of their own: they talk, cull with the keys, and look at two pictures together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import RunningStudio, eventually, intercept, without_timers_of

SEED = """
from accounts.models import Membership, Role, User
from accounts.services import create_team
from studio.backends.base import Mode
from tests.factories import make_artifact
ana, ben = [User.objects.get(email=f"{name}@harbour.example") for name in ("ana", "ben")]
team = create_team("Harbour Street", ana)
Membership.objects.create(team=team, user=ben, role=Role.VIEWER)
first = make_artifact(team, ana, prompt="a lighthouse", width=96, height=96, seed=88)
second = make_artifact(team, ana, prompt="a lighthouse at night", width=96, height=96, seed=89, parent=first, mode=Mode.IMAGE_TO_IMAGE)
third = make_artifact(team, ana, prompt="a windmill at night", width=192, height=96, seed=90, parent=second, mode=Mode.INPAINTING)
print(first.pk, second.pk, third.pk)
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio without the local runner, so that it is up at once."""
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", STUDIO_LOCAL_RUNNER="0", STUDIO_NULL_ENGINE="1")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def ids(studio: RunningStudio, browser: Browser) -> list[str]:
    """First idea, variation, edited region; Ana owns the team, Ben may look."""
    for name in ("Ana Marques", "Ben Kowalski"):
        context = browser.new_context()
        Person(context, studio).arrive(name)
        context.close()
    done = studio.manage("shell", "-v", "0", "-c", SEED)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def sign_in(somebody: Person, name: str, path: str) -> Page:
    somebody.go(f"/accounts/login/?next={path}")
    somebody.page.get_by_label("Email").fill(f"{name}@harbour.example")
    somebody.page.get_by_label("Password", exact=True).fill(PASSWORD)
    somebody.page.keyboard.press("Enter")
    somebody.page.wait_for_url(f"**{path}")
    expect(somebody.page.locator("html[data-live=on]")).to_be_attached()
    return somebody.page


def said(page: Page) -> object:
    return page.locator("#talk-list .comment")


def test_what_one_says_the_other_reads(ids: list[str], person: Callable[..., Person]) -> None:
    ana = sign_in(person(), "ana", f"/pictures/{ids[1]}/")
    ben = sign_in(person(viewport={"width": 390, "height": 844}), "ben", f"/pictures/{ids[1]}/")
    other = sign_in(person(), "ana", "/wallet/")

    # With the keyboard alone: t, an @, a name out of the list, Ctrl+Enter.
    ben.keyboard.press("t")
    ben.keyboard.type("Lower, @an")
    expect(ben.get_by_role("option", name="Ana Marques")).to_have_attribute("aria-selected", "true")
    ben.keyboard.press("Enter")
    expect(ben.locator("#comment")).to_have_value("Lower, @Ana Marques ")
    ben.keyboard.type("please. https://example.org/moon.")
    ben.keyboard.press("Control+Enter")
    expect(said(ben)).to_have_count(1)
    expect(ben.locator("#comment")).to_have_value("")
    expect(ben.locator("#comment")).to_be_focused()

    # Ana has typed something meanwhile, and keeps it.
    ana.locator("#comment").fill("I was just")
    expect(said(ana)).to_have_count(1)
    expect(ana.locator(".mention")).to_have_text("@Ana Marques")
    expect(ana.locator(".comment-text a")).to_have_attribute("href", "https://example.org/moon")
    expect(ana.locator("#comment")).to_have_value("I was just")
    expect(ana.locator("#announce")).to_contain_text("Ben Kowalski")
    # Who looks at the picture has read it; whoever is elsewhere hears the bell before that or sees it go again.
    expect(other.locator("#bell")).to_have_attribute("data-unread", "0")

    ana.locator("#comment").fill("")
    ana.locator("#comment").press("Escape")
    ana.goto(re.sub(r"/pictures/.*", "/wallet/", ana.url))
    expect(ana.locator("html[data-live=on]")).to_be_attached()
    ben.locator("#comment").fill("And @Ana, thank you.")
    ben.locator("#talk-form button").click()
    expect(said(ben)).to_have_count(2)
    for page in (ana, other):
        expect(page.locator("#bell")).to_have_attribute("data-unread", "1")
    ana.locator("#bell").click()
    ana.get_by_role("link", name="Ben Kowalski mentioned you").first.click()
    ana.wait_for_url(f"**/pictures/{ids[1]}/#comment-*")
    expect(other.locator("#bell")).to_have_attribute("data-unread", "0")

    # What is taken back is gone from the other's page too.
    ben.locator(".comment").last.get_by_role("button", name="Delete").click()
    expect(ana.locator(".comment").last).to_contain_text("This was deleted.")


def test_culling_with_the_keys(ids: list[str], person: Callable[..., Person]) -> None:
    page = sign_in(person(), "ana", f"/pictures/{ids[2]}/")
    page.keyboard.press("4")
    expect(page.locator("#announce")).to_have_text("4 of 5.")
    page.keyboard.press(".")
    expect(page.locator("#announce")).to_have_text("4 of 5, a favourite.")
    page.reload()
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    # Quicker than any answer comes: no press is lost, and the heart goes off and on again.
    for key in (".", "5", ".", "2"):
        page.keyboard.press(key)
    expect(page.locator("#announce")).to_have_text("2 of 5, a favourite.")
    # The answer to an older press does not speak for a newer one that is on its way.
    held: list[Route] = []
    intercept(page, "**/mark/", lambda route: held.append(route))
    for _ in range(2):
        page.keyboard.press(".")
    eventually(page, lambda: len(held) == 1)
    held[0].continue_()
    eventually(page, lambda: len(held) == 2)
    page.keyboard.press(".")
    held[1].continue_()
    eventually(page, lambda: len(held) == 3)
    held[2].continue_()
    page.unroute("**/mark/")
    expect(page.locator("#announce")).to_have_text("2 of 5.")
    page.keyboard.press(".")
    expect(page.locator("#announce")).to_have_text("2 of 5, a favourite.")
    page.keyboard.press("0")
    expect(page.locator("#announce")).to_have_text("No rating, a favourite.")
    # Arrows are the stars' own while one of them is in focus.
    page.get_by_role("radio", name="No rating").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#announce")).to_have_text("5 of 5, a favourite.")
    assert page.url.endswith(f"/pictures/{ids[2]}/")
    page.locator("body").click(position={"x": 5, "y": 300})
    page.keyboard.press("?")
    page.get_by_label("After a rating, go on to the older one").check()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    page.wait_for_url(f"**/pictures/{ids[1]}/")
    expect(page.locator("#announce")).to_have_text("Rated 3 of 5, a favourite. The next one.")


def test_tags_are_added_and_taken_away_on_the_page(ids: list[str], person: Callable[..., Person]) -> None:
    somebody = person()
    without_timers_of(somebody.context, 12_000)  # a message with a way back stays
    ana = sign_in(somebody, "ana", f"/pictures/{ids[0]}/")
    field, tags = ana.locator("#tag-field"), ana.locator("[data-tag-list] .chip")
    ana.evaluate("window.stays = true")
    field.fill("harbour, night")
    field.press("Enter")
    expect(tags).to_have_text(["harbour", "night"])
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    ana.get_by_role("button", name="Take away: night").click()
    expect(tags).to_have_text(["harbour"])
    expect(field).to_be_focused()
    ana.locator("#toasts").get_by_role("button", name="Undo").last.click()
    expect(tags).to_have_text(["harbour", "night"])
    assert ana.evaluate("window.stays") is True

    # Elsewhere the browser offers what the team has, also behind what is written.
    ana.goto(ana.url.replace(ids[0], ids[1]))
    field.press_sequentially("moon, har")
    offered = ana.locator("#tags-known option")
    expect(offered).to_have_count(1)
    expect(offered).to_have_attribute("value", "moon, harbour")
    field.fill("moon, harbour")
    ana.get_by_role("button", name="Add", exact=True).click()
    expect(tags).to_have_text(["harbour", "moon"])


def test_two_together_and_what_is_different(ids: list[str], person: Callable[..., Person]) -> None:
    page = sign_in(person(), "ben", f"/pictures/{ids[2]}/")
    expect(page.locator("#difference del")).to_have_text("lighthouse")
    expect(page.locator("#difference ins")).to_have_text("windmill")
    page.get_by_role("combobox", name="From").select_option(ids[0])
    expect(page.locator("#difference ins").last).to_contain_text("at night")
    page.get_by_role("link", name="Look at both together").click()
    page.wait_for_url(f"**/pictures/{ids[0]}/compare/{ids[2]}/")

    bar = page.get_by_role("slider")
    bar.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(bar).to_have_attribute("aria-valuenow", "62")
    page.keyboard.press("Home")
    expect(bar).to_have_attribute("aria-valuetext", "0 % of A")
    page.keyboard.press("x")
    expect(page.get_by_role("button", name="Show A")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Side by side").click()
    page.keyboard.press("+")
    moved = page.locator(".compare-window img").evaluate_all("all => all.map((one) => one.style.transform)")
    assert moved[0] == moved[1] != ""
    page.reload()
    expect(page.get_by_role("button", name="Side by side")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Compare with another").click()
    expect(page.locator("html[data-live=on]")).to_be_attached()  # what is typed is listened for
    page.get_by_label("Search prompts").fill("windmill")
    expect(page.get_by_role("heading", name="Found", exact=True)).to_be_visible()
    expect(page.locator("#compare-found a")).to_have_count(1)
