"""From the owner's first terms to a newcomer in the team: the letter, its link, sign-up with the terms; new terms in the middle of work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import RunningStudio


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("letters")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, letters: Path) -> Iterator[RunningStudio]:
    """A studio for invited people, with a mail server that is a folder, and an engine that needs no model."""
    quick = {"STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_EMAIL_URL": f"filemail:///{letters}"}
    running = RunningStudio(tmp_path_factory.mktemp("studio"), **quick)
    running.start()
    yield running
    assert running.stop() == 0


def publish(page: Page, text: str, summary: str = "") -> None:
    """Write the next version of the terms in the admin, and agree to it."""
    page.get_by_label("Text").fill(text)
    page.get_by_label("What is new").fill(summary)
    page.get_by_role("button", name="Save and publish").click()
    page.get_by_role("button", name="I agree").click()
    expect(page).to_have_url(re.compile("/admin/"))


def test_from_the_letter_into_the_team(person: Callable[..., Person], studio: RunningStudio, letters: Path) -> None:
    alice, dan = person(), person()
    alice.arrive("Alice Harbour")
    publish(alice.go("/admin/accounts/terms/add/"), "# Our house\n\nBe <b>kind</b>.")

    page = alice.go("/account/#teams")
    page.get_by_label("Name of the team").fill("Harbour Street")
    page.get_by_role("button", name="Make a team").click()
    page = alice.go("/team/")
    page.get_by_label("Email addresses").fill("dan@harbour.example, dan@")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("“dan@” does not look like an address.")).to_be_visible()
    page.get_by_label("Email addresses").fill("dan@harbour.example")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("The letter to dan@harbour.example is on its way.")).to_be_visible()
    expect(page.get_by_role("list", name="Open invitations")).to_contain_text("dan@harbour.example")

    [letter] = [file.read_text() for file in letters.iterdir()]
    link = re.search(rf"^{re.escape(studio.url)}(/invitations/\S+)$", letter, re.MULTILINE)[1]
    page = dan.go(link)
    expect(page.get_by_role("heading", name="Join Harbour Street")).to_be_visible()
    page.get_by_role("link", name="Make an account").click()
    page.get_by_label("Your name").fill("Dan Newcomer")
    expect(page.get_by_label("Email")).to_have_value("dan@harbour.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_text("The terms, version 1").click()
    expect(page.get_by_role("region", name="Terms of this studio")).to_contain_text("Be <b>kind</b>.")
    page.get_by_label("I agree to the terms").check()
    page.get_by_role("button", name="Join the studio").click()
    page.wait_for_url("**/create/**")
    expect(page.locator(".team-name")).to_have_text("Harbour Street")
    assert studio.rows("SELECT COUNT(*) FROM accounts_agreement") == [(2,)]

    # New terms while Dan writes a prompt: nothing of it is lost.
    page.locator("#panel textarea[name=prompt]").fill("a red boat at dawn")
    publish(alice.go("/admin/accounts/terms/add/"), "# Our house\n\nBe kinder.", "Kinder than before.")
    page.locator("#panel textarea[name=prompt]").press("Control+Enter")
    page.wait_for_url("**/terms/**")
    expect(page.get_by_text("Kinder than before.")).to_be_visible()
    page.get_by_role("button", name="I agree").click()
    page.wait_for_url("**/create/**")
    expect(page.locator("#panel textarea[name=prompt]")).to_have_value("a red boat at dawn")
    assert studio.rows("SELECT COUNT(*) FROM generation_job") == [(0,)]
