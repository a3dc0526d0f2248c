"""What an open page shows when its line comes late or is cut, and when one answer fails: the same, a little later and by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, StorageState, WebSocketRoute, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, eventually, intercept, without_timers_of

SEED = """
from accounts.models import User
from tests.factories import make_artifact
ana = User.objects.get(email="ana@harbour.example")
for n in range(70):
    make_artifact(ana.teams.get(), ana, prompt=f"a boat number {n}", seed=n, files=False)
"""
WHERE = """
from accounts.models import User
from studio.galleries import curating, talking, trashing
from studio.galleries.models import Gallery, Visibility
ana = User.objects.get(email="ana@harbour.example")
team = ana.teams.get()
pictures = team.artifacts.filter(deleted_at=None).order_by("-id")
"""
GALLERY = """
gallery = curating.create(team, by=ana, name="Harbour", description="", visibility=Visibility.TEAM)
curating.add(gallery, list(pictures[:{number}]), by=ana)
print(gallery.pk)
"""
REMOVE = """
gallery = Gallery.objects.get(pk="{gallery}")
item = gallery.items.order_by("position").first()
curating.remove(gallery, [item.artifact], by=ana)
print(item.artifact_id)
"""
TRASH = """
one = pictures[3]
trashing.trash([one], by=ana)
print(one.pk)
"""
PICTURE = "print(pictures[{number}].pk)"
SAY = """talking.say(pictures.get(pk="{picture}"), ana, "Lower the moon.")"""
LIVE = "html[data-live=on]"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path_factory.mktemp("studio"), STUDIO_SIGNUP="open", STUDIO_LOCAL_RUNNER="0", STUDIO_NULL_ENGINE="1")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def do(studio: RunningStudio, signed_in: StorageState) -> Callable[..., str]:
    """`do(code, **words)`: what somebody else does meanwhile."""

    def run(code: str, **words: Any) -> str:
        done = studio.manage("shell", "-v", "0", "-c", WHERE + (code.format(**words) if words else code))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    run(SEED)
    return run


@pytest.fixture
def page(person: Callable[..., Person], do: Callable[..., str], signed_in: StorageState) -> Page:
    return person(storage_state=signed_in).page


def shown(page: Page, studio: RunningStudio, path: str) -> None:
    page.goto(studio.url + path)
    expect(page.locator(LIVE)).to_be_attached()


# --- between the drawing of a page and its line ----------------------------------------------------------------------
def drawn_first(page: Page, studio: RunningStudio, path: str, act: Callable[[], str]) -> str:
    """What `act` does happens after the page was drawn, and before it has its scripts and with them its line."""
    held: list[Route] = []
    page.route(re.compile(r"/js/main[^/]*\.js"), lambda route: held.append(route))
    page.goto(studio.url + path, wait_until="commit")
    eventually(page, lambda: bool(held))
    expect(page.locator("#announce")).to_be_attached()  # it is drawn to its end
    result = act()
    for one in held:
        one.continue_()
    return result


def test_a_gallery_that_changed_before_its_line_was_up(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    gallery = do(GALLERY, number=4)
    gone = drawn_first(page, studio, f"/galleries/{gallery}/", lambda: do(REMOVE, gallery=gallery))
    expect(page.locator(".place")).to_have_count(3)
    expect(page.locator(f"#p-{gone}")).to_have_count(0)


def test_a_library_that_changed_before_its_line_was_up(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    gone = drawn_first(page, studio, "/library/", lambda: do(TRASH))
    expect(page.locator("#wall .tile").first).to_be_visible()
    expect(page.locator(f"#p-{gone}")).to_have_count(0)


def test_a_talk_that_went_on_before_its_line_was_up(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    picture = do(PICTURE, number=0)
    drawn_first(page, studio, f"/pictures/{picture}/", lambda: do(SAY, picture=picture))
    expect(page.locator("#talk-list .comment")).to_have_count(1)


def test_a_talk_that_did_not_go_on_is_not_asked_for(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    asked: list[str] = []
    without_timers_of(page, 3000)  # no poll while its line comes slowly
    page.on("request", lambda request: asked.append(request.url))
    shown(page, studio, f"/pictures/{do(PICTURE, number=1)}/")
    expect(page.locator("[data-talk-beat]:not([data-talk-beat=''])")).to_be_attached()
    page.evaluate("fetch('/healthz')")
    eventually(page, lambda: any(url.endswith("/healthz") for url in asked))
    assert [url for url in asked if url.endswith("/talk/")] == []


def test_a_library_that_did_not_change_is_not_drawn_again(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    answers: list[tuple[int, str]] = []
    page.on("response", lambda response: answers.append((response.status, response.url)))
    page.goto(studio.url + "/library/")
    eventually(page, lambda: (204, studio.url + "/library/") in answers)
    gone = do(TRASH)
    expect(page.locator(f"#p-{gone}")).to_have_count(0)
    read = [url for _, url in answers if "/library/tiles/" in url and gone in url]
    assert len(read) == 1, "when it was trashed"


# --- one answer that fails -------------------------------------------------------------------------------------------
def failing(page: Page, pattern: Any, times: int = 1) -> list[str]:
    """The next answers to what matches say that the studio cannot, and are listed."""
    failed: list[str] = []

    def answer(route: Route) -> None:
        if len(failed) == times:
            route.continue_()
            return
        failed.append(route.request.url)
        route.fulfill(status=503, body="")

    intercept(page, pattern, answer)
    return failed


def test_a_talk_whose_answer_failed_is_asked_for_again(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    picture = do(PICTURE, number=2)
    shown(page, studio, f"/pictures/{picture}/")
    failed = failing(page, "**/talk/", 2)
    do(SAY, picture=picture)
    expect(page.locator("#talk-list .comment")).to_have_count(1)
    assert len(failed) == 2
    expect(page.locator("#toasts .toast")).to_have_count(0)


def test_a_gallery_whose_answer_failed_is_asked_for_again(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    gallery = do(GALLERY, number=4)
    shown(page, studio, f"/galleries/{gallery}/")
    failed = failing(page, f"**/galleries/{gallery}/", 2)
    do(REMOVE, gallery=gallery)
    expect(page.locator(".place")).to_have_count(3)
    assert len(failed) == 2


def test_a_library_whose_answer_failed_is_asked_for_again(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    shown(page, studio, "/library/")
    failed = failing(page, re.compile("/library/tiles/"), 2)
    gone = do(TRASH)
    expect(page.locator(f"#p-{gone}")).to_have_count(0)
    assert len(failed) == 2


def test_a_late_answer_does_not_bring_a_gallery_back(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    gallery = do(GALLERY, number=4)
    shown(page, studio, f"/galleries/{gallery}/")
    held: list[Any] = []

    def first_late(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.extend((route, route.fetch()))

    intercept(page, f"**/galleries/{gallery}/", first_late)
    page.evaluate("""() => {
        window.counts = [];
        new MutationObserver(() => window.counts.push(document.querySelectorAll(".place").length))
            .observe(document.getElementById("places"), { childList: true });
    }""")
    do(REMOVE, gallery=gallery)
    eventually(page, lambda: bool(held))
    for _ in range(2):
        gone = do(REMOVE, gallery=gallery)
        expect(page.locator(f"#pictures-changed[data-ids~='{gone}']")).to_be_attached()
    held[0].fulfill(response=held[1])
    expect(page.locator(".place")).to_have_count(1)
    counts = page.evaluate("window.counts")
    assert counts == sorted(counts, reverse=True)


# --- a line that is cut without a word -------------------------------------------------------------------------------
class Lines:
    """The lines of a page, one after the other. The server is heard on none that `cut` has taken hold of."""

    def __init__(self, page: Page) -> None:
        self.all: list[WebSocketRoute] = []
        self.dead: list[WebSocketRoute] = []
        page.clock.install()
        page.route_web_socket(re.compile("/live/"), self._open)

    def _open(self, line: WebSocketRoute) -> None:
        self.all.append(line)
        server = line.connect_to_server()
        server.on_message(lambda message: None if line in self.dead else line.send(message))

    def cut(self) -> None:
        self.dead[:] = self.all


def test_a_line_that_is_cut_without_a_word_is_given_up(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    lines = Lines(page)
    picture = do(PICTURE, number=3)
    shown(page, studio, f"/pictures/{picture}/")
    lines.cut()
    do(SAY, picture=picture)
    page.clock.run_for(70_000)
    eventually(page, lambda: len(lines.all) == 2)
    expect(page.locator(LIVE)).to_be_attached()
    expect(page.locator("#talk-list .comment")).to_have_count(1)


def test_a_line_on_which_there_is_only_a_beat_is_kept(page: Page, studio: RunningStudio) -> None:
    lines = Lines(page)
    shown(page, studio, "/wallet/")
    lines.cut()
    for _ in range(4):
        lines.all[0].send("{}")
        page.clock.run_for(30_000)
    expect(page.locator(LIVE)).to_be_attached()
    assert len(lines.all) == 1


def test_a_computer_that_slept_takes_a_new_line(page: Page, studio: RunningStudio) -> None:
    lines = Lines(page)
    shown(page, studio, "/wallet/")
    page.clock.fast_forward(45_000)
    eventually(page, lambda: len(lines.all) == 2)
    expect(page.locator(LIVE)).to_be_attached()


def test_a_hidden_page_with_its_slow_clock_keeps_its_line(page: Page, studio: RunningStudio) -> None:
    lines = Lines(page)
    shown(page, studio, "/wallet/")
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
    lines.cut()
    page.clock.fast_forward(60_000)
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.run_for(30_000)
    expect(page.locator(LIVE)).to_be_attached()
    assert len(lines.all) == 1


# --- walls that go on by themselves ----------------------------------------------------------------------------------
def test_a_library_goes_on_after_a_failure(page: Page, studio: RunningStudio) -> None:
    shown(page, studio, "/wallet/")
    failed = failing(page, re.compile(r"/library/\?.*after="), 2)
    page.goto(studio.url + "/library/")
    tiles = page.locator("#wall .tile")
    expect(page.locator("#toasts .toast")).to_have_count(1)
    page.mouse.move(700, 500)
    page.mouse.wheel(0, 9000)
    eventually(page, lambda: tiles.count() > 60)
    assert len(failed) == 2
    expect(page.locator("#toasts .toast")).to_have_count(1)


def test_a_library_goes_on_upwards_after_a_failure(page: Page, studio: RunningStudio) -> None:
    page.set_viewport_size({"width": 390, "height": 500})
    shown(page, studio, "/library/")
    older = page.locator("#older")
    path = older.get_attribute("href") if older.count() else ""
    assert path, "there is more than a page"
    failed = failing(page, re.compile(r"/library/\?.*above="))
    page.goto(studio.url + path)
    tiles = page.locator("#wall .tile")
    before = tiles.count()
    page.mouse.move(200, 300)
    page.mouse.wheel(0, 400)
    page.wait_for_function("scrollY > 0")
    page.mouse.wheel(0, -300)
    eventually(page, lambda: bool(failed))
    eventually(page, lambda: tiles.count() > before)


def test_a_gallery_goes_on_after_a_failure(page: Page, studio: RunningStudio, do: Callable[..., str]) -> None:
    gallery = do(GALLERY, number=62)
    shown(page, studio, "/wallet/")
    failed = failing(page, re.compile(r"/galleries/.*\?page=2"))
    page.goto(f"{studio.url}/galleries/{gallery}/")
    page.mouse.move(700, 500)
    page.mouse.wheel(0, 9000)
    expect(page.locator(".place")).to_have_count(62)
    assert len(failed) == 1
