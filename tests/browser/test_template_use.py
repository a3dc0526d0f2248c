"""A template in use, by keyboard: picked, filled in, seen as it comes out, generated; and what one wrote before, back in the prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, eventually, intercept

FREE = "/create/?engine=null&mode=text-to-image"
TEMPLATES = """
from accounts.models import Team, User
from studio.prompts.content import Content
from studio.prompts.services import templates

alice = User.objects.get(email="alice@harbour.example")
team = Team.objects.filter(memberships__user=alice).first()
content = {
    "sections": [
        {"name": "subject", "text": "A photograph of {product}"},
        {"name": "composition", "text": "on a {tint} table"},
        {"name": "lighting", "text": "{props}"},
        {"name": "style", "text": "Harbour look", "locked": True},
    ],
    "fields": [
        {"name": "product", "label": "Product", "required": True},
        {"name": "light", "label": "Light", "type": "choice", "choices": ["window", "dusk"], "default": "window"},
        {"name": "props", "label": "Props", "type": "multi_choice", "choices": ["a book", "flowers"]},
        {"name": "tint", "label": "Table", "type": "colour", "default": "#ff0000"},
    ],
    "engine": "null",
    "parameters": {"num_images": 1, "num_inference_steps": 4},
    "changeable": ["num_images", "seed"],
}
made = templates.create(team, author=alice, name="Product photo", content=Content.checked(content))
templates.publish(made.versions.get(), by=alice)
other = templates.create(team, author=alice, name="Portrait", content=Content.checked({"sections": [{"name": "prompt", "text": "x"}]}))
templates.publish(other.versions.get(), by=alice)
print(made.pk)
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """One that draws test cards, for words are what this is about."""
    running = RunningStudio(
        tmp_path_factory.mktemp("studio"), STUDIO_WELCOME_CREDITS="500", STUDIO_LOCAL_RUNNER="0", STUDIO_NULL_ENGINE="1"
    )
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def alice(browser: Browser, studio: RunningStudio) -> Iterator[Person]:
    owner = Person(browser.new_context(viewport={"width": 1440, "height": 900}), studio)
    owner.arrive("Alice Harbour")
    yield owner
    assert owner.complaints == []


@pytest.fixture(scope="module")
def template(alice: Person, studio: RunningStudio) -> str:
    done = studio.manage("shell", "--no-imports", "-c", TEMPLATES)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def requests_of(studio: RunningStudio) -> list[str]:
    """The prompts of all jobs, oldest first."""
    return [prompt for (prompt,) in studio.rows("SELECT json_extract(request, '$.prompt') FROM generation_job ORDER BY id")]


def test_a_template_is_picked_filled_in_and_used_by_keyboard(alice: Person, studio: RunningStudio, template: str) -> None:
    page = alice.go(FREE)
    page.get_by_role("link", name="Template", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#templates-q")).to_be_focused()
    page.keyboard.insert_text("product")
    expect(page.locator("#templates-found [data-pick]")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".picked-template")).to_contain_text("Product photo")
    expect(page.get_by_label("Product", exact=True)).to_be_focused()
    expect(page.locator("#words")).to_contain_text("A photograph of [Product]")
    page.keyboard.type("a {blue|red} jug")
    expect(page.locator("#words mark.f1").first).to_have_text("a {blue|red} jug")
    page.get_by_label("flowers", exact=True).focus()
    page.keyboard.press("Space")
    page.locator("[name=field_tint]").fill("#0000ff")
    expect(page.locator("[data-colour-words=field_tint]")).to_have_text("blue")
    expect(page.locator("#words .words-text").first).to_have_text(
        "A photograph of a {blue|red} jug, on a blue table, flowers, Harbour look"
    )
    page.keyboard.press("Control+Enter")
    expect(page.locator("#feed article[data-status=succeeded]")).to_have_count(1)
    assert requests_of(studio) == ["A photograph of a {blue|red} jug, on a blue table, flowers, Harbour look"]


def test_a_reload_and_another_visit_keep_what_was_filled_in(alice: Person, template: str) -> None:
    page = alice.go(f"/create/?template={template}")
    page.get_by_label("Product", exact=True).fill("a lamp")
    page.get_by_label("a book", exact=True).check()
    expect(page.locator("#words")).to_contain_text("a lamp")
    page.reload()
    expect(page.get_by_label("Product", exact=True)).to_have_value("a lamp")
    expect(page.get_by_label("a book", exact=True)).to_be_checked()
    alice.go("/library/")
    alice.go("/create/")
    expect(page.get_by_label("Product", exact=True)).to_have_value("a lamp")
    expect(page.get_by_label("a book", exact=True)).to_be_checked()
    expect(page.get_by_label("flowers", exact=True)).not_to_be_checked()


@pytest.mark.parametrize("by", ["typing", "pasting", "going there"])
def test_what_is_typed_while_a_template_comes_back_is_kept(alice: Person, template: str, by: str) -> None:
    page = alice.go(f"/create/?template={template}")
    page.get_by_label("Product", exact=True).fill("a lamp")
    expect(page.locator("#words")).to_contain_text("a lamp")
    alice.go("/library/")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/create/form/**", hold)
    alice.go("/create/")
    eventually(page, lambda: bool(held))
    prompt = page.locator("#panel textarea[name=prompt]")
    if by == "pasting":
        prompt.fill("a whale")
    else:
        prompt.click()
        if by == "typing":
            page.keyboard.type("a whale")
    with page.expect_response("**/create/form/**"):
        held[0].continue_()
    if by == "going there":
        page.keyboard.type("a whale")
    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    page.unroute("**/create/form/**")
    expect(prompt).to_have_value("a whale")
    expect(page.locator(".picked-template")).to_have_count(0)
    page.reload()
    expect(prompt).to_have_value("a whale")


def test_what_is_wrong_is_said_at_its_field(alice: Person, studio: RunningStudio, template: str) -> None:
    page = alice.go(f"/create/?template={template}")
    page.get_by_label("a book", exact=True).check()
    page.get_by_label("a book", exact=True).press("Control+Enter")
    field = page.get_by_label("Product", exact=True)
    expect(field).to_be_focused()
    expect(page.locator("#panel .errorlist")).to_have_text("Fill in “Product”.")
    expect(page.get_by_label("a book", exact=True)).to_be_checked()
    assert len(requests_of(studio)) == 1


def test_leaving_goes_on_with_the_words(alice: Person, template: str) -> None:
    page = alice.go(f"/create/?template={template}")
    page.get_by_label("Product", exact=True).fill("a jug")
    page.get_by_role("link", name="Leave", exact=True).click()
    expect(page.locator("#panel textarea[name=prompt]")).to_have_value("A photograph of a jug, on a red table, Harbour look")
    expect(page.locator(".picked-template")).to_have_count(0)


def test_the_answer_to_the_last_key_is_what_is_shown(alice: Person, template: str) -> None:
    """Answers come in the other order."""
    page = alice.go(f"/create/?template={template}")
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "slow" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    intercept(page, "**/create/quote/", hold)
    field = page.get_by_label("Product", exact=True)
    field.fill("a slow one")
    eventually(page, lambda: bool(held))
    field.fill("the last one")
    expect(page.locator("#words")).to_contain_text("the last one")
    for route in held:
        route.abort() if route.request.failure else route.continue_()
    page.unroute("**/create/quote/")
    expect(page.locator("#words")).to_contain_text("the last one")


def test_alternatives_are_counted_priced_and_all_made(alice: Person, studio: RunningStudio) -> None:
    page = alice.go(FREE)
    before = len(requests_of(studio))
    page.locator("#panel textarea[name=prompt]").fill("a {cat|dog} on a {red|blue} sofa")
    expect(page.locator("#words")).to_contain_text("4 combinations")
    expect(page.locator("#words mark.alt")).to_have_count(2)
    page.get_by_role("button", name=re.compile(r"Make all 4\s*4 credits")).click()
    expect(page.locator("#feed article.batch[data-status=succeeded]")).to_have_count(1)
    assert requests_of(studio)[before:] == [f"a {pet} on a {colour} sofa" for pet in ("cat", "dog") for colour in ("red", "blue")]
    expect(page.locator("#stage .stage-job[data-status=succeeded]")).to_contain_text("many made together")
    page.locator("#panel textarea[name=prompt]").fill("a plain sofa")
    expect(page.locator("#words")).to_be_hidden()
    expect(page.locator(".all-press")).to_have_count(0)


def test_the_stage_ends_with_its_batch(alice: Person, studio: RunningStudio) -> None:
    """Whatever it saw while the batch was at work: what it asks for then says nothing here."""
    page = alice.go(FREE)

    def answer(route: Route) -> None:
        is_open = studio.rows("SELECT 1 FROM generation_job WHERE status IN ('queued', 'running')")
        route.fulfill(status=204) if is_open else route.continue_()

    intercept(page, "**/jobs/*/stage/**", answer)
    page.locator("#panel .counts label").filter(has_text=re.compile("^2$")).click()
    page.locator("#panel textarea[name=prompt]").fill("a {red|blue} {cat|house}")
    expect(page.locator("#words")).to_contain_text("4 combinations")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#stage .stage-job")).to_contain_text("many made together")
    expect(page.locator("#stage .stage-job[data-status=succeeded]")).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.unroute("**/jobs/*/stage/**")


def recalled(page: Page, key: str, text: str) -> None:
    prompt = page.locator("#panel textarea[name=prompt]")
    prompt.press(f"Alt+Arrow{key}")
    expect(prompt).to_have_value(text)


def test_what_one_wrote_comes_back(alice: Person, studio: RunningStudio) -> None:
    page = alice.go(FREE)
    done = page.locator("#feed article.job:not(.batch)[data-status=succeeded]")
    count = done.count()
    for number, words in enumerate(("a {cat|dog} on a sofa", "a first boat", "a second boat")):
        alice.generate(words, num_images="1")
        expect(done).to_have_count(count + number + 1)
    prompt = page.locator("#panel textarea[name=prompt]")
    prompt.fill("half a thought")
    recalled(page, "Up", "a second boat")
    recalled(page, "Up", "a first boat")
    recalled(page, "Up", "a {cat|dog} on a sofa")
    recalled(page, "Down", "a first boat")
    recalled(page, "Down", "a second boat")
    recalled(page, "Down", "half a thought")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#history-q")).to_be_focused()
    page.keyboard.insert_text("first")
    expect(page.locator("#history-found [data-recall]")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(prompt).to_be_focused()
    expect(prompt).to_have_value("a first boat")
