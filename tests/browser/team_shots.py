"""The pages of a team for `make screenshots`: library, galleries, what people outside see, talk, review, people, letters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.camera import Shot, press
from tests.browser.conftest import Person
from tests.browser.running import ROOT, RunningStudio

EMAIL, TEAM = "ana@harbour.example", "Harbour Press"


@dataclass
class Seeded:
    """`places`: what was made, as paths of the studio, and the address of a file with the letter of an invitation."""

    people: dict[str, Person]
    places: dict[str, str] = field(default_factory=dict)


def run(studio: RunningStudio, call: str) -> str:
    """Call a function of `teamwork` in a process of the studio; returns what it printed."""
    done = studio.manage("shell", "--no-imports", "-c", f"from tests.browser import teamwork; teamwork.{call}")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def arrive(browser: Browser, studio: RunningStudio, letters: Path) -> Seeded:
    """The owner of a new studio in their team of 120 pictures, with open invitations; mail goes to the folder `letters`."""
    ana = Person(browser.new_context(), studio)
    page = ana.arrive("Ana Marques")
    done = studio.manage("seed_library", "--pictures", "120", "--team", TEAM)
    assert done.returncode == 0, done.stderr
    seeded = Seeded({"owner": ana}, json.loads(run(studio, f"fill({EMAIL!r})").splitlines()[-1]))
    ana.go("/account/")
    page.locator("details.teams > summary").click()
    with page.expect_navigation():
        page.locator("details.teams").get_by_role("button", name=TEAM).click()
    invite(ana)
    read(next(letter for letter in letters.iterdir() if b"\nTo: dan@" in letter.read_bytes()), seeded)
    page.goto("about:blank")
    return seeded


def invite(ana: Person) -> None:
    page = ana.go("/team/")
    page.get_by_label("Email addresses").fill("dan@harbour.example")
    page.get_by_label("A few words").fill("Hello Dan,\nthe spring campaign starts on Monday. Come and look.")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("is on its way")).to_be_visible()
    make_a_link(page)


def read(letter: Path, seeded: Seeded) -> None:
    """Keep a letter as a page, and the link in it."""
    mail = message_from_bytes(letter.read_bytes(), policy=policy.default)
    page = letter.parent.parent / "letter.html"
    page.write_text(mail.get_body(("html",)).get_content())
    seeded.places["letter"] = page.as_uri()
    seeded.places["invitation"] = re.search(r"/invitations/[\w-]+/", mail.get_body(("plain",)).get_content())[0]


# --- what is done on a page before it is looked at -------------------------------------------------------------------


def make_a_link(page: Page) -> None:
    page.get_by_text("Make a link instead").click()
    page.get_by_role("button", name="Make a link", exact=True).click()
    expect(page.get_by_label("Invitation link")).to_be_visible()


def select_some(page: Page) -> None:
    page.locator("[data-select-mode]").click()
    for place in (1, 2, 4):
        page.locator("#wall .tile").nth(place).click()
    expect(page.locator(".dock[data-open]")).to_be_visible()


def tag_some(page: Page) -> None:
    select_some(page)
    page.locator("[data-tagging] > summary").click()
    page.locator("#tagging-field").press_sequentially("cl")
    expect(page.locator("#tagging-list [role=option]").first).to_contain_text("client")


def upload_some(page: Page) -> None:
    """Two that are taken, and one that is none."""
    files = [ROOT / "static" / "img" / "welcome" / f"{name}.webp" for name in ("lighthouse", "castle")]
    page.locator("[data-upload-input]").set_input_files([*files, ROOT / "Makefile"])
    expect(page.locator(".upload-row[data-state=failed]")).to_have_count(1)
    expect(page.locator(".upload-row:is([data-state=done], [data-state=there])")).to_have_count(2)


def pick_up(page: Page) -> None:
    page.locator(".place .tile").nth(1).focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")


def compare(way: str) -> Callable[[Page], None]:
    def show(page: Page) -> None:
        page.get_by_role("button", name=way, exact=True).click()

    return show


def say_something(page: Page) -> None:
    field = page.locator("#comment")
    field.press_sequentially("Who has the original? @")
    expect(page.locator("#mention-list [role=option]").first).to_be_visible()
    field.scroll_into_view_if_needed()


def show_the_lineage(page: Page) -> None:
    page.locator(".lineage").evaluate("e => e.scrollIntoView({block: 'start'})")


def at(name: str) -> Callable[[Seeded], str]:
    return lambda seeded: seeded.places[name]


SHOTS = (
    Shot("team-library", "/library/", whole=False),
    Shot("team-library-select", "/library/", act=select_some, whole=False),
    Shot("team-library-tag", "/library/", act=tag_some, whole=False),
    Shot("team-library-filters", "/library/", act=press(".filter-panel > summary"), whole=False),
    Shot("team-library-add", "/library/", act=upload_some, whole=False),
    Shot("upload", "/library/upload/"),
    Shot("galleries", "/galleries/"),
    Shot("gallery-new", "/galleries/new/"),
    Shot("gallery", at("gallery")),
    Shot("gallery-arranging", at("gallery"), act=pick_up, whole=False),
    Shot("gallery-sharing", at("gallery"), act=press("[data-toggle=share]")),
    Shot("gallery-waiting", at("gallery-waiting"), act=press("[data-toggle=share]")),
    Shot("gallery-empty", at("gallery-empty")),
    Shot("public", at("public"), "nobody"),
    Shot("public-picture", at("shared-picture"), "nobody", whole=False),
    Shot("public-locked", at("locked"), "nobody"),
    Shot("public-report", at("report"), "nobody"),
    Shot("public-gone", "/s/not-a-link/", "nobody"),
    Shot("compare-slider", at("compare"), act=compare("Slider"), whole=False),
    Shot("compare-sides", at("compare"), act=compare("Side by side"), whole=False),
    Shot("compare-different", at("compare"), act=press(".compare-different > summary"), whole=False),
    Shot("compare-choose", at("compare-choose")),
    Shot("picture-lineage", at("picture"), act=show_the_lineage, whole=False),
    Shot("picture-talk", at("picture"), act=say_something, whole=False),
    Shot("picture-all", at("picture")),
    Shot("notices", "/notices/"),
    Shot("review", "/review/"),
    Shot("trash", "/library/trash/"),
    Shot("team-page", "/team/"),
    Shot("team-invite", "/team/", act=make_a_link),
    Shot("team-log", "/team/log/"),
    Shot("team-wallet", "/wallet/"),
    Shot("team-budgets", "/wallet/budgets/"),
    Shot("team-budget-request", at("budget-request")),
    Shot("team-rules", "/wallet/rules/"),
    Shot("team-approvals", "/wallet/approvals/"),
    Shot("team-approval", at("approval")),
    Shot("team-statements", "/wallet/statements/"),
    Shot("words", "/team/words/?sample=a+red+boat"),
    Shot("data", "/account/data/"),
    Shot("invited", at("invitation"), "nobody"),
    Shot("letter", at("letter"), "nobody"),
    Shot("terms", "/terms/"),
)
ASKED_ANEW = (Shot("terms-new", "/library/"),)
