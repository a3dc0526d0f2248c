"""A real studio with the real Storybook, and real browsers that look at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, StorageState, expect, sync_playwright

from tests.browser.running import ROOT, RunningStudio
from tests.stability_server.standin import StandIn

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
PASSWORD = "a long enough password"
EXPECTED = ("Failed to load resource", "WebSocket connection to", "htmx: htmx:ws:error", "htmx: htmx:error: Failed to fetch")
"""What a browser says by itself of an answer that is not 200 or of a lost socket: tests cause both on purpose."""

MODELS = f"""
[[model]]
id = "own"
label = "A model of our own"
path = "{ROOT / "studio/backends/diffusers/storybook/model"}"
"""

NULL_ENGINE = {"STUDIO_LOCAL_RUNNER": "false", "STUDIO_NULL_ENGINE": "true"}
"""The `ENVIRONMENT` of a module whose pictures are test cards, made at once: its studio has no local model."""

PATIENCE = 120_000
"""Milliseconds in which what is waited for comes on a slow machine as well; whatever never comes takes as long to fail."""
expect.set_options(timeout=PATIENCE)


HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder drives a browser, and is left out where those are."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("browser")


@pytest.fixture(autouse=True)
def no_loop_left() -> None:
    """Playwright's loop runs in this thread for as long as there is a browser. Nothing here asks a database through Django."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        started.on("context", lambda context: context.set_default_timeout(PATIENCE))
        yield started
        started.close()


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    """A provider that answers at once."""
    with StandIn(result_seconds=0) as running:
        yield running


@pytest.fixture(scope="module")
def studio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """One studio for the tests of a module, with open sign-up, enough credits, and a model beside Storybook as an operator adds it.

    A module says in `ENVIRONMENT` what is different, and with `FROM_NOTHING` that its studio begins without a database.
    """
    from_nothing, environment = (getattr(request.module, name, other) for name, other in (("FROM_NOTHING", False), ("ENVIRONMENT", {})))
    folder = tmp_path_factory.mktemp("studio")
    (folder / "models.toml").write_text(MODELS)
    running = RunningStudio(folder, from_nothing=from_nothing, STUDIO_SIGNUP="open", STUDIO_WELCOME_CREDITS="500", **environment)
    running.start()
    running.wait_for("worker_ready" if environment.get("STUDIO_LOCAL_RUNNER") == "false" else r"^local.*worker_ready")
    yield running
    assert running.stop() == 0


class Person:
    """Somebody at a browser of their own. `complaints` collects what the browser's console objects to."""

    def __init__(self, context: BrowserContext, studio: RunningStudio) -> None:
        self.context, self.studio = context, studio
        self.complaints: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page = context.new_page()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(EXPECTED):
            self.complaints.append(message.text)

    def go(self, path: str) -> Page:
        self.page.goto(self.studio.url + path)
        return self.page

    def arrive(self, name: str) -> Page:
        """Make the owner's account on a new studio, or sign up on one that has an owner."""
        self.go("/")
        if "/welcome/" not in self.page.url:
            self.go("/accounts/signup/")
        self.page.get_by_label("Your name").fill(name)
        self.page.get_by_label("Email").fill(f"{name.split()[0].lower()}@harbour.example")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/create/**")
        return self.page

    def generate(self, prompt: str, **fields: str) -> None:
        """Fill in the panel and press Ctrl+Enter; `fields` are names and values of the panel's inputs."""
        page = self.page
        page.locator("#panel textarea[name=prompt]").fill(prompt)
        for name, value in fields.items():
            control = page.locator(f"#panel [name={name}]").first
            if control.get_attribute("type") == "radio":
                page.locator(f"#panel label:has([name={name}][value='{value}'])").click()
                continue
            if not control.is_visible():
                page.locator("#panel details.advanced > summary").click()
            if control.evaluate("control => control.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)
        page.locator("#panel textarea[name=prompt]").press("Control+Enter")

    def balance(self) -> str:
        return self.page.locator("#balance .num").inner_text()


@pytest.fixture
def person(browser: Browser, studio: RunningStudio) -> Iterator[Callable[..., Person]]:
    """`person(**context_options)`: a browser of its own; at the end its console must have had nothing to complain about."""
    people: list[Person] = []

    def make(**options: object) -> Person:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        people.append(Person(context, studio))
        return people[-1]

    yield make
    for one in people:
        one.context.close()
    assert [text for one in people for text in one.complaints] == []


@pytest.fixture(scope="module")
def signed_in(browser: Browser, studio: RunningStudio) -> Iterator[StorageState]:
    """The cookies of Ana, the owner. Signed in once: a login a test would pass the studio's login limit."""
    context = browser.new_context()
    Person(context, studio).arrive("Ana Marques")
    yield context.storage_state()
    context.close()
