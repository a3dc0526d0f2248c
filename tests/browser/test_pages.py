"""Every page on a wide and a narrow screen, dark and light: nothing sticks out, nothing complains, everybody can use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.browser.seeding import await_end

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
RULES = """async () => (await axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']}))
  .violations.filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => `${v.id}: ${v.nodes.slice(0, 4).map(n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`)"""
LANDMARK = "document.querySelectorAll('h1').length === 1 && document.querySelectorAll('main').length === 1"
OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTROLS = """() => { const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.closest('[inert]') && !e.matches(':disabled');
  const chosen = e => e.type !== 'radio' || e.checked || !document.querySelector(`#panel [name="${e.name}"]:checked`);
  window.controls = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), textarea, select, summary, [tabindex="0"]')]
    .filter(e => e.tabIndex >= 0 && shown(e) && chosen(e));
  return window.controls.length }"""
FOCUSED = """() => { const e = document.activeElement;
  const ring = [e, e.closest('label'), e.parentElement].some(one => { if (!one) return false;
    const style = getComputedStyle(one); return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 });
  const name = e.getAttribute('aria-label') || e.name || e.textContent.trim().slice(0, 30) || e.tagName;
  const scope = Object.entries({panel: '#panel', stage: '#stage', feed: '.feed'}).find(([, place]) => e.closest(place))?.[0] ?? '';
  return {at: window.controls.indexOf(e), ring, name, scope} }"""
MOVING = """() => [...document.querySelectorAll('*')].filter(e => { const style = getComputedStyle(e);
  const longest = list => Math.max(...list.split(',').map(parseFloat));
  return longest(style.transitionDuration) > .001 || style.animationName !== 'none' && longest(style.animationDuration) > .001 }).length"""


@pytest.fixture(scope="module")
def owner(browser: Browser, studio: RunningStudio) -> Iterator[tuple[StorageState, dict[str, str]]]:
    """The owner's cookies, and where everything is: they have made one picture, a batch of two, and stopped nothing."""
    context = browser.new_context()
    person = Person(context, studio)
    person.arrive("Ana Marques")
    person.generate("a castle under the northern lights", num_images="2")
    job = await_end(person)
    picture = person.page.locator("#stage a[href^='/pictures/'][aria-label='Open its page']").get_attribute("href")
    places = {"create": f"/create/?job={job}", "library": "/library/", "picture": picture or "", "wallet": "/wallet/"}
    places |= {"inpaint": f"/create/?from={places['picture'].split('/')[2]}&use=mask", "account": "/account/", "missing": "/nowhere/"}
    yield context.storage_state(), places
    context.close()


@pytest.fixture
def on_screen(person: Callable[..., Person], owner: tuple[StorageState, dict[str, str]]) -> Callable[..., Person]:
    def look(width: int, *, signed_in: bool = True, **options: object) -> Person:
        one = person(storage_state=owner[0] if signed_in else None, **options)
        one.page.set_viewport_size({"width": width, "height": 900 if width > 720 else 844})
        return one

    return look


COME = "Promise.allSettled([...document.querySelectorAll('.toast')].flatMap((e) => e.getAnimations()).map((one) => one.finished))"
"""Messages that come, have come: until then they are pale."""


def faults(page: Page) -> list[str]:
    """What is wrong with the page that is open, in words."""
    page.wait_for_load_state("load")
    page.evaluate(COME)
    found = []
    if overhang := page.evaluate(OVERHANG):
        found.append(f"{overhang} px wider than the screen")
    if not page.evaluate(LANDMARK):
        found.append("not exactly one h1 and one main")
    page.evaluate(AXE)
    return found + page.evaluate(RULES)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_fit_for_everybody(on_screen, owner, width, theme):
    person = on_screen(width, color_scheme=theme)
    found = {name: faults(person.go(path)) for name, path in owner[1].items()}
    stranger = on_screen(width, color_scheme=theme, signed_in=False)
    found["login"] = faults(stranger.go("/accounts/login/"))
    found["signup"] = faults(stranger.go("/accounts/signup/"))
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_tab_reaches_every_control_in_order_and_shows_where_it_is(on_screen, owner):
    page = on_screen(1440).go(owner[1]["create"])
    expect(page.locator("#stage img.shown")).to_be_visible()
    count = page.evaluate(CONTROLS)
    assert count > 30
    seen = []
    for _ in range(count):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    assert [one["at"] for one in seen] == list(range(count)), [one["name"] for one in seen]
    assert [one["name"] for one in seen if not one["ring"]] == []
    scopes = [one["scope"] for one in seen if one["scope"]]
    assert sorted(scopes, key=["panel", "stage", "feed"].index) == scopes
    assert set(scopes) == {"panel", "stage", "feed"}


def test_the_list_of_keys_opens_and_closes(on_screen):
    page = on_screen(1440).go("/library/")
    keys = page.get_by_role("dialog", name="Keyboard")
    expect(keys).to_be_hidden()
    page.keyboard.press("?")
    expect(keys).to_be_visible()
    assert page.evaluate("document.getElementById('hotkeys').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_on_a_phone_generate_is_there_without_scrolling(on_screen):
    page = on_screen(390, has_touch=True).go("/create/")
    expect(page.locator("#generate")).to_be_visible()
    assert page.evaluate("scrollY") == 0
    on_top = "() => { const b = document.getElementById('generate'), r = b.getBoundingClientRect();"
    on_top += " return [.1, .5, .9].map(x => b.contains(document.elementFromPoint(r.x + r.width * x, r.y + r.height / 2))) }"
    assert page.evaluate(on_top) == [True, True, True]


def test_a_phone_s_header_holds_a_team_and_a_run(on_screen):
    page = on_screen(390, has_touch=True).go("/account/")
    page.get_by_label("Name of the team").fill("Harbour Press and Pictures")
    page.get_by_role("button", name="Make a team").click()
    expect(page.locator(".team-chip")).to_be_visible()
    page.wait_for_load_state()  # with its styles
    page.locator("#running").evaluate("e => { e.hidden = false; e.querySelector('.num').firstChild.data = '12' }")
    assert page.evaluate(OVERHANG) == 0
    edges = "() => [...document.querySelectorAll('.bar .chip, .bar .avatar')].map(e => e.getBoundingClientRect().right)"
    assert max(page.evaluate(edges)) <= 390


def test_a_badge_lies_within_its_card(on_screen):
    page = on_screen(1440).go("/account/")
    expect(page.locator(".badge").first).to_be_visible()
    strays = """() => [...document.querySelectorAll('.badge')].filter(badge => {
      const inner = badge.getBoundingClientRect(), outer = badge.closest('.card').getBoundingClientRect();
      return inner.left < outer.left || inner.right > outer.right || inner.top < outer.top || inner.bottom > outer.bottom;
    }).map(badge => badge.textContent)"""
    assert page.evaluate(strays) == []


def test_nothing_moves_for_people_who_asked_for_that(on_screen):
    moving = on_screen(1440).go("/create/").evaluate(MOVING)
    assert moving > 0
    assert on_screen(1440, reduced_motion="reduce").go("/create/").evaluate(MOVING) == 0
