"""A picture of Stability's as an operator and a person meet it: one key in the environment, a stand-in for the provider, a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Person
from tests.browser.running import RunningStudio, eventually
from tests.browser.seeding import dashed
from tests.stability_server.standin import StandIn

CORE = "/create/?engine=stable-image-core&mode=text-to-image"
KEY = "sk-canary-0123456789abcdefghijklmnop"


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with StandIn(key=KEY, result_seconds=0) as one:
        yield one


@pytest.fixture(scope="module")
def studio(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(
        tmp_path_factory.mktemp("studio"),
        STUDIO_LOCAL_RUNNER="0",
        STUDIO_SIGNUP="open",
        STUDIO_WELCOME_CREDITS="500",
        STABILITY_API_KEY=KEY,
        STABILITY_API_HOST=standin.url,
    )
    running.start()
    running.wait_for(r"^remote.*worker_ready.*stability")
    yield running
    assert running.stop() == 0
    assert "canary" not in "\n".join(running.lines)


@pytest.fixture(scope="module")
def signed_in(browser, studio):
    context = browser.new_context()
    Person(context, studio).arrive("Ana Marques")
    yield context.storage_state()
    context.close()


@pytest.fixture
def ana(person, signed_in, standin: StandIn):
    """Ana, with Core in the panel."""
    standin.reset()
    one = person(storage_state=signed_in)
    one.go(CORE)
    return one


def make(ana: Person, studio: RunningStudio, status: str, prompt: str, **fields: str) -> Locator:
    """Press Generate; the stage, once it shows the end of this job."""
    ana.generate(prompt, **fields)
    newest = "SELECT id FROM generation_job WHERE prompt = ?"
    eventually(ana.page, lambda: bool(studio.rows(newest, prompt)))
    stage = ana.page.locator(f"#stage-{dashed(studio.rows(newest, prompt)[0][0])}[data-status={status}]")
    expect(stage).to_be_visible()
    return stage


@pytest.mark.parametrize(("form", "mime"), [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")])
def test_a_picture_of_core_in_each_format(ana, studio: RunningStudio, standin: StandIn, form: str, mime: str) -> None:
    page = ana.page
    before = float(ana.balance())
    expect(page.locator("#generate")).to_contain_text("3 credits")
    make(ana, studio, "succeeded", f"a red sailboat at sunset, {form}", output_format=form, aspect_ratio="3:2")

    expect(page.locator("#balance .num")).to_have_text(f"{before - 3:g}")
    assert [str(charge.credits) for charge in standin.books] == ["3"]
    [*_, asked] = [request for request in standin.requests if request.method == "POST"]  # the balance is asked for as well
    assert (asked.fields["output_format"], asked.fields["aspect_ratio"]) == (form, "3:2")
    [(artifact, kept, width, height)] = studio.rows("SELECT id, mime, width, height FROM generation_artifact ORDER BY id DESC LIMIT 1")
    assert (kept, width > height) == (mime, True)
    for variant in ("original", "large", "thumb"):
        answer = page.request.get(f"{studio.url}/pictures/{dashed(artifact)}/{variant}")
        assert (answer.status, answer.headers["content-type"]) == (200, mime if variant == "original" else "image/webp")
    ana.go(f"/pictures/{dashed(artifact)}/")
    expect(page.locator("body")).to_contain_text("Stable Image Core")
    studio.assert_the_ledger_agrees()


def test_what_the_filter_took_costs_nothing_and_says_so(ana, studio: RunningStudio, standin: StandIn) -> None:
    before = ana.balance()
    stage = make(ana, studio, "failed", "blurme")
    expect(stage).to_contain_text("What was made was filtered.")

    expect(ana.page.locator("#balance .num")).to_have_text(before)
    assert [charge.finish_reason for charge in standin.books] == ["CONTENT_FILTERED"]
    studio.assert_the_ledger_agrees()


def test_some_of_four_are_lost_and_the_others_are_delivered(ana, studio: RunningStudio, standin: StandIn) -> None:
    before = float(ana.balance())
    standin.faults.add("filtered")
    standin.faults.add("drop-mid-body")
    make(ana, studio, "succeeded", "a harbour in four pictures", num_images="4")

    expect(ana.page.locator("#balance .num")).to_have_text(f"{before - 6:g}")
    assert len(standin.books) == 4
    assert studio.rows("SELECT delivered FROM generation_job ORDER BY id DESC LIMIT 1") == [(2,)]
    studio.assert_the_ledger_agrees()


def test_a_key_that_is_refused_sends_the_person_to_the_operator(ana, studio: RunningStudio, standin: StandIn) -> None:
    standin.keys[KEY].revoke()
    stage = make(ana, studio, "failed", "a boat nobody may draw")
    expect(stage).to_contain_text("The provider does not accept the studio's key.")

    assert "canary" not in ana.page.content()
    studio.wait_for("Stability does not accept the key [0-9a-f]{12}")
