"""The page of the API in a browser: searched while one types, examples in the language that was chosen, all of it by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import StorageState, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.browser.template_shots import QUICK
from tests.browser.test_pages import faults

PAGE = "/api/v1/docs"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """Without the local runner: nothing is made here."""
    running = RunningStudio(tmp_path_factory.mktemp("docs"), **QUICK)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 390])
def test_everybody_can_read_it(person: Callable[..., Person], signed_in: StorageState, width: int, theme: str) -> None:
    """Signed in or not; nothing sticks out, nothing is blocked, and a link to an operation leads to it."""
    for state in (signed_in, None):
        one = person(storage_state=state, color_scheme=theme)
        one.page.set_viewport_size({"width": width, "height": 900})
        page = one.go(PAGE)
        assert faults(page) == []
        one.go(f"{PAGE}#template_run")
        expect(page.get_by_role("heading", name="Run a template")).to_be_in_viewport()
        one.go(f"{PAGE}?q=gallery")
        assert faults(page) == []
        assert one.complaints == []


def test_it_is_used_by_keyboard_alone(person: Callable[..., Person], signed_in: StorageState) -> None:
    """Find an operation, go to it, choose a language, and copy its example; the language stays."""
    one = person(storage_state=signed_in, permissions=["clipboard-read", "clipboard-write"])
    page = one.go(PAGE)
    page.keyboard.press("/")
    page.keyboard.type("run template")
    expect(page.locator("[data-docs-found]")).to_have_text("1 operation with “run template”")
    expect(page.locator("article.operation:visible h3").first).to_contain_text("Run a template")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Python")).to_be_checked()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#template_run")).to_be_focused()
    copy = page.get_by_role("button", name="Copy Run a template in Python")
    for _ in range(30):
        page.keyboard.press("Tab")
        if copy.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("import os\nimport uuid\n")
    assert f'"{one.studio.url}/api/v1/templates/' in copied
    page.reload()
    expect(page.get_by_role("radio", name="Python")).to_be_checked()
    expect(page.get_by_role("figure").filter(has_text="curl http").first).to_be_hidden()
    assert one.complaints == []


def test_on_a_phone_the_contents_open_and_close(person: Callable[..., Person], signed_in: StorageState) -> None:
    one = person(storage_state=signed_in)
    one.page.set_viewport_size({"width": 390, "height": 844})
    page = one.go(PAGE)
    link = page.get_by_role("navigation", name="Contents").get_by_role("link", name="GET See the balance")
    expect(link).to_be_hidden()
    page.get_by_text("Contents", exact=True).click()
    link.click()
    expect(link).to_be_hidden()
    expect(page.get_by_role("heading", name="See the balance")).to_be_in_viewport()
