"""Create while it stays open: answers that come late or not at all, and what no event tells."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NULL_ENGINE
from tests.browser.running import RunningStudio, eventually, intercept
from tests.browser.test_create_page import picture, prompt
from tests.browser.test_desk import run

ENVIRONMENT = NULL_ENGINE

DONE = "#stage .stage-job[data-status=succeeded]"
BUSY = '<div class="toast" data-toast data-level="error" data-message="Busy." role="alert"><div class="toast-body">Busy.</div></div>'
SILENT = """
from datetime import timedelta
from django.utils import timezone
from studio.generation.models import Worker
Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
"""

OVER = """
window.over = 0;
document.addEventListener("htmx:finally:request", ({ detail }) => { if (detail.ctx.sourceElement?.id === "panel") over += 1; });
"""
"""Counts the presses that were answered."""


@pytest.fixture
def ana(person, signed_in):
    return person(storage_state=signed_in)


def create(ana: Any, query: str = "mode=text-to-image") -> Page:
    page = ana.go(f"/create/?{query}")
    expect(page.locator("html[data-live=on]")).to_be_attached()
    page.evaluate("htmx.config.defaultTimeout = 0")  # what is held back here is not given up
    return page


def ask_for_many_steps(page: Page) -> None:
    """So many that a preview with few of them is offered."""
    page.locator("#panel details.advanced > summary").click()
    page.locator("#panel [name=num_inference_steps]").first.fill("40")


def is_writable(studio: RunningStudio) -> bool:
    with closing(sqlite3.connect(studio.data_dir / "studio.sqlite3", timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


@contextmanager
def nobody_works(studio: RunningStudio) -> Iterator[None]:
    worker = studio.process("worker")
    worker.suspend()
    while not is_writable(studio):  # not in the middle of a write of its own, for which all others would wait
        worker.resume()
        worker.suspend()
    try:
        yield
    finally:
        worker.resume()


def test_a_late_answer_to_generate_leaves_nothing_in_progress(ana, studio):
    page = create(ana)
    before = float(ana.balance())
    held: list[tuple[Route, Any]] = []
    intercept(page, "**/create/", lambda route: held.append((route, route.fetch())))
    with nobody_works(studio):
        prompt(page).fill("a late answer")
        prompt(page).press("Control+Enter")
        eventually(page, lambda: bool(held))
        expect(page.locator("#running")).to_be_visible()  # told by the socket
    expect(page.locator("#feed .job").first).to_have_attribute("data-status", "succeeded")
    expect(page.locator("#running")).to_be_hidden()
    page.evaluate(
        "window.shown = []; new MutationObserver(() => shown.push(document.getElementById('running').hidden))"
        ".observe(document.querySelector('header'), { subtree: true, childList: true, attributes: true, characterData: true })"
    )
    [(route, answer)] = held
    route.fulfill(response=answer)
    eventually(page, lambda: False in page.evaluate("shown"))  # what it says was so when it was pressed
    expect(page.locator("#running")).to_be_hidden()
    expect(page.locator("#balance .num")).to_have_text(f"{before - 1:g}")


def test_what_went_wrong_is_said_once_and_not_any_more_when_it_has_worked(ana):
    page = create(ana)
    answers = [503, 503]

    def busy(route: Route) -> None:
        if route.request.method == "POST" and answers:
            route.fulfill(status=answers.pop(), body=BUSY, content_type="text/html")
        else:
            route.continue_()

    intercept(page, "**/create/", busy)
    page.evaluate(OVER)
    errors = page.locator("#toasts [data-level=error]")
    prompt(page).fill("in an outage")
    for times in (1, 2):
        prompt(page).press("Control+Enter")
        eventually(page, lambda times=times: page.evaluate("over") == times)  # before that a press is a double click
        expect(errors).to_have_text(["Busy."])
    assert not answers
    prompt(page).press("Control+Enter")
    expect(page.locator(DONE)).to_be_visible()
    expect(errors).to_have_count(0)


def test_what_was_written_before_is_asked_for_again_after_a_failure(ana):
    page = create(ana)
    ana.generate("words of before")
    expect(page.locator("#feed .job", has_text="words of before")).to_have_attribute("data-status", "succeeded")
    page = create(ana)
    prompt(page).fill("")
    faults = [lambda route: route.abort(), lambda route: route.fulfill(status=503, body="")]
    intercept(page, "**/create/history/", lambda route: faults.pop()(route) if faults else route.continue_())
    for _ in range(2):
        prompt(page).press("Alt+ArrowUp")
        expect(page.locator("#announce")).to_contain_text("could not be fetched")
        page.evaluate("document.getElementById('announce').textContent = ''")
    prompt(page).press("Alt+ArrowUp")
    expect(prompt(page)).to_have_value("words of before")


def test_a_file_is_taken_along_by_a_mode_that_is_pressed_before_it_is_drawn(ana):
    page = create(ana, "mode=image-to-image")
    held: list[Route] = []
    intercept(page, "**/create/form/**", lambda route: route.continue_() if held else held.append(route))
    file = {"name": "sea.png", "mimeType": "image/png", "buffer": picture()}
    page.locator("#panel input[type=file]").first.set_input_files(file)
    eventually(page, lambda: bool(held))
    page.locator("#mode-inpainting").click()
    expect(page.locator("#panel [name=mode]")).to_have_value("inpainting")
    held[0].continue_()
    expect(page.locator("#panel [name=image]")).not_to_have_value("")
    expect(page.locator("mask-painter")).to_be_attached()


def test_an_open_page_learns_that_no_worker_is_left(ana, studio):
    ana.page.clock.install()
    page = create(ana)
    with nobody_works(studio):
        ana.generate("nobody is there")
        card = page.locator("#feed .job", has_text="nobody is there")
        expect(card).to_contain_text("Waiting · next")
        run(studio, SILENT)
        page.clock.fast_forward(30_000)
        expect(card).to_contain_text("No worker is there for it at the moment. It waits, and loses nothing.")
        expect(page.locator("#stage")).to_contain_text("No worker is there for it at the moment.")
    expect(card).to_have_attribute("data-status", "succeeded")


def test_an_open_page_offers_a_preview_as_soon_as_its_engine_works(ana, studio):
    with nobody_works(studio):
        run(studio, SILENT)
        page = create(ana)
        with page.expect_response("**/create/quote/"):
            ask_for_many_steps(page)
        expect(page.locator("#look-starting")).to_be_attached()
        expect(page.locator("#preview")).to_have_count(0)
    expect(page.locator("#look-ready")).to_be_attached()
    expect(page.locator("#preview")).to_be_visible()


@pytest.mark.parametrize("where", ["stage", "page"])
def test_that_a_final_is_made_comes_by_itself(where, ana, studio):
    page = create(ana)
    ask_for_many_steps(page)
    prompt(page).fill(f"tried first {where}")
    page.locator("#preview").click()
    expect(page.locator(".final-box form")).to_be_visible()
    job = page.locator("#stage .stage-job").get_attribute("id").removeprefix("stage-")
    picked = page.locator("#stage .stage-job").get_attribute("data-artifact")
    with nobody_works(studio):
        page.get_by_role("button", name=re.compile("Make final")).click()
        expect(page.locator("#stage .stage-job[data-status=queued]")).to_be_visible()
        ana.go(f"/create/?job={job}" if where == "stage" else f"/pictures/{picked}/")
        expect(page.locator("html[data-live=on]")).to_be_attached()
        expect(page.locator(".final-box")).to_contain_text("Its final is being made.")
    expect(page.locator(".final-box")).to_contain_text("This preview was made final.")
