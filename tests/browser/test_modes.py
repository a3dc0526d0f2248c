"""Many modes and many slots in a real browser: the Stability catalogue on Create, against the stand-in."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.running import RunningStudio, intercept
from tests.browser.test_create_page import DROP, jobs
from tests.stability_server.media.mp3 import tune
from tests.stability_server.standin import StandIn

DONE = "#stage .stage-job[data-status=succeeded]"
FAILED = "#stage .stage-job[data-status=failed]"


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with StandIn(result_seconds=0, balance=100_000) as running:
        yield running


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, standin: StandIn) -> Iterator[RunningStudio]:
    engines = {"STUDIO_LOCAL_RUNNER": "false", "STABILITY_API_HOST": standin.url, "STABILITY_API_KEY": standin.key}
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", STUDIO_WELCOME_CREDITS="5000", **engines)
    running.start()
    running.wait_for("worker_ready")
    yield running
    assert running.stop() == 0


@pytest.fixture
def ana(person, signed_in):
    return person(storage_state=signed_in)


def picture(colour: str, size: tuple[int, int] = (160, 120)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def give(page: Page, slot: str, data: bytes, name: str = "picture.png", kind: str = "image/png") -> None:
    page.locator(f"[data-slot={slot}] input[type=file]").first.set_input_files({"name": name, "mimeType": kind, "buffer": data})


def shown(page: Page, slot: str, width: int) -> None:
    """The slot shows a picture of this width, loaded."""
    expect(page.locator(f"[data-slot={slot}] .input-frame img")).to_have_js_property("naturalWidth", width)


def choose(page: Page, mode: str) -> None:
    page.locator(".modes summary").click()
    page.locator(f"#mode-all-{mode}").click()
    expect(page.locator("#panel [name=mode]")).to_have_value(mode)


def test_all_modes_are_in_the_menu_and_the_chosen_one_is_close(ana):
    page = ana.go("/create/?mode=text-to-image&engine=stable-image-core")
    assert page.locator(".modes .segment a").all_inner_texts() == ["Text", "Image", "Inpaint", "Upscale"]
    page.locator("#panel textarea[name=prompt]").fill("a fox")
    choose(page, "search-and-replace")
    assert page.locator(".modes .segment a").all_inner_texts() == ["Text", "Image", "Inpaint", "Search and replace"]
    expect(page.locator(".modes .segment [aria-current]")).to_have_text("Search and replace")
    expect(page.locator("#panel textarea[name=prompt]")).to_have_value("a fox")
    expect(page.locator("#panel [name=search_prompt]")).to_be_visible()


def test_an_empty_stage_says_what_the_chosen_mode_makes(ana):
    page = ana.go("/create/?mode=text-to-image&engine=stable-image-core")
    title = page.locator("#stage h2")
    expect(title).to_have_text("Describe a picture")
    choose(page, "text-to-audio")
    expect(title).to_have_text("Describe the sound")
    expect(page.locator("#stage p").first).to_contain_text("hear the sound when it is made.")
    choose(page, "image-to-3d")
    expect(title).to_have_text("A model from one picture")


def test_the_menu_of_modes_is_for_the_keyboard_too(ana):
    page = ana.go("/create/?mode=text-to-image")
    page.locator(".modes summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#mode-all-text-to-image")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#mode-all-audio-inpainting")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".modes summary")).to_be_focused()
    expect(page.locator(".modes .menu-list")).to_be_hidden()


def test_engines_that_do_the_mode_come_first(ana):
    page = ana.go("/create/?mode=upscaling")
    page.locator(".engines summary").click()
    assert page.locator(".engines .menu-list > .engine-item .strong").all_inner_texts() == [
        *("Upscale, fast", "Upscale, conservative", "Upscale, creative")
    ]
    assert page.locator(".engines .menu-title").all_inner_texts() == ["Make", "Edit", "Control", "3D", "Audio"]


def test_slots_are_on_their_own(ana, standin):
    page = ana.go("/create/?mode=style-transfer")
    give(page, "style_image", picture("#aa3355", (90, 70)))
    shown(page, "style_image", 90)
    expect(page.locator("[data-slot=image] .drop")).to_be_visible()
    page.evaluate(DROP, ["[data-slot=image] .drop", base64.b64encode(picture("#336699")).decode(), "sea.png", "image/png"])
    shown(page, "image", 160)
    shown(page, "style_image", 90)
    page.locator("[data-empty-slot=style_image]").click()
    expect(page.locator("[data-slot=style_image] .drop")).to_be_visible()
    shown(page, "image", 160)
    give(page, "style_image", picture("#226644", (110, 80)))
    shown(page, "style_image", 110)
    page.locator("#generate").click()
    expect(page.locator(DONE)).to_be_visible()
    [*_, asked] = [request for request in standin.requests if request.method == "POST"]  # the balance is asked for as well
    assert {name: Image.open(io.BytesIO(data)).size for name, data in asked.files.items()} == {
        "init_image": (160, 120),
        "style_image": (110, 80),
    }


def test_two_files_that_arrive_at_once_both_stay(ana):
    page = ana.go("/create/?mode=style-transfer")
    intercept(page, "**/inputs/", lambda route: page.wait_for_timeout(200) or route.continue_())
    give(page, "image", picture("#336699"))
    give(page, "style_image", picture("#aa3355", (90, 70)))
    shown(page, "image", 160)
    shown(page, "style_image", 90)


def test_a_draft_with_files_survives_a_reload(ana):
    page = ana.go("/create/?mode=style-transfer")
    give(page, "style_image", picture("#aa3355", (90, 70)))
    shown(page, "style_image", 90)
    page.goto(ana.studio.url + "/wallet/")
    page.goto(ana.studio.url + "/create/")
    expect(page.locator("#panel [name=mode]")).to_have_value("style-transfer")
    shown(page, "style_image", 90)


def test_a_picture_of_the_library_goes_into_any_slot(ana):
    page = ana.go("/create/?mode=text-to-image&engine=stable-image-core")
    ana.generate("a lighthouse at dawn")
    expect(page.locator("#feed .job", has_text="a lighthouse at dawn")).to_have_attribute("data-status", "succeeded")
    page.goto(ana.studio.url + "/create/?mode=style-transfer")
    page.locator("[data-slot=style_image] [data-from-library]").click()
    page.locator("#from-library .choose-grid button").first.click()
    expect(page.locator("#from-library")).to_be_hidden()
    expect(page.locator("[data-slot=style_image] .input-frame img")).to_be_visible()
    expect(page.locator("[data-slot=image] .drop")).to_be_visible()


def test_a_file_of_the_wrong_kind_is_refused_at_its_slot(ana):
    page = ana.go("/create/?mode=audio-to-audio")
    give(page, "audio", picture("#336699"))
    expect(page.locator("[data-slot=audio] [data-upload-error]")).to_have_text("“picture.png” is not a sound. Choose an MP3 or WAV file.")
    give(page, "audio", tune((0, 2), 3), "short.mp3", "audio/mpeg")
    expect(page.locator("[data-slot=audio] audio")).to_be_visible()
    expect(page.locator("[data-slot=audio] [data-upload-error]")).to_contain_text("The sound must last from 6 to 190 seconds")
    give(page, "audio", tune((0, 2), 8), "tune.mp3", "audio/mpeg")
    expect(page.locator("[data-slot=audio]")).to_contain_text("0:08")
    expect(page.locator("[data-slot=audio] [data-upload-error]")).to_be_hidden()


def test_what_is_missing_is_said_beside_its_slot_and_costs_nothing(ana, studio):
    page, before = ana.go("/create/?mode=style-transfer"), jobs(studio)
    credits = ana.balance()
    page.locator("#generate").click()
    expect(page.locator("[data-slot=image] .errorlist")).to_contain_text("Choose a picture to start from")
    expect(page.locator("[data-slot=style_image] .errorlist")).to_have_text("Choose a picture: Style.")
    assert (jobs(studio), ana.balance()) == (before, credits)


def test_outpainting_shows_how_large_the_picture_becomes(ana):
    page = ana.go("/create/?mode=outpainting")
    give(page, "image", picture("#336699"))
    shown(page, "image", 160)
    page.locator("#panel [name=left]").fill("100")
    page.locator("#panel [name=down]").fill("40")
    expect(page.locator("[data-sides-size]")).to_have_text("260 × 160")
    outer, inner = (page.locator(f".sides-view .{name}") for name in ("outer", "inner"))
    assert float(inner.get_attribute("x")) > float(outer.get_attribute("x"))
    assert inner.get_attribute("y") == outer.get_attribute("y")


def test_what_the_provider_refuses_leads_back_to_the_settings(ana, standin):
    page = ana.go("/create/?mode=text-to-image&engine=stable-image-core")
    spent = standin.books.total(standin.key)
    ana.generate("unseemly boat", seed="5")
    expect(page.locator(FAILED)).to_contain_text("The content filter refused this.")
    page.locator("#panel textarea[name=prompt]").fill("something else")
    page.locator("#stage").get_by_role("link", name="Change it").click()
    expect(page.locator("#panel textarea[name=prompt]")).to_have_value("unseemly boat")
    expect(page.locator("#panel [name=seed]")).to_have_value("5")
    expect(page.locator("#panel .panel-foot [role=alert]")).to_contain_text("The content filter refused this.")
    ana.generate("a decent boat")
    expect(page.locator(DONE)).to_be_visible()
    assert standin.books.total(standin.key) == spent + 3


def test_an_engine_that_cools_down_says_so_and_goes_on(ana, standin):
    page = ana.go("/create/?mode=text-to-image&engine=stable-image-core")
    standin.faults.add("rate-limited=20", path="/v2beta/*", times=1000)  # again and again, until it was seen
    ana.generate("a boat in a hurry")
    expect(page.locator("#engine-picker .note")).to_contain_text("Stable Image Core is cooling down,")
    standin.faults.clear()
    expect(page.locator("#feed .job", has_text="a boat in a hurry")).to_have_attribute("data-status", "succeeded")
    expect(page.locator("#engine-picker .note")).to_have_count(0)
