"""Create in a real browser: what a person types, paints and drops survives, and what the keyboard can do.

On the null engine, so that it is quick.
"""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Page, Response, expect

from tests.browser.conftest import NULL_ENGINE
from tests.browser.running import RunningStudio, eventually, intercept

ENVIRONMENT = NULL_ENGINE

DONE = "#stage .stage-job[data-status=succeeded]"
DROP = """([selector, data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type }));
  const target = document.querySelector(selector);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
  }
}"""


@pytest.fixture
def ana(person, signed_in):
    """Ana on Create."""
    one = person(has_touch=True, storage_state=signed_in)
    one.go("/create/")
    return one


def sign_in(page: Page) -> None:
    page.get_by_label("Email").fill("ana@harbour.example")
    page.get_by_label("Password", exact=True).fill("a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url("**/create/**")


def picture(colour: str = "#336699", size: tuple[int, int] = (200, 120), **texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def drop(page: Page, data: bytes, selector: str = "#stage", name: str = "dropped.png", kind: str = "image/png") -> None:
    page.evaluate(DROP, [selector, base64.b64encode(data).decode(), name, kind])


def jobs(studio: RunningStudio) -> int:
    return studio.rows("SELECT count(*) FROM generation_job")[0][0]


def prompt(page: Page) -> Any:
    return page.locator("#panel textarea[name=prompt]")


def paint_on(page: Page, size: tuple[int, int] = (200, 120)) -> Any:
    """The canvas of the mask painter over a picture of this size."""
    page.locator("#mode-inpainting").click()
    page.locator("#panel input[type=file]").first.set_input_files(
        {"name": "sea.png", "mimeType": "image/png", "buffer": picture(size=size)}
    )
    canvas = page.locator("mask-painter canvas")
    expect(page.locator("mask-painter:not([aria-busy]) canvas")).to_be_visible()
    return canvas


def uploaded_mask(page: Page, studio: RunningStudio, after: str = "") -> Image.Image:
    """The mask as the studio keeps it, once another than `after` has arrived."""
    field = page.locator("#panel [name=mask_image]")
    eventually(page, lambda: field.input_value() not in ("", after))
    [(path,)] = studio.rows("SELECT file FROM generation_inputfile WHERE id = ?", field.input_value().replace("-", ""))
    return Image.open(studio.data_dir / "media" / path)


# --- the press on Generate --------------------------------------------------------------------------------------------


def test_the_price_follows_the_panel(ana):
    page = ana.page
    expect(page.locator("#generate")).to_contain_text("1 credit")
    page.locator("#panel label:has([name=num_images][value='4'])").click()
    expect(page.locator("#generate")).to_contain_text("4 credits")
    expect(page.locator("#price")).to_contain_text("4 pictures × 1 credit")
    before = float(ana.balance())
    expect(page.locator("#price")).to_contain_text(f"leaves {before - 4:g}")
    ana.generate("four test cards", num_images="4")
    expect(page.locator(DONE)).to_be_visible()
    expect(page.locator("#price")).to_contain_text(f"leaves {before - 8:g}")


def test_another_prompt_while_the_first_is_on_its_way_is_another_job(ana, studio):
    page, before = ana.page, jobs(studio)
    intercept(page, "**/create/", lambda route: page.wait_for_timeout(300) or route.continue_())
    page.evaluate("performance.now = () => 1000")
    prompt(page).fill("the first")
    page.locator("#generate").click()
    prompt(page).fill("the second")
    page.locator("#generate").click()
    page.locator("#generate").click()
    expect(page.locator("#feed .job", has_text="the first")).to_have_attribute("data-status", "succeeded")
    expect(page.locator("#feed .job", has_text="the second")).to_have_attribute("data-status", "succeeded")
    assert jobs(studio) == before + 2


def test_an_empty_prompt_is_refused_beside_the_field_and_nothing_is_charged(ana, studio):
    page, before, credits = ana.page, jobs(studio), ana.balance()
    page.locator("#panel [name=seed]").fill("7")
    page.locator("#generate").click()
    expect(page.locator("#panel .field:has([name=prompt]) .errorlist")).to_have_text("Write what the picture should show.")
    expect(prompt(page)).to_be_focused()
    expect(page.locator("#panel [name=seed]")).to_have_value("7")
    assert (jobs(studio), ana.balance()) == (before, credits)
    prompt(page).press_sequentially("a")
    expect(page.locator("#panel .errorlist")).to_have_count(0)


def test_a_letter_by_itself_leads_nowhere_right_after_a_page_came(ana, studio):
    """Seen: in the first 1.2 s of each page "t" went to the templates, as if "g" had been pressed at the moment it came."""
    page, been = ana.page, []
    page.evaluate("Object.defineProperty(Event.prototype, 'timeStamp', { get: () => 100 })")
    page.on("framenavigated", lambda frame: "/create/" in frame.url or been.append(frame.url))
    page.locator("body").press("t")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/wallet/")
    assert been == [f"{studio.url}/wallet/"]


# --- nothing that was typed is lost -------------------------------------------------------------------------------------


def test_a_long_prompt_survives_a_change_of_mode_and_a_reload(ana):
    page, text = ana.page, "🛶 قارب أحمر " + "x" * 9000
    prompt(page).fill(text)
    page.locator("#mode-image-to-image").click()
    expect(page.locator("#panel [name=mode]")).to_have_value("image-to-image")
    expect(prompt(page)).to_have_value(text)
    page.locator("#panel label:has([name=num_images][value='2'])").click()
    expect(page.locator("#generate")).to_contain_text("2 credits")
    page.reload()
    expect(page.locator("#panel [name=mode]")).to_have_value("image-to-image")
    expect(prompt(page)).to_have_value(text)
    expect(page.locator("#panel [name=num_images]:checked")).to_have_value("2")
    expect(page.locator("#generate")).to_contain_text("2 credits")
    page.locator("#mode-text-to-image").click()
    expect(page.locator("#panel [name=mode]")).to_have_value("text-to-image")
    page.reload()  # what needs no other panel is filled in before htmx has taken this one in hand
    expect(page.locator("#generate")).to_contain_text("2 credits")


def is_press(answer: Response) -> bool:
    """Whether this is the studio's answer to a press on Generate."""
    return answer.request.method == "POST" and answer.url.endswith("/create/")


def test_the_same_pressed_several_times_in_a_moment_is_one_job(ana, studio):
    page, before = ana.page, jobs(studio)
    prompt(page).fill("pressed three times")
    page.evaluate("performance.now = () => 1000")
    with page.expect_response(is_press):  # with the next key
        prompt(page).press("Control+Enter")
    expect(page.locator("#feed .job").first).to_contain_text("pressed three times")
    repeat = "new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, repeat: true, bubbles: true})"
    held = f"() => document.activeElement.dispatchEvent({repeat})"
    with page.expect_response(is_press) as other:
        prompt(page).press("Control+Enter")
        page.evaluate(held)
        prompt(page).fill("something else")
        prompt(page).press("Control+Enter")
    assert "something else" in other.value.request.post_data_buffer.decode().replace("+", " ")
    page.evaluate(held)
    expect(page.locator("#feed .job").first).to_contain_text("something else")
    assert jobs(studio) == before + 2


def test_a_session_that_ends_in_the_middle_costs_no_word(ana, studio):
    page, before = ana.page, jobs(studio)
    prompt(page).fill("typed before the session ended")
    ana.context.clear_cookies(name="sessionid")
    prompt(page).press("Control+Enter")
    page.wait_for_url("**/accounts/login/**")
    sign_in(page)
    expect(prompt(page)).to_have_value("typed before the session ended")
    assert jobs(studio) == before
    prompt(page).press("Control+Enter")
    expect(page.locator("#feed .job").first).to_contain_text("typed before the session ended")


def test_a_studio_that_cannot_be_reached_says_so_and_keeps_what_was_typed(ana, studio):
    page, before = ana.page, jobs(studio)
    prompt(page).fill("while the line is down")
    intercept(page, "**/create/", lambda route: route.abort("connectionrefused") if route.request.method == "POST" else route.continue_())
    prompt(page).press("Control+Enter")
    expect(page.locator("#toasts [role=alert]")).to_contain_text("The studio cannot be reached. What you typed is still here.")
    expect(prompt(page)).to_have_value("while the line is down")
    assert jobs(studio) == before
    page.unroute("**/create/")
    prompt(page).press("Control+Enter")
    expect(page.locator("#feed .job").first).to_contain_text("while the line is down")
    ana.complaints[:] = [text for text in ana.complaints if "Failed to fetch" not in text]


def test_somebody_else_in_the_same_tab_does_not_find_the_draft(person, signed_in):
    ana = person()
    page = ana.go("/accounts/login/")
    sign_in(page)
    prompt(page).fill("a secret of Ana's")
    page.locator("details.menu summary.avatar").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")
    ana.arrive("Bob Tailor")
    expect(prompt(page)).to_have_value("")


def test_a_draft_that_comes_back_late_does_not_write_over_what_is_typed_now(ana):
    page = ana.go("/create/?mode=image-to-image")
    prompt(page).fill("words of before")
    page.goto(ana.studio.url + "/library/")
    asked, held = [], []

    def hold(route):
        asked.append(route.request.url)
        held.append(route)

    page.route("**/create/form/**", hold)
    page.goto(ana.studio.url + "/create/")
    eventually(page, lambda: held)
    prompt(page).fill("words of now")
    with page.expect_response("**/create/form/**"):
        held[0].continue_()
    page.unroute("**/create/form/**")
    expect(prompt(page)).to_have_value("words of now")
    expect(page.locator("#panel [name=mode]")).to_have_value("text-to-image")


# --- the stage ------------------------------------------------------------------------------------------------------------


def test_the_choice_in_the_strip_survives_a_lost_socket_and_the_arrows_walk(ana):
    page = ana.page
    ana.generate("a batch of four", num_images="4")
    expect(page.locator("#stage .strip a")).to_have_count(4)
    page.locator("#stage .strip a").nth(2).click()
    chosen = page.locator("#stage .strip [aria-current]")
    expect(chosen).to_have_attribute("aria-label", "Picture 3 of 4")
    page.locator("#recent").click()
    page.keyboard.press("ArrowRight")
    expect(chosen).to_have_attribute("aria-label", "Picture 4 of 4")
    page.evaluate(
        "document.documentElement.removeAttribute('data-live'); document.getElementById('live')._htmx.ws.connection.socket.close()"
    )
    expect(page.locator("html[data-live=on]")).to_have_count(1)
    expect(chosen).to_have_attribute("aria-label", "Picture 4 of 4")


def test_use_all_remix_and_use_seed(ana):
    page = ana.page
    ana.generate("settings to come back to", seed="4242", num_images="2")
    expect(page.locator(f"{DONE}[data-seed='4242']")).to_be_visible()
    prompt(page).fill("something else")
    page.locator("#stage [data-use=seed]").click()
    expect(page.locator("#panel [name=seed]")).to_have_value("4242")
    expect(prompt(page)).to_have_value("something else")
    page.locator("#stage [data-use=remix]").click()
    expect(prompt(page)).to_have_value("settings to come back to")
    expect(page.locator("#panel [name=seed]")).to_have_value("")
    page.locator("#recent").click()
    page.keyboard.press("a")
    expect(page.locator("#panel [name=seed]")).to_have_value("4242")


def test_a_finished_job_is_told_to_a_screen_reader(ana):
    ana.generate("something to hear of")
    expect(ana.page.locator("#announce")).to_contain_text(re.compile(r"Done.*charged 1.*something to hear of"))


def test_without_script_every_step_works(browser, ana, studio):
    context = browser.new_context(java_script_enabled=False, storage_state=ana.context.storage_state())
    page = context.new_page()
    page.goto(studio.url + "/create/")
    page.locator("#mode-text-to-image").click()
    prompt(page).fill("made without script")
    page.locator("#generate").click()
    page.wait_for_url("**/create/?job=*")
    eventually(page, lambda: page.reload() and page.locator(DONE).count() == 1)
    page.locator("#stage [data-use=all]").click()
    expect(prompt(page)).to_have_value("made without script")
    context.close()


# --- pictures that come in --------------------------------------------------------------------------------------------------


def test_a_dropped_picture_with_settings_asks_what_it_is_for(ana):
    page = ana.page
    made = picture(parameters="a pink castle\nSteps: 12, Seed: 99, Size: 640x384, Model: Storybook")
    drop(page, made)
    dialog = page.locator("dialog#dropped")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Use its settings").click()
    expect(prompt(page)).to_have_value("a pink castle")
    expect(page.locator("#panel [name=seed]")).to_have_value("99")
    expect(page.locator("#panel [name=size]:checked")).to_have_value("640x384")
    drop(page, made)
    dialog.get_by_role("button", name="Start from the picture").click()
    expect(page.locator("#panel [name=mode]")).to_have_value("image-to-image")
    expect(page.locator("#panel .input-frame img")).to_have_js_property("naturalWidth", 200)
    expect(prompt(page)).to_have_value("a pink castle")


def test_a_dropped_picture_without_settings_is_what_to_start_from(ana):
    page = ana.page
    drop(page, picture())
    expect(page.locator("#panel [name=mode]")).to_have_value("image-to-image")
    expect(page.locator("#panel .slot")).to_contain_text("200 × 120 pixels")
    page.get_by_role("link", name="Remove").click()
    expect(page.locator("#panel input[type=file]")).to_have_count(1)


def test_what_is_no_picture_is_refused_in_words(ana):
    page = ana.page
    page.locator("#mode-image-to-image").click()
    expect(page.locator("#panel input[type=file]")).to_have_count(1)
    drop(page, b"a letter", name="letter.txt", kind="text/plain")
    expect(page.locator("#panel [data-upload-error]")).to_contain_text("“letter.txt” is not a picture.")
    drop(page, b"\x89PNG nonsense", selector="#panel [data-slot]")
    expect(page.locator("#panel [data-upload-error]")).to_contain_text("not a picture we can read")


def test_a_job_whose_picture_is_gone_leads_to_another_picture(ana, studio):
    page = ana.page
    drop(page, picture())
    expect(page.locator("#panel .input-frame img")).to_have_js_property("naturalWidth", 200)
    [(path,)] = studio.rows("SELECT file FROM generation_inputfile ORDER BY id DESC LIMIT 1")
    (studio.data_dir / "media" / path).unlink()
    ana.generate("on a picture that is gone", seed="77")
    expect(page.locator("#stage .stage-job[data-status=failed]")).to_contain_text("A file that this starts from is gone.")
    page.locator("#mode-text-to-image").click()
    prompt(page).fill("something else")
    page.locator("#stage").get_by_role("link", name="Choose a picture").click()
    expect(page.locator("#panel .drop")).to_be_in_viewport()
    expect(prompt(page)).to_have_value("on a picture that is gone")
    expect(page.locator("#panel [name=seed]")).to_have_value("77")
    expect(page.locator("#feed .job").first.get_by_role("link", name="Choose a picture")).to_be_visible()


# --- the mask painter --------------------------------------------------------------------------------------------------------


def test_painting_with_the_keyboard(ana, studio):
    page = ana.page
    canvas = paint_on(page)
    canvas.focus()
    page.keyboard.down(" ")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.up(" ")
    expect(page.locator("#announce")).to_contain_text(re.compile(r"Painted\. \d+ % of the picture changes\."))
    mask = uploaded_mask(page, studio).convert("L")
    assert mask.size == (200, 120)
    assert (mask.getpixel((100, 60)), mask.getpixel((10, 60)), mask.getpixel((100, 110))) == (255, 0, 0)
    first = page.locator("#panel [name=mask_image]").input_value()
    page.keyboard.press("Control+z")
    expect(page.locator("#announce")).to_contain_text("Undone. 0 % of the picture changes.")
    eventually(page, lambda: page.locator("#panel [name=mask_image]").input_value() == "")
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("i")
    expect(page.locator("#announce")).to_contain_text("Swapped.")
    mask = uploaded_mask(page, studio, after=first).convert("L")
    assert (mask.getpixel((100, 60)), mask.getpixel((10, 60))) == (0, 255)


def test_the_eraser_the_size_and_the_feather(ana, studio):
    page = ana.page
    canvas = paint_on(page, size=(400, 400))
    tools = page.locator("mask-painter")
    canvas.focus()
    page.keyboard.press("i")
    uploaded_mask(page, studio)  # the swap is kept
    swapped = page.locator("#panel [name=mask_image]").input_value()
    page.keyboard.press("e")
    expect(tools.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "true")
    size = tools.locator("output").first.inner_text()
    page.keyboard.press("]")
    assert int(tools.locator("output").first.inner_text().split()[0]) > int(size.split()[0])
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    sharp = uploaded_mask(page, studio, after=swapped).convert("L")
    assert sharp.getpixel((200, 200)) == 0
    assert {value for _, value in sharp.getcolors()} - set(range(1, 255)) == {0, 255}
    before = page.locator("#panel [name=mask_image]").input_value()
    feather = tools.get_by_label("Feather")
    feather.fill("40")
    soft = uploaded_mask(page, studio, after=before).convert("L")
    assert len(soft.getcolors()) > len(sharp.getcolors()) + 20


def test_a_finger_paints_and_a_reload_brings_the_mask_back(ana, studio):
    page = ana.page
    canvas = paint_on(page, size=(300, 300))
    box = canvas.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    mask = uploaded_mask(page, studio).convert("L")
    assert (mask.getpixel((75, 75)), mask.getpixel((225, 225))) == (255, 0)
    kept = page.locator("#panel [name=mask_image]").input_value()
    page.reload()
    expect(page.locator("#panel [name=mask_image]")).to_have_value(kept)
    alpha = "c => c.getContext('2d').getImageData(c.width / 4, c.height / 4, 1, 1).data[3]"
    eventually(page, lambda: page.locator("mask-painter canvas").count() == 1 and page.locator("mask-painter canvas").evaluate(alpha) > 0)


def mask_of_the_newest_job(studio: RunningStudio) -> Image.Image:
    [(mask,)] = studio.rows(
        "SELECT m.file FROM generation_job j JOIN generation_inputfile m ON m.id = j.mask_image_id ORDER BY j.id DESC LIMIT 1"
    )
    return Image.open(studio.data_dir / "media" / mask).convert("L")


def test_generate_waits_for_the_last_stroke(ana, studio):
    page, before = ana.page, jobs(studio)
    canvas = paint_on(page)
    prompt(page).fill("a lighthouse instead")
    canvas.focus()
    page.keyboard.press(" ")
    page.keyboard.press("Control+Enter")
    eventually(page, lambda: jobs(studio) == before + 1)
    assert mask_of_the_newest_job(studio).getpixel((100, 60)) == 255


def test_generate_waits_for_strokes_that_are_on_their_way(ana, studio):
    page, before = ana.page, jobs(studio)
    canvas = paint_on(page)
    prompt(page).fill("a lighthouse instead")
    uploads: list[Any] = []
    intercept(page, "**/inputs/", lambda upload: uploads.append(upload))
    canvas.focus()
    page.keyboard.press(" ")
    eventually(page, lambda: len(uploads) == 1)  # by itself, after a moment
    page.keyboard.press("Control+Enter")
    eventually(page, lambda: len(uploads) == 2)
    assert jobs(studio) == before
    for upload in uploads:
        upload.continue_()
    eventually(page, lambda: jobs(studio) == before + 1)
    assert mask_of_the_newest_job(studio).getpixel((100, 60)) == 255


def test_strokes_that_are_not_kept_yet_outlive_a_panel_that_is_drawn_again(ana, studio):
    page, before = ana.page, jobs(studio)
    paint_on(page).focus()
    page.keyboard.press(" ")
    old = page.locator("mask-painter").element_handle()
    page.locator("#mode-inpainting").click()
    eventually(page, lambda: not old.evaluate("painter => painter.isConnected"))
    expect(page.locator("mask-painter:not([aria-busy])")).to_be_visible()
    prompt(page).fill("a lighthouse instead")
    page.keyboard.press("Control+Enter")
    eventually(page, lambda: jobs(studio) == before + 1)
    assert mask_of_the_newest_job(studio).getpixel((100, 60)) == 255


# --- the look -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/create/", "/library/", "/wallet/", "/account/"])
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_hangs_out_at_the_side(ana, path, width):
    """320 px is what WCAG 1.4.10 asks for."""
    ana.page.set_viewport_size({"width": width, "height": 844})
    page = ana.go(path)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


def test_the_keys_are_listed_and_can_be_switched_off(ana):
    page = ana.page
    page.locator("#recent").click()
    page.keyboard.press("?")
    dialog = page.locator("dialog#hotkeys")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Keys without Ctrl").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
