"""What a newcomer gets: from an empty data folder to a picture in the library, watched in a real browser."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.held import HOLD
from tests.browser.running import RunningStudio, eventually

FROM_NOTHING = True
"""The studio prepares its empty data folder itself, as at a newcomer's."""
ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.browser.held_settings"}
ASK = """
() => new Promise((resolve) => {
  const asks = document.querySelector("#stage [data-poll]");
  document.addEventListener("htmx:finally:request", ({ detail }) => {
    if (detail.ctx.sourceElement === asks) resolve({ answer: detail.ctx.text, shown: document.querySelector("#stage .veil").textContent });
  });
  htmx.trigger(asks, "poll", {}, false);
})
"""
"""Have the stage ask for its job: the answer, and what is shown right after it."""
MANY = {"num_images": "8", "num_inference_steps": "10"}


@pytest.fixture
def owner(person, studio):
    """The owner, signed in, on Create; made by the first test that asks, signed in again by the others."""
    one = person()
    if not studio.rows("SELECT 1 FROM accounts_user LIMIT 1"):
        one.arrive("Ana Marques")
    else:
        page = one.go("/accounts/login/")
        page.get_by_label("Email").fill("ana@harbour.example")
        page.get_by_label("Password", exact=True).fill("a long enough password")
        page.keyboard.press("Enter")
        page.wait_for_url("**/create/**")
    return one


def newest_job(studio: RunningStudio) -> tuple[str, str, int]:
    """Id, state and attempt."""
    return studio.rows("SELECT id, status, attempt FROM generation_job ORDER BY id DESC LIMIT 1")[0]


def wait_until_running(person, studio: RunningStudio) -> str:
    """The id of the newest job once its steps are counted on the page."""
    expect(person.page.locator("#stage .veil")).to_contain_text("step")
    return newest_job(studio)[0]


@contextmanager
def held(studio: RunningStudio) -> Iterator[None]:
    """Runs that begin here stay in the middle until the end of it."""
    file = studio.data_dir / HOLD
    file.touch()
    try:
        yield
    finally:
        file.unlink()


def charges(studio: RunningStudio, job: str) -> list[tuple[str, int]]:
    return studio.rows("SELECT kind, amount FROM billing_ledgerentry WHERE reference = ? ORDER BY id", f"job:{_dashed(job)}")


def _dashed(hex_id: str) -> str:
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", hex_id)


def test_words_that_storybook_cannot_read_get_a_quiet_hint(owner):
    page = owner.page
    prompt, hint = page.locator("#panel textarea[name=prompt]"), page.locator("#panel [data-english-only]")
    prompt.fill("лодка на море")
    expect(hint).to_have_text("Storybook understands English only: for these words it draws something else.")
    page.reload()
    expect(prompt).to_have_value("лодка на море")
    expect(hint).to_be_visible()
    prompt.fill("a boat called Лодка")
    expect(hint).to_be_hidden()


def test_the_first_picture(owner, studio):
    page = owner.page
    before = float(owner.balance())
    expect(page.locator("#generate")).to_contain_text("1 credit")
    previews = set()
    page.expose_function("sawPreview", lambda src: previews.add(src))
    page.evaluate(
        "new MutationObserver(() => { const i = document.querySelector('#stage img.shown');"
        " if (i && i.src.includes('/preview/')) sawPreview(i.src) }).observe(document.getElementById('stage').parentNode,"
        " {subtree: true, childList: true, attributes: true})"
    )
    owner.generate("a red sailboat on the sea at sunset, watercolor", num_inference_steps="40")
    done = page.locator("#stage .stage-job[data-status=succeeded]")
    expect(done).to_be_visible()
    assert previews, "the picture was seen before it was finished"
    picture = page.locator("#stage img.shown")
    expect(picture).to_have_attribute("src", re.compile(r"/pictures/.+/large"))
    assert picture.evaluate("i => i.decode().then(() => i.naturalWidth)") == 512
    expect(page.locator("#balance .num")).to_have_text(f"{before - 1:g}")
    expect(page.locator("#feed .job").first).to_contain_text("charged 1")

    owner.go("/library/")
    page.locator("a[href*='/pictures/']").first.click()
    facts = page.locator("main")
    for text in ("a red sailboat on the sea at sunset, watercolor", "Storybook", "512 × 512", "Seed", "charged 1"):
        expect(facts).to_contain_text(text)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    info = Image.open(download.value.path()).info
    assert info["parameters"].startswith("a red sailboat on the sea at sunset, watercolor\n")
    assert "trainedAlgorithmicMedia" in info["XML:com.adobe.xmp"]


def test_a_model_of_ones_own_draws_at_a_free_size(owner):
    page = owner.go("/create/?engine=own")
    expect(page.locator("#panel [data-shapes] label")).to_have_count(5)
    page.locator("#panel label:has([value='128x128'])").click()
    page.locator("#panel [name=height]").fill("96")
    owner.generate("a lighthouse at night", num_inference_steps="4")
    expect(page.locator("#stage img.shown[alt='a lighthouse at night']")).to_be_visible()
    size = page.locator("#stage img.shown").evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])")
    assert size == [128, 96]


def test_reload_in_the_middle(owner, studio):
    with held(studio):
        owner.generate("a castle under the northern lights", **MANY)
        job = wait_until_running(owner, studio)
        owner.page.reload()
        expect(owner.page.locator("#stage .veil")).to_contain_text("step")
    expect(owner.page.locator("#stage .stage-job[data-status=succeeded]")).to_be_visible()
    expect(owner.page.locator("#stage .strip a")).to_have_count(8)
    assert [kind for kind, _ in charges(studio, job)] == ["hold", "capture"]


def test_an_answer_that_was_read_before_a_step_does_not_take_it_back(owner, studio):
    """The row is behind what the socket tells, and an answer takes its time: the page would say "Being made" until the next step."""
    with held(studio):
        owner.generate("a lighthouse in the rain", **MANY)
        job = wait_until_running(owner, studio)
        for _ in range(100):  # the worker writes the step into the row once a second
            with closing(sqlite3.connect(studio.data_dir / "studio.sqlite3", timeout=60)) as connection, connection:
                connection.execute("UPDATE generation_job SET step = 0 WHERE id = ?", (job,))
            said = owner.page.evaluate(ASK)
            if "Being made" in said["answer"]:
                break
        assert "Being made" in said["answer"]
        assert "step" in said["shown"]
    expect(owner.page.locator("#stage .stage-job[data-status=succeeded]")).to_be_visible()


def test_a_second_tab_sees_the_progress_and_the_end(owner, studio):
    other = owner.context.new_page()
    other.goto(studio.url + "/create/")
    owner.page.bring_to_front()
    with held(studio):
        owner.generate("a yellow robot in the desert, pixel art", **MANY)
        wait_until_running(owner, studio)
        other.bring_to_front()
        card = other.locator("#feed .job").first
        expect(card).to_have_attribute("data-status", "running")
    expect(card).to_have_attribute("data-status", "succeeded")
    expect(card.locator(".thumbs img")).to_have_count(8)


def test_stop_costs_nothing(owner, studio):
    before = owner.balance()
    with held(studio):
        owner.generate("a dog in the forest", **MANY)
        job = wait_until_running(owner, studio)
        owner.page.locator("#stage").get_by_role("button", name="Stop").click()
        expect(owner.page.locator("#stage .tools")).to_contain_text("Stopping…")
    expect(owner.page.locator("#stage .stage-job[data-status=canceled]")).to_be_visible()
    expect(owner.page.locator("#balance .num")).to_have_text(before)
    assert [kind for kind, _ in charges(studio, job)] == ["hold", "void"]


def test_a_double_click_is_one_job(owner, studio):
    [(before,)] = studio.rows("SELECT count(*) FROM generation_job")
    owner.page.locator("#panel textarea[name=prompt]").fill("a cat")
    owner.page.locator("#generate").dblclick()
    expect(owner.page.locator("#stage .stage-job[data-status=succeeded]")).to_be_visible()
    assert studio.rows("SELECT count(*) FROM generation_job") == [(before + 1,)]


def test_somebody_else_sees_nothing(owner, person, studio):
    [(artifact,)] = studio.rows("SELECT id FROM generation_artifact ORDER BY id LIMIT 1")
    other = person()
    page = other.arrive("Mallory Stranger")
    assert page.locator("#feed .job").count() == 0
    other.go("/library/")
    assert page.locator("a[href*='/pictures/0']").count() == 0
    for path in ("", "original", "large", "thumb", "download/"):
        answer = page.request.get(f"{studio.url}/pictures/{_dashed(artifact)}/{path}")
        assert answer.status == 404, path


def test_with_the_keyboard_alone(owner, studio):
    page = owner.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").strip().startswith("Skip")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "prompt":
            break
    page.keyboard.press("Control+a")
    page.keyboard.type("a blue house in the forest at night, neon")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#feed .job").first).to_contain_text("a blue house in the forest")
    expect(page.locator("#stage .stage-job[data-status=succeeded]")).to_be_visible()


def test_a_text_file_named_png_is_refused_and_nothing_is_lost(owner, studio):
    page = owner.go("/create/?mode=image-to-image")
    page.locator("#panel textarea[name=prompt]").fill("keep these words")
    page.locator("#panel input[type=file]").first.set_input_files({"name": "trick.png", "mimeType": "image/png", "buffer": b"only text"})
    expect(page.locator("#panel")).to_contain_text("not a picture we can read")
    assert page.locator("#panel textarea[name=prompt]").input_value() == "keep these words"


def test_inpainting_leaves_everything_outside_the_mask_alone(owner, studio):
    """Painted with the mouse on a real picture: what was not painted over is the same to the last bit."""
    page = owner.go("/create/")
    owner.generate("a green tree on the hills, sunny day")
    expect(page.locator("#stage img.shown[alt='a green tree on the hills, sunny day']")).to_be_visible()
    page.locator("#stage [data-use=mask]").click()
    canvas = page.locator("mask-painter:not([aria-busy]) canvas").last
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=10)
    page.mouse.up()
    page.locator("#panel textarea[name=prompt]").fill("a red house on the hills, sunny day")
    page.locator("#panel textarea[name=prompt]").press("Control+Enter")
    eventually(page, lambda: newest(studio)[:2] == ("inpainting", "succeeded"))
    _, _, before, after, mask = newest(studio)
    media = studio.data_dir / "media"
    old, new, painted = (Image.open(io.BytesIO((media / name).read_bytes())) for name in (before, after, mask))
    assert old.size == new.size == painted.size == (512, 512)
    pixels = list(zip(*(flat(*one) for one in ((old, "RGB"), (new, "RGB"), (painted, "L"))), strict=True))
    assert all(a == b for a, b, m in pixels if m == 0)
    inside = [(a, b) for a, b, m in pixels if m == 255]
    assert len(inside) > 500
    assert sum(a != b for a, b in inside) > len(inside) / 2


def flat(image: Image.Image, mode: str) -> tuple:
    return image.convert(mode).get_flattened_data()


def newest(studio: RunningStudio) -> tuple[str, str, str, str, str]:
    """Mode, state, input file, output file and mask file of the newest job."""
    row = studio.rows(
        "SELECT j.mode, j.status, i.file, a.id, m.file FROM generation_job j LEFT JOIN generation_inputfile i ON i.id = j.image_id"
        " LEFT JOIN generation_inputfile m ON m.id = j.mask_image_id LEFT JOIN generation_artifact a ON a.job_id = j.id"
        " ORDER BY j.id DESC LIMIT 1"
    )[0]
    mode, status, image, artifact, mask = row
    return mode, status, image, f"artifacts/{artifact[-2:]}/{_dashed(artifact)}/original.png" if artifact else "", mask


@pytest.mark.parametrize("victim", [("worker", "diffusers"), ("web",), ()], ids=["worker", "web", "everything"])
def test_kill_9_in_the_middle(owner, studio, victim):
    """The job finishes all the same and is charged once, whoever was killed."""
    with held(studio):
        owner.generate(f"a windmill in the hills {len(victim)}", **MANY)
        job = wait_until_running(owner, studio)
        studio.kill(*victim)
    if not victim:
        studio.start()
        owner.go("/create/")
    # Until a new worker has the model, and the whole run is done again.
    eventually(owner.page, lambda: newest_job(studio)[:2] == (job, "succeeded"), seconds=300)
    attempts = newest_job(studio)[2]
    assert attempts == (1 if victim == ("web",) else 2)
    assert [kind for kind, _ in charges(studio, job)] == ["hold", "capture"]
    assert studio.rows("SELECT count(*) FROM generation_artifact WHERE job_id = ?", job) == [(8,)]
    expect(owner.page.locator(f"#job-{_dashed(job)}")).to_have_attribute("data-status", "succeeded")
    studio.assert_the_ledger_agrees()
