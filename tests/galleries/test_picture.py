"""The page of one picture: what it says, what it offers to whom, and the way to its neighbours."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import Team, User
from billing.models import Hold
from billing.services import wallets
from studio.backends.base import Mode
from studio.galleries import sorting
from studio.generation.models import Artifact, Job
from tests.factories import make_artifact, make_artifacts

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def thursday_afternoon() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def browser(alice: User, team: Team, client_of: Callable[..., Client]) -> Client:
    return client_of(alice)


def words(response: object) -> str:
    """What a person reads, with single spaces."""
    text = re.sub(r"<[^>]+>", " ", response.content.decode())  # type: ignore[attr-defined]
    return " ".join(text.split())


def test_it_says_how_the_picture_was_made(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(
        team,
        alice,
        made_at=NOW - timedelta(minutes=38),
        prompt="a red sailboat",
        negative_prompt="people, text",
        width=128,
        height=96,
        seed=2917440351,
        num_inference_steps=24,
        guidance_scale=5.5,
        scheduler="DPM++ 2M Karras",
        strength=0.65,
        extra={"clip_skip": 2},
        info={"device": "cuda:0", "dtype": "float16", "torch": "2.13.0"},
    )
    text = words(browser.get(f"/pictures/{picture.id}/"))
    for fact in (
        "a red sailboat",
        "without people, text",
        "Engine Test card",
        "Size 128 × 96",
        "Seed 2917440351",
        "Steps 24",
        "Guidance 5.5",
        "Sampler DPM++ 2M Karras",
        "Strength 0.65",
        "Clip skip 2",
        "Made by Alice Harbour",
        "When today at 14:22 , in 3.1 s",
        "charged 1 explain",
        "Device cuda:0",
        "Precision float16",
        "PyTorch 2.13.0",
        f"{picture.sha256[:16]}…",
    ):
        assert fact in text
    page = browser.get(f"/pictures/{picture.id}/").content.decode()
    assert 'data-copy="2917440351"' in page
    assert 'alt="a red sailboat"' in page
    assert f'src="/pictures/{picture.id}/original"' in page


def test_what_the_engine_chose_is_told_too(browser: Client, alice: User, team: Team) -> None:
    info = {"steps": 24, "scheduler": "DPM++ 2M", "pictures_in_run": 4}
    picture = make_artifact(team, alice, files=False, num_inference_steps=None, guidance_scale=None, info=info)
    text = words(browser.get(f"/pictures/{picture.id}/"))
    assert "Steps 24 Sampler DPM++ 2M Made by" in text
    assert "Pictures in this run 4 SHA-256" in text
    assert "Guidance" not in text


def test_a_prompt_is_text(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, prompt='<script>alert("x")</script> قارب أحمر 🦊' + "x" * 5000, files=False)
    page = browser.get(f"/pictures/{picture.id}/").content.decode()
    assert '<p class="quote" dir="auto">&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; قارب أحمر 🦊' in page
    assert "<script>alert" not in page


def test_the_cost_is_explained(browser: Client, alice: User, team: Team) -> None:
    pictures = make_artifacts(team, alice, 4, files=False)
    hold = Hold.objects.get(pk=pictures[0].job.hold_id)
    wallets.refund(hold, 500, reference="test", description="Half of one")
    text = words(browser.get(f"/pictures/{pictures[2].id}/"))
    assert "charged 1 explain" in text
    assert "All 4 pictures of this job" in text
    assert "4 pictures × 1 4" in text
    assert "Held before the start 4 Charged for what was delivered 4 Refunded later 0.5 By price list test-1." in text
    assert "Released again" not in text


def test_pictures_made_together_are_a_strip(browser: Client, alice: User, team: Team) -> None:
    four = make_artifacts(team, alice, 4, files=False)
    page = browser.get(f"/pictures/{four[1].id}/?q=red").content.decode()
    strip = page[page.index('aria-label="Made together"') : page.index("</nav>", page.index("Made together"))]
    assert re.findall(r'href="/pictures/([^/]+)/\?q=red"', strip) == [str(one.id) for one in four]
    assert re.findall(r'/pictures/([^/]+)/[^>]*aria-current="true"', strip) == [str(four[1].id)]
    alone = make_artifact(team, alice, files=False)
    assert b"Made together" not in browser.get(f"/pictures/{alone.id}/").content


def test_no_tree_for_a_picture_without_relatives(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, files=False)
    assert b"lineage-title" not in browser.get(f"/pictures/{picture.id}/").content


def test_a_tree_does_not_reach_into_another_team(browser: Client, alice: User, team: Team, other_team: Team, mallory: User) -> None:
    hers = make_artifact(other_team, mallory, files=False, prompt="secret of elsewhere")
    ours = make_artifact(team, alice, files=False, parent=hers)
    copied = make_artifact(other_team, mallory, files=False, parent=ours, prompt="another secret")
    page = browser.get(f"/pictures/{ours.id}/").content.decode()
    assert str(hers.id) not in page
    assert str(copied.id) not in page
    assert "secret" not in page


def test_a_loop_of_parents_ends(browser: Client, alice: User, team: Team) -> None:
    one = make_artifact(team, alice, files=False)
    two = make_artifact(team, alice, files=False, parent=one)
    Job.objects.filter(pk=one.job_id).update(parent=two)
    assert browser.get(f"/pictures/{one.id}/").status_code == 200


def test_neighbours_respect_the_filters(browser: Client, alice: User, team: Team, other_team: Team, mallory: User) -> None:
    prompts = ["red 0", "blue 1", "red 2", "blue 3", "red 4"]
    made = [
        make_artifact(team, alice, files=False, prompt=prompt, made_at=NOW - timedelta(hours=9 - place))
        for place, prompt in enumerate(prompts)
    ]
    make_artifact(other_team, mallory, files=False, prompt="red", made_at=NOW - timedelta(hours=6, minutes=30))

    def neighbours(artifact: Artifact, query: str = "") -> list[str]:
        page = browser.get(f"/pictures/{artifact.id}/{query}").content.decode()
        return re.findall(r'rel="(prev|next)" data-turn href="/pictures/([^"]+)"', page)

    assert neighbours(made[2]) == [("prev", f"{made[3].id}/"), ("next", f"{made[1].id}/")]
    assert neighbours(made[2], "?q=red") == [("prev", f"{made[4].id}/?q=red"), ("next", f"{made[0].id}/?q=red")]
    assert neighbours(made[4]) == [("next", f"{made[3].id}/")]
    assert neighbours(made[0]) == [("prev", f"{made[1].id}/")]
    assert neighbours(made[0], "?mode=upscaling") == []


def test_the_way_back_leads_to_the_place_in_the_library(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, files=False, prompt="red")
    page = browser.get(f"/pictures/{picture.id}/?q=red").content.decode()
    assert f'href="/library/?q=red&amp;until={picture.id}#p-{picture.id}" data-close-picture' in page


def uses(page: str) -> list[str]:
    return re.findall(r"\?from=[0-9a-f-]+&amp;use=(\w+)", page)


def test_only_what_a_present_engine_does_is_offered(browser: Client, alice: User, team: Team) -> None:
    here = make_artifact(team, alice, files=False, engine="null")
    gone = make_artifact(team, alice, files=False, engine="gone", engine_label="Gone XL")
    from studio.backends import registry

    engines = registry.engines()
    modes = {mode for engine in engines for mode in engine.modes}
    others = [
        use for use, mode in (("image", Mode.IMAGE_TO_IMAGE), ("mask", Mode.INPAINTING), ("upscale", Mode.UPSCALING)) if mode in modes
    ]
    assert any(engine.id == "null" for engine in engines)
    page = browser.get(f"/pictures/{here.id}/").content.decode()
    assert uses(page) == ["all", "remix", "seed", *others]
    assert f'href="/create/?from={here.id}&amp;use=all"' in page
    page = browser.get(f"/pictures/{gone.id}/").content.decode()
    assert uses(page) == others
    assert "not here any more" in page


def test_rights_decide_what_is_offered(team: Team, alice: User, bob: User, carol: User, client_of: Callable[..., Client]) -> None:
    picture = make_artifact(team, alice, files=False)
    member = client_of(bob).get(f"/pictures/{picture.id}/").content.decode()
    assert f'action="/pictures/{picture.id}/delete/"' in member
    assert uses(member)
    viewer = client_of(carol).get(f"/pictures/{picture.id}/").content.decode()
    assert "/delete/" not in viewer
    assert uses(viewer) == []
    assert f'href="/pictures/{picture.id}/download/"' in viewer


def test_strangers_learn_nothing(team: Team, alice: User, mallory: User, client_of: Callable[..., Client]) -> None:
    picture = make_artifact(team, alice)
    stranger = client_of(mallory)
    for path in ("", "original", "large", "thumb", "download/"):
        assert stranger.get(f"/pictures/{picture.id}/{path}").status_code == 404
        response = Client().get(f"/pictures/{picture.id}/{path}")
        assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next=/pictures/{picture.id}/{path}")


def test_a_link_works_whatever_team_one_is_at_work_in(alice: User, team: Team, client_of: Callable[..., Client]) -> None:
    picture = make_artifact(team, alice, files=False, prompt="ours")
    newer = make_artifact(team, alice, files=False, made_at=NOW + timedelta(hours=1))
    page = client_of(alice, alice.teams.get(is_personal=True)).get(f"/pictures/{picture.id}/").content.decode()
    assert 'alt="ours"' in page
    assert f'rel="prev" data-turn href="/pictures/{newer.id}/"' in page


def test_somebody_who_left_is_not_named(browser: Client, bob: User, team: Team) -> None:
    picture = make_artifact(team, bob, files=False)
    Artifact.objects.filter(pk=picture.pk).update(user=None)
    assert "Made by somebody who has left" in words(browser.get(f"/pictures/{picture.id}/"))


def test_a_large_picture_offers_a_smaller_file_to_small_screens(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, width=2048, height=1024, files=False)
    page = browser.get(f"/pictures/{picture.id}/").content.decode()
    assert f'srcset="/pictures/{picture.id}/large 1024w, /pictures/{picture.id}/original 2048w"' in page


def test_its_tags_lead_to_the_library_and_are_changed_on_the_page(
    team: Team, bob: User, carol: User, client_of: Callable[..., Client]
) -> None:
    picture = make_artifact(team, bob, files=False)
    sorting.set_tags([picture], add=["sea & sky", "boats"], by=bob)
    address = f"/pictures/{picture.id}/?q=red"
    member, viewer = client_of(bob), client_of(carol)
    page = member.get(address).content.decode()
    assert re.findall(r'href="(/library/\?tag=[^"]+)"', page) == ["/library/?tag=boats", "/library/?tag=sea%20%26%20sky"]
    assert re.findall(r'name="remove" value="([^"]+)"', page) == ["boats", "sea &amp; sky"]
    assert member.get("/library/?tag=sea%20%26%20sky").content.decode().count('id="p-') == 1

    # as the forms send it without JavaScript
    said = {"ids": str(picture.id), "next": address}
    forms = page[page.index('id="tags-less"') : page.index('id="tags-known"')]
    for name, value in said.items():
        assert forms.count(f'name="{name}" value="{value}"') == 2
    assert member.post("/library/bulk/tag/", {**said, "add": "new, red"})["Location"] == address
    assert member.post("/library/bulk/tag/", {**said, "remove": "boats"})["Location"] == address
    page = viewer.get(address).content.decode()
    assert re.findall(r'href="/library/\?tag=([^"]+)"', page) == ["new", "red", "sea%20%26%20sky"]
    assert "/library/bulk/tag/" not in page
    assert 'name="remove"' not in page


def test_the_tags_of_its_team_are_offered_whatever_team_one_is_at_work_in(
    team: Team, alice: User, mallory: User, client_of: Callable[..., Client]
) -> None:
    picture = make_artifact(team, alice, files=False)
    sorting.set_tags([picture], add=["boats"], by=alice)
    elsewhere = client_of(alice, alice.teams.get(is_personal=True))
    address = re.search(r'data-tags-url="([^"]+)"', elsewhere.get(f"/pictures/{picture.id}/").content.decode())[1]  # type: ignore[index]
    assert elsewhere.get(address).json() == {"tags": [{"name": "boats", "count": 1}]}
    assert elsewhere.get("/library/tags/").json() == {"tags": []}
    assert client_of(mallory).get(address).status_code == 404
    assert elsewhere.get("/library/tags/?picture=nonsense").status_code == 404


def test_a_picture_without_tags_says_nothing_of_them_to_who_may_not_edit(
    team: Team, alice: User, carol: User, client_of: Callable[..., Client]
) -> None:
    picture = make_artifact(team, alice, files=False)
    assert "None yet." in client_of(alice).get(f"/pictures/{picture.id}/").content.decode()
    assert "data-picture-tags" not in client_of(carol).get(f"/pictures/{picture.id}/").content.decode()
