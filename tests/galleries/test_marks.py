"""What a person thinks of a picture: stars and a heart on its page, and the keys that press them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from studio.galleries.models import Mark
from studio.generation.models import Artifact
from tests.factories import make_artifact


@pytest.fixture
def picture(team: Team, alice: User) -> Artifact:
    return make_artifact(team, alice, files=False)


def marks() -> list[tuple[str, int, bool]]:
    return [(mark.user.get_short_name(), mark.rating, mark.is_favourite) for mark in Mark.objects.order_by("id").select_related("user")]


def shown(page: str) -> tuple[list[str], list[str]]:
    """The rating that is chosen, and whether the heart is pressed."""
    form = page[page.index('<form id="mark"') : page.index("</form>", page.index('<form id="mark"'))]
    return re.findall(r'name="rating" value="(\d)" checked', form), re.findall(r'aria-pressed="(\w+)"', form)


def test_stars_and_heart_are_each_one_s_own(picture: Artifact, alice: User, carol: User, client_of: Callable[..., Client]) -> None:
    hers, viewer = client_of(alice), client_of(carol)
    path = f"/pictures/{picture.pk}/mark/"
    answer = hers.post(f"{path}?q=red", {"rating": "4"})
    assert (answer.status_code, answer["Location"]) == (302, f"/pictures/{picture.pk}/?q=red")
    hers.post(path, {"favourite": "on"})
    viewer.post(path, {"rating": "2", "favourite": "off"})
    assert marks() == [("Alice", 4, True), ("Carol", 2, False)]
    assert shown(hers.get(f"/pictures/{picture.pk}/").content.decode()) == (["4"], ["true"])
    assert shown(viewer.get(f"/pictures/{picture.pk}/").content.decode()) == (["2"], ["false"])
    hers.post(path, {"rating": "0"})
    assert marks()[0] == ("Alice", 0, True)


def test_htmx_gets_the_control_as_it_is_now(picture: Artifact, alice: User, client_of: Callable[..., Client]) -> None:
    answer = client_of(alice).post(f"/pictures/{picture.pk}/mark/", {"rating": "5"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert shown(answer.content.decode()) == (["5"], ["false"])
    assert "<html" not in answer.content.decode()


@pytest.mark.parametrize("asked", [{"rating": "6"}, {"rating": "-1"}, {"rating": "many"}, {"favourite": "maybe"}])
def test_what_is_no_rating_changes_nothing(picture: Artifact, alice: User, client_of: Callable[..., Client], asked: dict[str, str]) -> None:
    browser = client_of(alice)
    refused = browser.post(f"/pictures/{picture.pk}/mark/", asked, headers={"HX-Request": "true"})
    assert refused.status_code == 400
    assert "A rating is a number from 0 to 5." in refused.content.decode()
    assert browser.post(f"/pictures/{picture.pk}/mark/", asked).status_code == 302
    assert marks() == []


def test_nobody_else_marks_it(picture: Artifact, mallory: User, client_of: Callable[..., Client]) -> None:
    path = f"/pictures/{picture.pk}/mark/"
    assert client_of(mallory).post(path, {"rating": "1"}).status_code == 404
    assert Client().post(path, {"rating": "1"}).status_code == 302
    assert client_of(mallory).get(path).status_code == 405
    assert marks() == []


def test_what_is_in_the_trash_is_not_marked(picture: Artifact, alice: User, client_of: Callable[..., Client]) -> None:
    Artifact.objects.filter(pk=picture.pk).update(deleted_at=timezone.now())
    browser = client_of(alice)
    assert 'id="mark"' not in browser.get(f"/pictures/{picture.pk}/").content.decode()
    assert browser.post(f"/pictures/{picture.pk}/mark/", {"rating": "1"}).status_code == 404
    assert marks() == []


def test_one_from_outside_says_where_it_is_from(picture: Artifact, alice: User, client_of: Callable[..., Client]) -> None:
    settings = {"num_inference_steps": 30, "negative_prompt": "<i>people</i>", "extra": "nonsense"}
    Artifact.objects.filter(pk=picture.pk).update(
        job=None, engine="", mode="", engine_label="Uploaded", charged=0, seed=None, info={"settings": settings}
    )
    page = client_of(alice).get(f"/pictures/{picture.pk}/").content.decode()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for fact in ("Source Uploaded", "Steps 30", "Uploaded by Alice Harbour", "without &lt;i&gt;people&lt;/i&gt;"):
        assert fact in text
    for word in ("not here any more", "charged", "Settings", "use=all", "lineage-title", "Made together"):
        assert word not in page
    assert "use=image" in page
