"""Prompts that a studio or a team does not want: refused at the front door, with nothing charged and nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Team, User
from billing.services import wallets
from studio.generation.models import Job
from studio.moderation import words
from studio.moderation.models import WordList
from tests.factories import make_job

ClientOf = Callable[..., Client]


@pytest.fixture(autouse=True)
def null_engine(settings: Any) -> None:
    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}


@pytest.fixture
def rich(team: Team) -> Team:
    wallets.grant(wallets.wallet_of(team), 10_000, reference="test", description="For a test")
    return team


def press(client: Client, prompt: str, **fields: str) -> Any:
    data = {"engine": "null", "mode": "text-to-image", "prompt": prompt, "idempotency_key": f"key {prompt}"[:60], **fields}
    return client.post(reverse("create"), data, headers={"HX-Request": "true"})


def test_a_refused_prompt_costs_nothing_and_stays_in_its_field(bob: User, rich: Team, client_of: ClientOf) -> None:
    response = press(client_of(bob), "a nude <b>sailor</b>")
    assert response.status_code == 422
    page = response.content.decode()
    assert "Prompts here may not have “nude”. Say it in other words; an admin of the team can change the list." in page
    assert "a nude &lt;b&gt;sailor&lt;/b&gt;</textarea>" in page
    assert not Job.objects.exists()
    assert wallets.wallet_of(rich).held == 0


def test_what_shall_be_left_out_may_be_named(bob: User, rich: Team, client_of: ClientOf) -> None:
    assert press(client_of(bob), "a sailor", negative_prompt="nude, gore").status_code == 200
    assert Job.objects.get().prompt == "a sailor"


def test_the_operator_can_switch_it_off(bob: User, rich: Team, client_of: ClientOf, settings: Any) -> None:
    settings.WORD_FILTER = False
    assert press(client_of(bob), "a nude study").status_code == 200
    assert Job.objects.get().prompt == "a nude study"


def test_a_retry_is_looked_at_too(bob: User, team: Team, client_of: ClientOf) -> None:
    job = make_job(team, bob, status=Job.Status.FAILED, prompt="a purple castle")
    words.change_words(team, blocked="castle", allowed="", by=bob)
    response = client_of(bob).post(reverse("job_retry", args=[job.pk]), headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "may not have “castle”" in response.content.decode()
    assert Job.objects.count() == 1


def test_an_admin_blocks_and_allows(alice: User, team: Team, other_team: Team, client_of: ClientOf) -> None:
    page = client_of(alice).post(reverse("team_words"), {"blocked": "castle*\n", "allowed": "nude"}, follow=True)
    assert "Saved. It holds for what is asked for from now on." in page.content.decode()
    assert words.refused_words(team, {"a": "a nude in a castle", "b": "castles", "c": "a boat"}) == {"a": ["castle…"], "b": ["castle…"]}
    assert words.refused_words(other_team, {"a": "a nude in a castle"}) == {"a": ["nude"]}
    assert AuditEntry.objects.filter(team=team).latest("id").text == "changed the words that prompts may have"


def test_a_line_that_makes_no_sense_is_said_beside_its_list_and_nothing_changes(alice: User, team: Team, client_of: ClientOf) -> None:
    words.change_words(team, blocked="castle", allowed="", by=alice)
    response = client_of(alice).post(reverse("team_words"), {"blocked": "tower\nx*", "allowed": "nude"})
    assert response.status_code == 422
    assert "Line 2, “x*”: at least three letters have to stand before a *." in response.content.decode()
    assert "tower\nx*</textarea>" in response.content.decode()
    assert WordList.objects.get(team=team).blocked == "castle"


def test_a_prompt_can_be_tried(alice: User, team: Team, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert "Refused because of <strong>nude</strong>." in client.get(reverse("team_words"), {"sample": "n u d e"}).content.decode()
    assert "This prompt is fine." in client.get(reverse("team_words"), {"sample": "a boat"}).content.decode()
    assert "Write a prompt to try." in client.get(reverse("team_words"), {"sample": ""}).content.decode()


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_only_admins_see_and_change_the_lists(who: str, team: Team, client_of: ClientOf, request: pytest.FixtureRequest) -> None:
    client = client_of(request.getfixturevalue(who))
    assert client.get(reverse("team_words")).status_code == 403
    assert client.post(reverse("team_words"), {"blocked": "boat"}).status_code == 403
    assert not WordList.objects.exists()


def test_the_operator_brings_a_list_of_their_own(team: Team, tmp_path: Path, settings: Any) -> None:
    settings.WORD_LIST = str(tmp_path / "words.txt")
    (tmp_path / "words.txt").write_text("boat\n", "utf-8")
    assert words.refused_words(team, {"a": "a nude in a boat"}) == {"a": ["boat"]}


@pytest.mark.parametrize(("text", "sentence"), [(None, "cannot be read"), ("a|", "has no word where there should be one")])
def test_a_list_that_cannot_be_read_stops_the_start(text: str | None, sentence: str, tmp_path: Path, settings: Any) -> None:
    settings.WORD_LIST = str(tmp_path / "words.txt")
    if text:
        (tmp_path / "words.txt").write_text(text, "utf-8")
    with pytest.raises(SystemCheckError, match=sentence):
        call_command("check")
