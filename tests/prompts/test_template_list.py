"""The list of templates, and what is done to one as a whole."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from studio.generation.models import Artifact, Job
from studio.prompts.models import PromptTemplate, TemplateFavorite
from studio.prompts.services import templates
from studio.prompts.starters import starters
from tests.factories import draw, make_artifact
from tests.prompts.factories import TYPED, make_template, newest, page_of, said

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


# --- the list --------------------------------------------------------------------------------------------------------
def names(answer: Any) -> list[str]:
    return [card.name for card in answer.context["cards"]]


@pytest.fixture
def shelf(alice, bob, team):
    """Five templates: two of alice's, one of them private, two of bob's, one of them private, one put away."""
    made = {
        "mug": make_template(team, alice, name="A mug", tags=["shop", "été"]),
        "mine": make_template(team, alice, name="Only mine", visibility="private"),
        "icon": make_template(team, bob, name="An icon", description="Flat and round", tags=["shop"], is_published=False),
        "his": make_template(team, bob, name="Only his", visibility="private"),
        "old": make_template(team, bob, name="An old one"),
    }
    templates.archive(made["old"], by=bob)
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["An icon", "Only mine", "A mug"]),
        ("?show=mine", ["Only mine", "A mug"]),
        ("?show=archived", ["An old one"]),
        ("?show=favourites", []),
        ("?show=recent", []),
        ("?show=nonsense&page=x", ["An icon", "Only mine", "A mug"]),
        ("?tag=shop", ["An icon", "A mug"]),
        ("?tag=ÉTÉ", ["A mug"]),
        ("?tag=sho", []),
        ("?q=flat", ["An icon"]),
        ("?q=été", ["A mug"]),
        ("?q=a+mug+%00", ["A mug"]),
        ("?q=shop&show=mine", ["A mug"]),
    ],
)
def test_the_list_is_narrowed(alice, client_of, shelf, query, found):
    assert names(client_of(alice).get(f"/templates/{query}")) == found


def test_favourites_come_first_and_recent_ones_are_ones_own(alice, bob, team, client_of, shelf):
    client = client_of(alice)
    answer = client.post(page_of(shelf["mug"], "favorite/"), {"on": "1"}, headers=HTMX)
    assert 'aria-pressed="true"' in said(answer)
    assert list(TemplateFavorite.objects.values_list("user", "template")) == [(alice.pk, shelf["mug"].pk)]
    assert names(client.get("/templates/")) == ["A mug", "An icon", "Only mine"]
    assert names(client.get("/templates/?show=favourites")) == ["A mug"]
    assert names(client_of(bob).get("/templates/?show=favourites")) == []
    for name in ("mine", "mug"):
        picture = make_artifact(team, alice)
        Job.objects.filter(pk=picture.job_id).update(template_version=newest(shelf[name]))
    answer = client.get("/templates/?show=recent")
    assert (names(answer), [card.pictures for card in answer.context["cards"]]) == (["A mug", "Only mine"], [1, 1])
    assert names(client_of(bob).get("/templates/?show=recent")) == []
    client.post(page_of(shelf["mug"], "favorite/"), {"on": "0", "next": "/templates/"})
    assert TemplateFavorite.objects.count() == 0


def test_the_list_asks_as_many_questions_of_one_template_as_of_many(alice, team, client_of, django_assert_max_num_queries):
    client = client_of(alice)
    make_template(team, alice)
    client.get("/templates/")
    with django_assert_max_num_queries(100) as few:
        client.get("/templates/")
    for number in range(8):
        make_template(team, alice, name=f"Another {number}", tags=[f"tag {number}"])
    with django_assert_max_num_queries(len(few)):
        client.get("/templates/")


def test_a_template_without_a_cover_shows_the_newest_picture_that_was_made_with_it(alice, team, client_of):
    made, covered = make_template(team, alice), make_template(team, alice, name="Covered")
    templates.set_cover(covered, draw(), by=alice)
    pictures = [make_artifact(team, alice) for _ in range(3)]
    for picture, template in zip(pictures, (made, made, covered), strict=True):
        Job.objects.filter(pk=picture.job_id).update(template_version=newest(template))

    def shown() -> dict[str, Any]:
        return {card.name: card.picture_id for card in client_of(alice).get("/templates/").context["cards"]}

    assert shown() == {"Product photo": pictures[1].pk, "Covered": None}
    assert f"/pictures/{pictures[1].pk}/thumb" in said(client_of(alice).get("/templates/"))
    Artifact.objects.filter(pk=pictures[1].pk).update(deleted_at=timezone.now())
    assert shown()["Product photo"] == pictures[0].pk
    Artifact.objects.filter(pk=pictures[0].pk).update(deleted_at=timezone.now())
    assert shown()["Product photo"] is None


def test_starters_are_shown_until_there_are_some_templates(alice, carol, team, client_of):
    def offered(user: Any, query: str = "") -> list[str]:
        return [slug for slug, _ in client_of(user).get(f"/templates/{query}").context["starters"]]

    page = said(client_of(alice).get("/templates/"))
    assert f"All {len(starters())} starters" in page
    assert offered(alice) == list(starters())[:3]
    assert (offered(carol), offered(alice, "?q=x"), offered(alice, "?show=mine")) == ([], [], [])
    client_of(alice).post(f"/templates/starters/{next(iter(starters()))}/")
    assert offered(alice) == list(starters())[1:4]
    for name in ("One", "Two"):
        make_template(team, alice, name=name)
    assert offered(alice) == []


def test_who_only_looks_sees_no_buttons(carol, alice, team, client_of):
    made = make_template(team, alice)
    listed, page = client_of(carol).get("/templates/"), client_of(carol).get(page_of(made))
    assert "/templates/new/" not in said(listed)
    assert 'id="editor"' not in said(page)
    assert "Publish" not in said(page).replace("published", "").replace("Published", "")


# --- the whole of it -------------------------------------------------------------------------------------------------
def test_describe(alice, team, client_of):
    made = make_template(team, alice)
    client_of(alice).post(page_of(made, "about/"), {"name": "Shop", "description": "x", "tags": "a, b"})
    made.refresh_from_db()
    assert (made.name, made.description, made.tags) == ("Shop", "x", ["a", "b"])
    answer = client_of(alice).post(page_of(made, "about/"), {"name": "", "description": "y" * 3, "tags": "z" * 50})
    assert (answer.status_code, "A tag has at most 40 characters" in said(answer), "yyy" in said(answer)) == (422, True, True)
    assert PromptTemplate.objects.get().name == "Shop"


def test_put_away_and_back(alice, team, client_of):
    made = make_template(team, alice)
    client = client_of(alice)
    answer = client.post(page_of(made, "archive/"), follow=True)
    assert (names(answer), "is in the archive." in said(answer)) == ([], True)
    page = said(client.get(page_of(made)))
    assert "Bring it back" in page
    assert 'id="editor"' not in page
    assert client.post(page_of(made), TYPED).status_code == 422
    assert made.versions.count() == 1
    client.post(page_of(made, "archive/"), {"back": "1"})
    assert names(client.get("/templates/")) == ["Product photo"]


def test_visibility(alice, bob, team, client_of):
    made = make_template(team, bob)
    answer = client_of(alice).post(page_of(made, "visibility/"), {"visibility": "private"})
    assert (answer.status_code, "Only the person who made this template" in said(answer)) == (422, True)
    for wrong in ("link", "everybody", ""):
        assert client_of(bob).post(page_of(made, "visibility/"), {"visibility": wrong}).status_code == 422
    assert PromptTemplate.objects.get().visibility == "team"
    client_of(bob).post(page_of(made, "visibility/"), {"visibility": "private"})
    assert client_of(alice).get(page_of(made)).status_code == 404


@pytest.mark.parametrize("path", ["", "versions/1/", "diff/", "cover/"])
def test_what_somebody_keeps_to_themselves_is_not_there_for_others(alice, bob, team, client_of, path):
    made = make_template(team, bob, visibility="private")
    templates.set_cover(made, draw(), by=bob)
    assert client_of(alice).get(page_of(made, path)).status_code == 404
    assert client_of(bob).get(page_of(made, path)).status_code == 200


@pytest.mark.parametrize(
    "path", ["", "preview/", "about/", "favorite/", "archive/", "visibility/", "cover/", "versions/1/publish/", "versions/1/restore/"]
)
def test_what_somebody_keeps_to_themselves_is_changed_by_nobody_else(alice, bob, team, client_of, path):
    made = make_template(team, bob, visibility="private", is_published=False)
    given = {**TYPED, "on": "1", "name": "Mine now", "visibility": "team"}
    assert client_of(alice).post(page_of(made, path), given).status_code == 404
    made.refresh_from_db()
    assert (made.name, made.visibility, made.versions.count(), made.published, made.archived_at, TemplateFavorite.objects.count()) == (
        "Product photo",
        "private",
        1,
        None,
        None,
        0,
    )


def cover_of(client, made) -> tuple[str, tuple[int, int]]:
    answer = client.get(page_of(made, "cover/"))
    assert "immutable" in answer["Cache-Control"]
    picture = Image.open(io.BytesIO(answer.content))
    return answer["Content-Type"], picture.size


def test_a_cover_is_uploaded_chosen_or_the_newest(alice, team, client_of):
    made = make_template(team, alice)
    client = client_of(alice)
    assert client.get(page_of(made, "cover/")).status_code == 404
    upload = SimpleUploadedFile("x.png", draw(1024, 512), "image/png")
    assert client.post(page_of(made, "cover/"), {"file": upload}).status_code == 302
    assert cover_of(client, made) == ("image/webp", (512, 256))
    picture = make_artifact(team, alice, width=80, height=40)
    client.post(page_of(made, "cover/"), {"picture": f"http://testserver/pictures/{picture.pk}/"})
    assert cover_of(client, made) == ("image/webp", (80, 40))
    answer = client.post(page_of(made, "cover/"), {"newest": "1"})
    assert (answer.status_code, "Nothing has been made with this template yet." in said(answer)) == (422, True)
    mine = make_artifact(team, alice, width=96, height=64)
    Job.objects.filter(pk=mine.job_id).update(template_version=newest(made))
    client.post(page_of(made, "cover/"), {"newest": "1"})
    assert cover_of(client, made) == ("image/webp", (96, 64))
    client.post(page_of(made, "cover/"), {"remove": "1"})
    assert PromptTemplate.objects.get().cover == ""


def test_a_cover_is_no_other_teams_picture(alice, team, mallory, other_team, client_of):
    made = make_template(team, alice)
    foreign = make_artifact(other_team, mallory)
    assert client_of(alice).post(page_of(made, "cover/"), {"picture": str(foreign.pk)}).status_code == 404
    for wrong in ({"picture": "nonsense"}, {}, {"file": SimpleUploadedFile("x.png", b"no picture", "image/png")}):
        answer = client_of(alice).post(page_of(made, "cover/"), wrong)
        assert (answer.status_code, 'role="alert"' in said(answer)) == (422, True)
    assert PromptTemplate.objects.get().cover == ""
