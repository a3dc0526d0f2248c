"""Models that can be turned and sounds that can be heard, in a real browser, under the studio's content policy."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, eventually
from tests.browser.seeding import Seeded, add_media
from tests.browser.test_pages import AXE, LANDMARK, OVERHANG, RULES


@pytest.fixture(scope="module")
def seeded(browser, studio: RunningStudio) -> Seeded:
    owner = Person(browser.new_context(), studio)
    owner.arrive("Ana Marques")
    made = Seeded(owner, owner)
    add_media(made, studio)
    return made


@pytest.fixture
def ana(person: Callable[..., Person], seeded: Seeded) -> Callable[..., Person]:
    """`ana(**context_options)`: the owner at a browser of her own."""
    return lambda **options: person(storage_state=seeded.owner.context.storage_state(), **options)


def colours(element: Locator) -> int:
    """How many colours an element shows: a blank one has a handful."""
    picture = Image.open(io.BytesIO(element.screenshot(animations="disabled"))).convert("RGB")
    return len(picture.resize((64, 64)).getcolors(64 * 64))


def look(element: Locator) -> bytes:
    return Image.open(io.BytesIO(element.screenshot())).convert("RGB").resize((48, 48)).tobytes()


def stand_still(page: Page) -> Locator:
    """The shown model, which does not turn by itself any more."""
    view = page.locator("model-view[data-state=shown]")
    expect(view).to_be_visible()
    turner = view.get_by_role("button", name="Turn by itself")
    view.evaluate("view => view.scene.setTurning(false)")  # it may come to rest by itself at any moment
    expect(turner).to_have_attribute("aria-pressed", "false")
    return view.locator("canvas")


@pytest.mark.parametrize("where", ["page", "stage"])
def test_a_model_is_shown_and_turns_under_the_keys(ana, seeded, where) -> None:
    page = ana(reduced_motion="reduce").go(seeded.pictures["model"] if where == "page" else seeded.jobs["model"])
    canvas = stand_still(page)
    assert colours(canvas) > 300, "a lit model with a texture"
    expect(canvas).to_have_attribute("aria-label", re.compile(r"^3D model: 3D, Stable Fast 3D\. Drag, or use the arrow keys, to turn it; "))
    first = look(canvas)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    turned = changed(canvas, first)
    page.keyboard.press("+")
    closer = changed(canvas, turned)
    page.keyboard.press("0")
    assert changed(canvas, closer) != closer
    assert page.url.endswith(seeded.pictures["model"] if where == "page" else seeded.jobs["model"]), "arrows did not leave the model"


def changed(canvas: Locator, before: bytes) -> bytes:
    """What it looks like once it looks different from `before`."""
    seen = [before]

    def is_another() -> bool:
        seen.append(look(canvas))
        return seen[-1] != before

    eventually(canvas.page, is_another)
    return seen[-1]


def test_a_model_turns_by_itself_until_somebody_takes_it_in_hand(ana, seeded) -> None:
    somebody = ana()
    somebody.context.add_init_script("const later = setTimeout; window.setTimeout = (act, ms) => ms === 5000 ? 0 : later(act, ms)")
    page = somebody.go(seeded.pictures["model"])
    view = page.locator("model-view[data-state=shown]")
    expect(view).to_be_visible()
    turner = view.get_by_role("button", name="Turn by itself")
    expect(turner).to_have_attribute("aria-pressed", "true")
    canvas = view.locator("canvas")
    changed(canvas, look(canvas))
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(turner).to_have_attribute("aria-pressed", "false")


def test_a_model_taken_out_of_a_page_and_put_back_is_shown_anew(ana, seeded) -> None:
    """At once, when the first is still on its way, and once more when it is there."""
    page = ana(reduced_motion="reduce").go(seeded.pictures["model"])
    view = page.locator("model-view")
    for _ in range(2):
        view.evaluate("view => { const place = view.parentNode; view.remove(); place.append(view); }")
        assert colours(stand_still(page)) > 300
        expect(view.locator("canvas")).to_have_count(1)
        expect(view.get_by_role("group", name="View")).to_have_count(1)


def test_whoever_asked_for_less_motion_gets_a_model_that_stands_still(ana, seeded) -> None:
    page = ana(reduced_motion="reduce").go(seeded.pictures["model"])
    expect(page.locator("model-view[data-state=shown]")).to_be_visible()
    expect(page.get_by_role("button", name="Turn by itself")).to_have_attribute("aria-pressed", "false")


def test_a_browser_without_3d_keeps_the_poster_and_says_so(ana, seeded) -> None:
    somebody = ana()
    somebody.context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page = somebody.go(seeded.pictures["model"])
    expect(page.get_by_role("alert").first).to_have_text("This browser does not draw in 3D. Download the model to look at it elsewhere.")
    expect(page.locator("model-view img")).to_be_visible()
    somebody.complaints[:] = [text for text in somebody.complaints if "WebGL" not in text]


def test_a_model_comes_to_rest_and_is_drawn_no_more_until_somebody_turns_it(ana, seeded) -> None:
    somebody = ana(reduced_motion="no-preference")
    page = somebody.go(seeded.pictures["model"])
    turning = page.get_by_role("button", name="Turn by itself")
    expect(turning).to_have_attribute("aria-pressed", "false")  # by itself, after a few seconds
    page.wait_for_function("""() => new Promise((done) => {
      const { scene } = document.querySelector("model-view"), render = scene.renderer.render;
      let frames = 0;
      scene.renderer.render = (...all) => { frames += 1; render.apply(scene.renderer, all); };
      setTimeout(() => { scene.renderer.render = render; done(frames === 0); }, 500);
    })""")
    page.locator("model-view canvas").press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('model-view').scene.frame === 0")


def test_a_model_that_is_gone_is_said_to_be(ana, seeded) -> None:
    somebody = ana()
    somebody.page.route("**/original", lambda route: route.fulfill(status=404))
    page = somebody.go(seeded.pictures["model"])
    expect(page.locator("model-view [role=alert]")).to_have_text("The model could not be loaded. Reload the page, or download the model.")


def test_only_a_page_with_a_model_fetches_the_viewer(ana, seeded) -> None:
    somebody = ana()
    fetched: list[str] = []
    somebody.context.on("request", lambda request: fetched.append(request.url))
    page = somebody.go("/library/")
    expect(page.locator(".tile")).to_have_count(4)
    page = somebody.go(seeded.pictures["sound"])
    expect(page.locator("audio-player .play")).to_be_visible()
    assert [url for url in fetched if "three" in url] == []
    somebody.go(seeded.pictures["model"])
    expect(page.locator("model-view[data-state=shown]")).to_be_visible()
    assert [url for url in fetched if "three.module" in url]


def position(page: Page) -> float:
    return page.locator("audio-player audio").evaluate("audio => audio.currentTime")


@pytest.mark.parametrize("where", ["page", "stage"])
def test_a_sound_is_played_and_sought(ana, seeded, where) -> None:
    page = ana().go(seeded.pictures["sound"] if where == "page" else seeded.jobs["sound"])
    player = page.locator("audio-player")
    wave = player.get_by_role("slider", name="Position")
    expect(wave).to_have_attribute("aria-valuemax", "47")
    expect(wave).to_have_attribute("aria-valuetext", "0:00 of 0:47")
    player.get_by_role("button", name="Play").click()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    page.wait_for_function("() => document.querySelector('audio-player audio').currentTime > 0.2")
    player.get_by_role("button", name="Pause").click()

    width = wave.bounding_box()["width"]
    wave.click(position={"x": width / 2, "y": 20})
    page.wait_for_function("() => !document.querySelector('audio-player audio').seeking")
    assert abs(position(page) - 23.5) < 0.3
    expect(wave).to_have_attribute("aria-valuetext", "0:23 of 0:47")

    wave.press("ArrowRight")
    assert abs(position(page) - 28.5) < 0.3
    wave.press("Home")
    assert position(page) == 0
    wave.press("End")
    assert position(page) > 46.5
    wave.press("Home")
    wave.press("Space")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    assert page.url.endswith(seeded.pictures["sound"] if where == "page" else seeded.jobs["sound"]), "arrows did not leave the sound"


def test_a_click_on_the_strip_brings_the_other_sound(ana, seeded) -> None:
    page = ana().go(seeded.jobs["sounds"])
    player = page.locator("#stage audio-player")
    first = player.get_attribute("id")
    page.get_by_role("link", name="Sound 2 of 2").click()
    expect(player).not_to_have_id(first)
    expect(player.get_by_role("button", name="Play")).to_be_visible()
    expect(player).to_have_count(1)


def test_without_script_it_is_the_browsers_own_player(ana, seeded) -> None:
    page = ana(java_script_enabled=False).go(seeded.pictures["sound"])
    expect(page.locator("audio[controls]")).to_be_visible()
    page.goto(page.url.replace(seeded.pictures["sound"], seeded.pictures["model"]))
    expect(page.locator("model-view img")).to_be_visible()


def test_a_tile_says_what_its_picture_cannot(ana, seeded) -> None:
    page = ana().go("/library/")
    expect(page.locator(".tile .badge")).to_have_text(["0:04", "0:04", "0:47", "3D"])
    expect(page.get_by_alt_text("Sound, 0:47: a slow melody on a plucked string, rain on a tin roof")).to_be_visible()
    expect(page.get_by_alt_text("3D model: 3D, Stable Fast 3D")).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("what", ["model", "sound"])
def test_everybody_can_use_them(ana, seeded, what, width, theme) -> None:
    """On their page and on the stage: no serious violation of WCAG, nothing wider than the screen."""
    person = ana(viewport={"width": width, "height": 844}, color_scheme=theme, reduced_motion="reduce")
    for address in (seeded.pictures[what], seeded.jobs[what]):
        page = person.go(address)
        expect(page.locator("model-view[data-state=shown], audio-player .play").first).to_be_visible()
        page.evaluate(AXE)
        assert page.evaluate(RULES) == []
        assert page.evaluate(OVERHANG) == 0
        assert page.evaluate(LANDMARK) is True
