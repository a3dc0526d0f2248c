"""Bringing files to the library in a real browser: dropped, each with its own progress and its own end, and out again without settings."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.factories import draw
from tests.generation import metadata_corpus as corpus
from tests.media import sound

FOX = draw(83, 121, seed=3)
FILES = {
    "fox.png": FOX[:33] + corpus.text("prompt", json.dumps(corpus.COMFY)) + FOX[33:],
    "a plain one.png": draw(160, 120, seed=5),
    "notes.png": b"these are notes and no picture",
    "tune.mp3": sound(1),
}
DROP = """async files => {
  const transfer = new DataTransfer();
  for (const [name, data] of Object.entries(files)) {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: name.endsWith("mp3") ? "audio/mpeg" : "image/png" }));
  }
  const at = document.getElementById("main"), how = { dataTransfer: transfer, bubbles: true, cancelable: true };
  for (const type of ["dragenter", "dragover", "drop"]) at.dispatchEvent(new DragEvent(type, how));
}"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio without the local runner, so that it is up at once."""
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", STUDIO_LOCAL_RUNNER="0", STUDIO_NULL_ENGINE="1")
    running.start()
    yield running
    assert running.stop() == 0


def drop(page: Page, files: dict[str, bytes]) -> None:
    page.evaluate(DROP, {name: base64.b64encode(data).decode() for name, data in files.items()})


def test_files_dropped_on_the_library(studio: RunningStudio, person: Callable[..., Person], tmp_path: Path) -> None:
    ana = person()
    ana.arrive("Ana Marques")
    page = ana.go("/library/")
    tray, rows = page.locator("[data-upload-tray]"), page.locator(".upload-row")
    expect(tray).to_be_hidden()
    refused_once: list[str] = []

    def fail_once(route: object, request: object) -> None:
        """The connection is lost once, while the sound is on its way."""
        if not refused_once and b"tune.mp3" in (request.post_data_buffer or b""):
            refused_once.append("lost")
            route.abort()
        else:
            route.continue_()

    page.route("**/library/upload/", fail_once)
    drop(page, FILES)
    expect(tray.get_by_role("heading")).to_have_text("2 uploaded, 2 refused")
    states = {row.locator(".upload-name").inner_text(): row.get_attribute("data-state") for row in rows.all()}
    assert states == {"fox.png": "done", "a plain one.png": "done", "notes.png": "failed", "tune.mp3": "failed"}
    expect(rows.filter(has_text="fox.png")).to_contain_text("Uploaded, with the settings that ComfyUI wrote.")
    expect(rows.filter(has_text="notes.png")).to_contain_text("This file is not a picture we can read.")
    expect(rows.filter(has_text="notes.png").get_by_role("button")).to_have_count(0)

    rows.filter(has_text="tune.mp3").get_by_role("button", name="Try again: tune.mp3").press("Enter")
    expect(tray.get_by_role("heading")).to_have_text("3 uploaded, 1 refused")
    page.locator("[data-upload-input]").set_input_files({"name": "again.png", "mimeType": "image/png", "buffer": FILES["a plain one.png"]})
    expect(rows.filter(has_text="again.png")).to_contain_text("Is in the library already.")
    page.screenshot(path=tmp_path / "tray.png")
    assert studio.rows("SELECT count(*), count(job_id), sum(charged) FROM generation_artifact") == [(3, 0, 0)]

    rows.filter(has_text="fox.png").get_by_role("link").click()
    expect(page.locator(".quote")).to_have_text("a red fox in snow")
    page.get_by_label("Other downloads").press("Enter")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download without settings").click()
    bare = Path(download.value.path()).read_bytes()
    assert bare == FOX
    page.get_by_role("link", name="Remix").click()
    expect(page.locator("#panel textarea[name=prompt]")).to_have_value("a red fox in snow")
    studio.assert_the_ledger_agrees()


def test_the_plain_form_without_script(studio: RunningStudio, person: Callable[..., Person]) -> None:
    ben = person(java_script_enabled=False)
    ben.arrive("Ben Quinn")
    page = ben.go("/library/")
    page.get_by_role("link", name="Upload").click()
    page.get_by_label("Files", exact=True).set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": FILES[name]} for name in ("fox.png", "notes.png")]
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".upload-outcomes li")).to_have_count(2)
    expect(page.locator(".upload-outcomes")).to_contain_text("This file is not a picture we can read.")
    page.get_by_role("link", name="Look at it").click()
    expect(page.locator(".quote")).to_have_text("a red fox in snow")
