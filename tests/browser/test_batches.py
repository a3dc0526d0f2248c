"""Many pictures of one press: a table with rows that are wrong, a grid by the keyboard alone, and its sheet in the library."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, eventually, pick

ROWS = 30
BAD = {7: "Steps must be at most", 21: "A seed is a whole number"}
"""Rows of the file, and how what is said of them begins."""


def table() -> str:
    """A header and `ROWS` rows; the header is row 1."""
    lines = ["prompt,seed,num_inference_steps,mood"]
    for row in range(2, ROWS + 2):
        seed, steps = ("lucky" if row == 21 else str(row)), ("900" if row == 7 else "2")
        lines.append(f'"a red sailboat, number {row}",{seed},{steps},calm')
    return "\n".join(lines)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab never comes to {selector}")


def batch_of(studio: RunningStudio, kind: str) -> tuple[str, int, str | None]:
    """Id, size and sheet of the only batch of a kind."""
    [row] = studio.rows("SELECT id, size, sheet_id FROM generation_batch WHERE kind = ?", kind)
    return row


def test_thirty_rows_of_which_two_are_wrong(studio: RunningStudio, person: Callable[..., Person]) -> None:
    ana = person()
    ana.arrive("Ana Marques")
    page = ana.go("/create/batch/")
    page.locator("#file").set_input_files({"name": "boats.csv", "mimeType": "text/csv", "buffer": table().encode()})
    expect(page.locator("[data-file-name]")).to_have_text("boats.csv")
    page.get_by_role("button", name="Look at every row").click()

    expect(page.get_by_role("heading", name=f"{ROWS - 2} of {ROWS} rows are right: {ROWS - 2} pictures")).to_be_visible()
    expect(page.get_by_text("Column “mood” is no field and no setting: it is not used.")).to_be_visible()
    for row, said in BAD.items():
        expect(page.locator(f"#row-{row} .errors")).to_contain_text(said)
    assert page.locator(".check-rows tbody tr").count() == ROWS
    assert studio.rows("SELECT count(*) FROM generation_job") == [(0,)]

    page.get_by_role("button", name="Back to the table").click()
    expect(page.locator("#table")).to_have_value(table())
    page.get_by_role("button", name="Look at every row").click()
    page.get_by_role("button", name="Make 28 pictures").click()
    page.wait_for_url("**/batches/**")
    expect(page.locator(".batch[data-status=succeeded]")).to_be_visible()

    batch, size, sheet = batch_of(studio, "table")
    assert (size, sheet) == (28, None)
    jobs = studio.rows("SELECT status, batch_place, prompt FROM generation_job WHERE batch_id = ? ORDER BY batch_place", batch)
    numbers = [row for row in range(2, ROWS + 2) if row not in BAD]
    assert jobs == [("succeeded", place, f"a red sailboat, number {row}") for place, row in enumerate(numbers)]
    studio.assert_the_ledger_agrees()


def test_a_grid_by_the_keyboard_alone_ends_as_a_sheet(studio: RunningStudio, person: Callable[..., Person]) -> None:
    ben = person()
    ben.arrive("Ben Okafor")
    page = ben.go("/create/grid/")
    tab_to(page, "textarea[name=prompt]")
    page.keyboard.type("a red sailboat on the sea")
    tab_to(page, "#axis-x")
    pick(page, "Words", "words")
    expect(page.locator("#values-x")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "axis-x", "the focus stays where it was"
    tab_to(page, "#values-x")
    page.keyboard.type("red, blue")
    tab_to(page, "#axis-y")
    pick(page, "Steps", "num_inference_steps")
    expect(page.locator("#values-y")).to_be_visible()
    tab_to(page, "#values-y")
    page.keyboard.type("2-6 (+2)")
    expect(page.get_by_role("heading", name="2 × 3 = 6 pictures")).to_be_visible()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/batches/**")

    expect(page.locator(".grid-table thead th").nth(1)).to_contain_text("blue")
    expect(page.locator(".grid-table tbody th").nth(2)).to_contain_text("6")
    expect(page.get_by_role("link", name="The sheet")).to_be_visible()  # told over the socket, when the last job has ended
    expect(page.locator(".grid-table img")).to_have_count(6)
    _, size, sheet = batch_of(studio, "grid")
    assert (size, sheet is not None) == (6, True)
    prompts = studio.rows(
        "SELECT prompt FROM generation_job j JOIN generation_batch b ON b.id = j.batch_id WHERE b.kind = 'grid' ORDER BY batch_place"
    )
    assert [prompt for (prompt,) in prompts] == ["a red sailboat on the sea", "a blue sailboat on the sea"] * 3

    page.get_by_role("link", name="The sheet").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sheet of a grid")).to_be_visible()
    address = page.url.split("?")[0]
    file = page.context.request.get(f"{address.rstrip('/')}/original")
    width, height = Image.open(io.BytesIO(file.body())).size
    assert (width > 2 * 512, height > 3 * 512) == (True, True)
    page.goto(f"{studio.url}/library/")
    eventually(page, lambda: page.locator(f"a[href*='{address.rstrip('/').rsplit('/', 1)[1]}']").count() > 0)


def test_without_javascript_a_grid_is_counted_before_it_is_made(studio: RunningStudio, person: Callable[..., Person]) -> None:
    cleo = person(java_script_enabled=False)
    page = cleo.arrive("Cleo Vidal")
    page = cleo.go("/create/grid/?prompt=a+red+sailboat")
    page.locator("#axis-x").select_option("seed")
    page.get_by_role("button", name="Show the settings of this choice").click()
    page.locator("#values-x").fill("1-3")
    page.get_by_role("button", name="Work out what it comes to").click()

    expect(page.get_by_role("heading", name="3 × 1 = 3 pictures")).to_be_visible()
    expect(page.locator("#values-x")).to_have_value("1-3")
    page.locator("#generate").click()
    page.wait_for_url("**/batches/**")
