"""Looking at pages: what to look at (`Shot`), and with whose eyes, on which screen and in which theme (`Camera`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import Person
from tests.browser.running import ROOT, RunningStudio

TARGET = ROOT / "var" / "screenshots"
SIZES = {1440: 900, 390: 844}
THEMES = ("dark", "light")
PATIENCE = 120_000
"""Milliseconds; a model is drawn without a graphics card here."""
EVERY_IMAGE = """() => { for (const i of document.images) i.loading = 'eager';
  return Promise.all([document.fonts.ready, ...[...document.images].filter(i => i.src).map(i => i.decode().catch(() => 0))]) }"""
HEIGHT = "document.documentElement.scrollHeight"


@dataclass(frozen=True)
class Shot:
    """One page to look at. `path` may need what was seeded; `act` works on the page first; `whole`: also what is below the fold."""

    name: str
    path: str | Callable[[Any], str]
    who: str = "owner"
    act: Callable[[Page], None] | None = None
    whole: bool = True


class Camera:
    """Looks at a studio with the eyes of several people, on one screen and in one theme. Whoever is not in `people` is not signed in."""

    def __init__(self, browser: Browser, studio: RunningStudio, width: int, theme: str, people: dict[str, Person]) -> None:
        self.browser, self.studio, self.width, self.theme, self.people = browser, studio, width, theme, people
        self.contexts: dict[str, BrowserContext] = {}

    def context(self, who: str) -> BrowserContext:
        if who not in self.contexts:
            self.contexts[who] = self.browser.new_context(
                viewport={"width": self.width, "height": SIZES[self.width]},
                color_scheme=self.theme,
                has_touch=self.width < 720,
                is_mobile=self.width < 720,
                storage_state=self.people[who].context.storage_state() if who in self.people else None,
            )
            self.contexts[who].set_default_timeout(PATIENCE)
        return self.contexts[who]

    def take(self, shot: Shot, seeded: Any = None) -> None:
        page = self.context(shot.who).new_page()
        path = shot.path if isinstance(shot.path, str) else shot.path(seeded)
        page.goto(path if "://" in path else self.studio.url + path, wait_until="load")
        if shot.act:
            shot.act(page)
        page.evaluate(EVERY_IMAGE)
        file = TARGET / f"{shot.name}-{self.width}-{self.theme}.png"
        if shot.whole:  # a screen as high as the page: what is fixed to the foot of the screen then stands at the foot of the picture
            page.set_viewport_size({"width": self.width, "height": max(SIZES[self.width], page.evaluate(HEIGHT))})
        page.screenshot(path=file, animations="disabled")
        print(f"  {file.relative_to(ROOT)}", flush=True)
        page.close()

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()


def look(browser: Browser, studio: RunningStudio, shots: tuple[Shot, ...], people: dict[str, Person], seeded: Any = None) -> None:
    """Every shot on every screen and in every theme."""
    for width in SIZES if shots else ():
        for theme in THEMES:
            camera = Camera(browser, studio, width, theme, people)
            for shot in shots:
                camera.take(shot, seeded)
            camera.close()


def press(selector: str) -> Callable[[Page], None]:
    """An act: one click."""
    return lambda page: page.locator(selector).first.click()
