"""The operator at work, by keyboard alone: a queue is paused, people are told, it goes on, the work is done; a job moves to the front."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import operator_shots
from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.browser.seeding import sign_up
from tests.browser.test_pages import OVERHANG, faults
from tests.browser.test_team_pages import follow, tab_to

WIDTHS = (768, 390, 320)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path_factory.mktemp("studio"), **operator_shots.QUICK)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def people(browser: Browser, studio: RunningStudio) -> dict[str, Person]:
    return sign_up(browser, studio)


@pytest.fixture
def arrives(person: Callable[..., Person], people: dict[str, Person]) -> Callable[..., Person]:
    """`arrives("owner")`: one of them at a browser of their own."""
    return lambda who, **options: person(storage_state=people[who].context.storage_state(), **options)


def pause(operator: Person, queue: str, reason: str) -> None:
    """The reason is typed at once, and one Tab leads from there to the button that lets the queue go on."""
    page = operator.page
    tab_to(page, f"Pause {queue}")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type(reason)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    # The browser has gone to the row that the address names.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=f"Go on with {queue}")).to_be_focused()


def test_a_queue_is_paused_people_are_told_and_it_goes_on_by_itself(arrives: Callable[..., Person], studio: RunningStudio) -> None:
    operator, ben = arrives("owner"), arrives("member")
    page = operator.go("/operator/")
    pause(operator, "null", "A new model comes")
    expect(page.locator("#queue-null")).to_contain_text("A new model comes")
    theirs = ben.go("/create/")
    expect(theirs.locator("#engine-picker .note")).to_contain_text("Paused by the operator: A new model comes.")
    ben.generate("a boat")
    card = theirs.locator("#feed article.job").first
    expect(card).to_contain_text("Waiting · paused")
    expect(card).to_contain_text("Paused by the operator: A new model comes.")
    expect(page.locator("#queue-null")).to_contain_text("1")
    assert studio.rows("SELECT status, attempt FROM generation_job") == [("queued", 0)]
    follow(page, "Go on with null")
    expect(card).to_have_attribute("data-status", "succeeded")
    studio.assert_the_ledger_agrees()


def test_the_last_in_line_is_moved_to_the_front(arrives: Callable[..., Person], studio: RunningStudio) -> None:
    operator, ben = arrives("owner"), arrives("member")
    page = operator.go("/operator/")
    pause(operator, "null", "")
    ben.go("/create/")
    for number in range(3):
        ben.generate(f"boat {number}")
        expect(ben.page.locator("#feed article[data-status=queued]")).to_have_count(number + 1)
    line = [row[0] for row in studio.rows("SELECT id FROM generation_job WHERE status = 'queued' ORDER BY id")]
    follow(page, "Waiting")
    rows = page.locator("#operator-list tbody tr")
    expect(rows).to_have_count(3)
    tab_to(page, "To the front: place 3")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(rows.first).to_contain_text("At the front")
    follow(page, "Overview")
    follow(page, "Go on with null")
    expect(ben.page.locator("#feed article[data-status=queued]")).to_have_count(0)
    expect(ben.page.locator("#feed article[data-status=running]")).to_have_count(0)
    begun = [row[0] for row in studio.rows("SELECT id FROM generation_job WHERE moved_up_at IS NOT NULL")]
    assert begun == [line[2]]
    [(first,)] = studio.rows("SELECT id FROM generation_job WHERE prompt LIKE 'boat _' ORDER BY started_at LIMIT 1")
    assert first == line[2]


def test_a_queue_is_paused_and_goes_on_without_javascript(arrives: Callable[..., Person]) -> None:
    page = arrives("owner", java_script_enabled=False).go("/operator/")
    page.get_by_role("link", name="Pause null").click()
    page.get_by_label("Reason").fill("No scripts")
    page.get_by_role("button", name="Pause the queue").click()
    expect(page.locator("#queue-null")).to_contain_text("No scripts")
    page.get_by_role("button", name="Go on with null").click()
    expect(page.get_by_role("link", name="Pause null")).to_be_visible()


def test_focus_stays_where_it_is_while_numbers_change(arrives: Callable[..., Person]) -> None:
    page = arrives("owner").go("/operator/")
    tab_to(page, "Pause null")
    with page.expect_response(lambda answer: answer.url.endswith("/operator/") and answer.request.headers.get("hx-request") == "true"):
        pass
    page.wait_for_function("!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
    assert page.evaluate("document.activeElement.textContent").startswith("Pause")


def test_every_page_is_fit_for_everybody(arrives: Callable[..., Person], studio: RunningStudio, people: dict[str, Person]) -> None:
    operator = arrives("owner")
    found = {}
    seeded = None
    for shots in (operator_shots.EMPTY, operator_shots.SHOTS):
        if shots is operator_shots.SHOTS:
            seeded = operator_shots.seed(studio, people)
        for shot in shots:
            operator.page.set_viewport_size({"width": 1440, "height": 900})
            page = operator.go(shot.path if isinstance(shot.path, str) else shot.path(seeded))
            if shot.act:
                shot.act(page)
            # What lies below an open menu is partly covered by it, and nobody can press it then.
            found[shot.name] = [wrong for wrong in faults(page) if not (shot.act and "partially obscured" in wrong)]
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 844})
                found[shot.name] += [f"{over} px too wide at {width}"] if (over := page.evaluate(OVERHANG)) else []
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
