"""A gallery from its first picture to a stranger's phone: filled, put in order by keys and by hand, shown by link, reported, reviewed."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, press_two
from tests.browser.test_pages import faults

MAKE = """
from accounts.models import Team, User
from tests.factories import make_artifact
ana = User.objects.get(email="ana@harbour.example")
team = Team.objects.get(memberships__user=ana, is_personal=True)
for seed in range(4):
    print(make_artifact(team, ana, prompt=f"study {seed}", seed=seed, width=512, height=512).pk)
"""


def order(page: Page) -> list[str]:
    return page.locator(".place").evaluate_all("places => places.map(place => place.dataset.place)")


def saved(page: Page, act: Callable[[], None]) -> list[str]:
    """Do what moves a picture; returns the order in which the studio has them then."""
    with page.expect_response("**/move/") as answer:
        act()
    assert answer.value.status == 204
    page.reload()
    return order(page)


def fill(page: Page, pictures: list[str]) -> None:
    """A new gallery from the first picture's page; the others follow by its name."""
    for place, picture in enumerate(pictures):
        page.goto(re.sub(r"(//[^/]+).*", rf"\1/pictures/{picture}/", page.url))
        page.get_by_text("Add to gallery").click()
        if place == 0:
            page.get_by_label("Name of a new gallery").fill("Coastal nights")
            page.keyboard.press("Enter")
        else:
            page.get_by_label("Find a gallery by its name").fill("coast")
            expect(page.locator("#gallery-choices [name=q]")).to_have_value("coast")  # what is found is not drawn anew under the hand
            page.locator("#gallery-choices").get_by_role("button", name="Coastal nights").click()
        expect(page.locator("#gallery-choices button[aria-pressed=true]")).to_contain_text("Coastal nights")


def drag(page: Page, source: str, target: str) -> None:
    """Take a picture with the mouse and let it go over the left half of another."""
    start, end = (page.locator(f"#p-{one}").bounding_box() for one in (source, target))
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=8)
    page.mouse.move(end["x"] + 12, end["y"] + end["height"] / 2, steps=4)
    page.mouse.up()


def put_in_order(page: Page, pictures: list[str]) -> list[str]:
    one, two, three, four = pictures
    spoken, first = page.locator("#announce"), page.locator(".place .tile").first
    first.focus()
    page.keyboard.press("Space")
    expect(spoken).to_contain_text("Picked up study 0. It is number 1 of 4.")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(spoken).to_have_text("Number 3 of 4.")
    assert saved(page, lambda: page.keyboard.press("Space")) == [two, three, one, four]

    page.locator(".place .tile").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("End")
    page.keyboard.press("Escape")
    expect(spoken).to_contain_text("Put back.")
    assert order(page) == [two, three, one, four]

    assert saved(page, lambda: drag(page, four, two)) == [four, two, three, one]
    assert "/galleries/" in page.url, "a drag opens nothing"

    page.locator(f"#p-{one}").hover()
    page.locator(f"#p-{one} summary").click()
    assert saved(page, lambda: page.get_by_role("button", name="Move to the front").click()) == [one, four, two, three]

    # Twice quickly, as one does in a list of files: it moves, and nothing opens.
    page.locator(f"#p-{four}").hover()
    page.locator(f"#p-{four} summary").click()
    page.get_by_role("button", name="Make it the cover").dblclick()
    expect(page.locator(f"#p-{four} .is-cover")).to_be_visible()
    assert "/galleries/" in page.url, "the second click of two opens nothing"

    page.locator(f"#p-{two} .tile").focus()
    page.keyboard.press("Delete")
    expect(page.locator(".place")).to_have_count(3)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".place")).to_have_count(4)
    assert order(page) == [one, four, two, three]
    return [one, four, two, three]


def share(page: Page) -> str:
    page.get_by_role("button", name="Share").click()
    page.get_by_label("Whoever has a link").check()
    page.get_by_role("button", name="Save").locator("visible=true").click()
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_label("Link 1")).to_be_visible()
    assert faults(page) == []
    return page.get_by_label("Link 1").input_value()


def look(page: Page, address: str, pictures: list[str]) -> None:
    """A stranger with a phone looks at the gallery, and objects to its second picture."""
    page.goto(address)
    expect(page.get_by_role("heading", name="Coastal nights")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("listitem").first.click()
    expect(page.get_by_text("1 of 4", exact=True)).to_be_visible()
    page.get_by_role("link", name="The next one").click()
    expect(page.get_by_text("2 of 4", exact=True)).to_be_visible()
    assert pictures[1] in page.url
    assert faults(page) == []
    page.get_by_role("link", name="Report this picture").click()
    assert faults(page) == []
    page.get_by_label("Something else").check()
    page.get_by_label("What should we know?").fill("I know this boat.")
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_a_gallery_is_filled_ordered_shown_and_reported(person: Callable[..., Person], studio: RunningStudio) -> None:
    owner = person()
    page = owner.arrive("Ana Marques")
    made = studio.manage("shell", "--no-imports", "-c", MAKE)
    assert made.returncode == 0, made.stderr
    pictures = made.stdout.split()
    fill(page, pictures)
    page.keyboard.press("Escape")
    press_two(page, "gg", "**/galleries/")
    page.get_by_role("link", name="Coastal nights").click()
    page.wait_for_url("**/galleries/*/")  # and what listens there is loaded
    expect(page.locator(".place")).to_have_count(4)
    pictures = put_in_order(page, pictures)
    address = share(page)

    phone = person(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    look(phone.page, address, pictures)

    page.goto(f"{studio.url}/review/")
    expect(page.get_by_text("I know this boat.")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Take it down").click()
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    phone.page.goto(address)
    expect(phone.page.get_by_role("listitem")).to_have_count(3)

    again = "from studio.galleries.models import GalleryItem; GalleryItem.objects.update(review='waiting')"
    assert studio.manage("shell", "--no-imports", "-c", again).returncode == 0
    page.goto(f"{studio.url}/review/")
    waiting = page.locator("[data-review-item]")
    expect(waiting).to_have_count(4)
    expect(waiting.first).to_be_focused()
    page.keyboard.press("a")
    expect(waiting).to_have_count(3)
    page.keyboard.press("r")
    expect(page.get_by_label("Why the chosen ones are rejected")).to_be_focused()
