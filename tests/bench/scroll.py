"""The library in Chromium, scrolled 5,000 pictures deep: what it takes, and whether anything jumps.

The page is scrolled by the wheel, as a person does, until 5,000 pictures are on it; a picture there is opened, and Back leads to it again;
from there newer ones join above, page by page, while every picture in sight is watched. What moves in the window without anybody moving
it is a layout shift, as browsers count it (web.dev/cls: a share of the window, 0.1 is good): what was there at the start of the page counts
too.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.browser.running import RunningStudio

DEEP = 5_000
HEAP_TARGET, RENDERER_TARGET, SHIFT_TARGET, OFF_TARGET, MOVED_TARGET = 40, 450, 0.01, 3, 2
JOINS = 10
PASSWORD = "a long enough password"
WATCH_SHIFTS = """
window.shifted = 0;
const watcher = new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shifted += one.value; });
watcher.observe({ type: "layout-shift", buffered: true });
"""
FIRST = """() => {
  const tile = [...document.querySelectorAll("#wall .tile")].find((one) => one.getBoundingClientRect().top > 120);
  return { id: tile.id, top: tile.getBoundingClientRect().top };
}"""
STILL = """async (id) => {
  const frame = () => new Promise(requestAnimationFrame);
  const top = () => document.getElementById(id).getBoundingClientRect().top;
  for (let last = top(), same = 0; same < 30; last = top()) { await frame(); same = top() === last ? same + 1 : 0; }
}"""
"""Until it has stood where it is for half a second."""

JOIN_ABOVE = """async (top) => {
  const newer = document.getElementById("newer");
  newer.dataset.asked = "";  // not by itself, while this scrolls
  scrollTo({ top, behavior: "instant" });
  const frame = () => new Promise(requestAnimationFrame);
  for (let n = 0; n < 3; n += 1) await frame();
  const tiles = () => [...document.querySelectorAll("#wall .tile")];
  const inSight = tiles().filter((one) => one.getBoundingClientRect().bottom > 80 && one.getBoundingClientRect().top < innerHeight);
  const tops = inSight.map((one) => one.getBoundingClientRect().top);
  const before = tiles().length;
  let moved = 0;
  window.htmx.trigger(newer, "near");
  for (let left = 30, frames = 0; left; left -= tiles().length > before ? 1 : 0) {
    await frame();
    if (frames++ > 3_000) throw new Error("Nothing joined above.");
    for (const [place, one] of inSight.entries()) moved = Math.max(moved, Math.abs(one.getBoundingClientRect().top - tops[place]));
  }
  return moved;
}"""
"""Lets newer ones join above without anybody scrolling: the farthest that a tile in sight is from its place in any frame, in px."""


def run() -> list[dict[str, Any]]:
    """Rows {name, value, unit, target, met}."""
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        studio = RunningStudio(Path(folder), STUDIO_SIGNUP="open", STUDIO_LOCAL_RUNNER="0", STUDIO_NULL_ENGINE="1").start()
        try:
            with sync_playwright() as playwright:
                path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
                browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
                found = _measure(browser, studio)
                browser.close()
        finally:
            studio.stop()
    names = {
        "heap": (f"JavaScript heap after {DEEP:,} pictures of the library", "MB", HEAP_TARGET),
        "renderer": (f"Chromium's page process after {DEEP:,} pictures, when memory is wanted elsewhere", "MB", RENDERER_TARGET),
        "cached": ("the same while nobody wants any: with what Chromium keeps in case it is looked at again", "MB", None),
        "shift": (f"layout shift while scrolling {DEEP:,} pictures deep", "of the window", SHIFT_TARGET),
        "off": (f"how far Back misses the place, {DEEP:,} pictures deep", "px", OFF_TARGET),
        "moved": ("how far a picture in sight moves when newer ones join above", "px", MOVED_TARGET),
    }
    return [
        {"name": name, "value": found[key], "unit": unit, "target": target, "met": None if target is None else found[key] <= target}
        for key, (name, unit, target) in names.items()
    ]


def _measure(browser: Browser, studio: RunningStudio) -> dict[str, float]:
    page = _library(browser, studio)
    session = page.context.new_cdp_session(page)
    _scroll(page, 1, until=f"document.querySelectorAll('#wall .tile').length >= {DEEP}")
    cached = _page_process()
    heap = _heap(session)
    session.send("Memory.simulatePressureNotification", {"level": "critical"})
    page.wait_for_timeout(2_000)
    renderer = _page_process()
    page.evaluate(STILL, page.evaluate(FIRST)["id"])
    place = page.evaluate(FIRST)
    shift = page.evaluate("window.shifted")
    page.wait_for_function("history.state?.place")
    page.locator(f"#{place['id']}").click()
    page.wait_for_url("**/pictures/**")
    page.go_back()
    page.wait_for_selector(f"#{place['id']}")
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    page.evaluate(STILL, place["id"])
    back = page.evaluate(f"document.getElementById('{place['id']}').getBoundingClientRect().top")
    moved = max(page.evaluate(JOIN_ABOVE, top) for top in (1_200, 800, 400) * (JOINS // 3))
    off = round(abs(back - place["top"]), 1)
    return {"heap": heap, "renderer": renderer, "cached": cached, "shift": round(shift, 4), "off": off, "moved": round(moved, 1)}


def _library(browser: Browser, studio: RunningStudio) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(WATCH_SHIFTS)
    page = context.new_page()
    page.goto(f"{studio.url}/")
    page.get_by_label("Your name").fill("Ana Marques")
    page.get_by_label("Email").fill("ana@harbour.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/create/**")
    done = studio.manage("seed_library", "--pictures", str(DEEP + 1_000))
    if done.returncode:
        raise RuntimeError(done.stderr)
    page.goto(f"{studio.url}/library/")
    page.locator("summary.team-chip").first.click()
    with page.expect_navigation():
        page.locator("button[name=team]", has_text="Harbour Press").click()
    page.goto(f"{studio.url}/library/")
    page.wait_for_selector("#wall .tile")
    return page


def _scroll(page: Page, direction: int, *, until: str) -> None:
    """Turn the wheel until it is so."""
    page.mouse.move(700, 500)
    while not page.evaluate(until):
        page.mouse.wheel(0, direction * 700)
        page.wait_for_timeout(30)
    page.wait_for_timeout(500)


def _heap(session: CDPSession) -> float:
    """Megabytes of JavaScript's heap, once it is swept."""
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return round(metrics["JSHeapUsedSize"] / 2**20, 1)


def _page_process() -> int:
    """Megabytes that the largest page process of the browser has for itself (what Chromium's own task manager calls its footprint)."""
    pages = [process for process in psutil.Process().children(recursive=True) if "--type=renderer" in process.cmdline()]
    return round(max(one.memory_full_info().uss for one in pages) / 2**20)


if __name__ == "__main__":
    for row in run():
        print(row)
