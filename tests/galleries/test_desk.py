"""Many pictures at once: tags, marks, trash, each with the way back that it came with, and who may do what."""

from __future__ import annotations

import html
import re
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Membership, Role, Team, User
from studio.galleries import bulk, curating, sorting
from studio.galleries.errors import TagRefused
from studio.galleries.models import Gallery, GalleryItem, Mark, Tag, Tagging, Visibility
from studio.generation.models import Artifact
from tests.factories import make_artifact, make_artifacts

HTMX = {"HX-Request": "true"}


@pytest.fixture
def pictures(team: Team, alice: User, bob: User) -> list[Artifact]:
    """Two by alice, one by bob."""
    return [make_artifact(team, who, files=False, prompt=f"a boat {n}") for n, who in enumerate((alice, alice, bob))]


def do(client: Client, action: str, pictures: Sequence[Artifact], **fields: object) -> object:
    return client.post(f"/library/bulk/{action}/", {"ids": [str(one.pk) for one in pictures], **fields}, headers=HTMX)


def said(response: object) -> str:
    return html.unescape(re.search(r"<span>(.*?)</span>", response.content.decode())[1])  # type: ignore[attr-defined]


def undo(client: Client, response: object) -> object:
    token = re.search(r'name="token" value="([^"]+)"', response.content.decode())[1]  # type: ignore[attr-defined]
    return client.post("/library/undo/", {"token": token}, headers=HTMX)


def tags(picture: Artifact) -> list[str]:
    """As the picture's own row has them, which must be what the rows of tags say."""
    own = Artifact.objects.get(pk=picture.pk).tags
    assert sorted(Tagging.objects.filter(artifact=picture).values_list("tag__name", flat=True)) == sorted(own.split("\n") if own else [])
    return own.split("\n") if own else []


def trashed(pictures: Sequence[Artifact]) -> list[bool]:
    at = dict(Artifact.objects.filter(pk__in=[one.pk for one in pictures]).values_list("pk", "deleted_at"))
    return [at[one.pk] is not None for one in pictures]


# --- tags ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  sunset ", "sunset"),
        ("golden   hour", "golden hour"),
        ("ﬁne", "fine"),
        ("Cafe\u0301", "Café"),
        ("👩\u200d🎨", "👩\u200d🎨"),
        ("a" * 50, "a" * 50),
    ],
)
def test_a_tag_s_name_is_composed_and_trimmed(typed: str, kept: str) -> None:
    assert sorting.normalised(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", "  ", "a\nb", "a\0b", "a\u2028b", "a\u202eb", "\u200b", "\u3164", "\ufe0f", "a,b", "a" * 51, "ﷺ" * 3]
)
def test_what_is_no_name_for_a_tag(typed: str) -> None:
    with pytest.raises(TagRefused):
        sorting.normalised(typed)


def test_tags_are_given_taken_and_put_back_as_they_were(
    pictures: list[Artifact], alice: User, bob: User, client_of: Callable[..., Client]
) -> None:
    sorting.set_tags(pictures[:1], add=["Harbour", "old"], by=bob)
    browser = client_of(alice)
    answer = do(browser, "tag", pictures, add=["harbour", "sea, Sunset"], remove=["OLD"])
    assert said(answer) == "Tags of 3 pictures changed."
    assert f'data-own data-ids="{" ".join(str(one.pk) for one in pictures)}"' in answer.content.decode()  # type: ignore[attr-defined]
    assert [tags(one) for one in pictures] == [["Harbour", "sea", "Sunset"]] * 3
    assert Tag.objects.filter(key="harbour").count() == 1
    assert said(undo(browser, answer)) == "The tags are as they were."
    assert [tags(one) for one in pictures] == [["Harbour", "old"], [], []]
    assert set(Tagging.objects.values_list("tag__name", "user__name")) == {("Harbour", "Bob Member"), ("old", "Bob Member")}


def test_an_answer_about_many_has_a_short_head(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    """nginx takes 4 kB of head unless it is told otherwise, and answers 502 for more, when all is done already."""
    many = make_artifacts(team, alice, 150, files=False)
    answer = do(client_of(alice), "favourite", many)
    assert str(many[-1].pk) in answer.content.decode()  # type: ignore[attr-defined]
    assert sum(len(name) + len(value) for name, value in answer.items()) < 2000  # type: ignore[attr-defined]


def test_more_tags_than_anybody_means_are_refused_before_they_are_multiplied(pictures: list[Artifact], alice: User) -> None:
    for change in ({"add": map(str, range(31))}, {"remove": map(str, range(101))}):
        with pytest.raises(TagRefused, match="Nothing was changed"):
            sorting.set_tags(pictures, **change, by=alice)
    assert not Tag.objects.exists()


def test_a_tag_is_found_however_its_letters_are_put_together(
    pictures: list[Artifact], team: Team, alice: User, client_of: Callable[..., Client]
) -> None:
    """Folding the case takes the Greek letter apart, into three."""
    sorting.set_tags(pictures[:1], add=["\u0390"], by=alice)
    page = client_of(alice).get("/library/", {"tag": "\u0390"}).content.decode()
    assert [str(one.pk) in page for one in pictures] == [True, False, False]


def test_a_tag_that_is_refused_changes_nothing(pictures: list[Artifact], alice: User, client_of: Callable[..., Client]) -> None:
    sorting.set_tags(pictures[2:], add=[f"tag {n}" for n in range(30)], by=alice)
    browser = client_of(alice)
    for add, why in (
        ("one more", "A picture has at most 30 tags. Nothing was changed."),
        ("fine,a\tb", "A tag holds no line breaks and no control characters."),
    ):
        answer = do(browser, "tag", pictures, add=add)
        assert (answer.status_code, said(answer)) == (400, why)  # type: ignore[attr-defined]
    assert [len(tags(one)) for one in pictures] == [0, 0, 30]
    assert said(do(browser, "tag", pictures, add=" , ")) == "Write a tag first."
    assert said(do(browser, "tag", pictures[2:], add="new", remove="tag 1")) == "Tags of 1 picture changed."
    assert len(tags(pictures[2])) == 30


def test_tags_are_suggested_by_their_beginning_and_use(
    pictures: list[Artifact], alice: User, mallory: User, other_team: Team, client_of: Callable[..., Client]
) -> None:
    sorting.set_tags(pictures, add=["sea"], by=alice)
    sorting.set_tags(pictures[:2], add=["Seaside", "hill"], by=alice)
    sorting.set_tags(pictures[:1], add=["sunset"], by=alice)
    elsewhere = make_artifact(other_team, mallory, files=False)
    sorting.set_tags([elsewhere], add=["secret"], by=mallory)
    browser = client_of(alice)
    do(browser, "trash", pictures[:1])
    assert browser.get("/library/tags/?q=").json() == {
        "tags": [{"name": "sea", "count": 2}, {"name": "hill", "count": 1}, {"name": "Seaside", "count": 1}]
    }
    assert browser.get("/library/tags/?q=SEA").json() == {"tags": [{"name": "sea", "count": 2}, {"name": "Seaside", "count": 1}]}
    assert browser.get("/library/tags/?q=100%25%00").json() == {"tags": []}


@pytest.mark.django_db(transaction=True)
def test_two_people_who_tag_the_same_at_once(team: Team, alice: User, bob: User) -> None:
    """All that both gave is there, in the rows and in the picture's own list."""
    picture = make_artifact(team, alice, files=False)
    together = threading.Barrier(2)

    def give(who: User, names: list[str]) -> None:
        try:
            together.wait()
            for name in names:
                sorting.set_tags([picture], add=[name, "shared"], by=who)
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=(who, [f"{who.pk} {n}" for n in range(6)])) for who in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tags(picture)) == 13


# --- marks -----------------------------------------------------------------------------------------------------------


def marks(user: User, pictures: Sequence[Artifact]) -> list[tuple[int, bool]]:
    found = sorting.marks_of(user, pictures)
    return [(found[one.pk].rating, found[one.pk].is_favourite) if one.pk in found else (0, False) for one in pictures]


def test_ratings_are_each_person_s_own_and_come_back(
    pictures: list[Artifact], alice: User, carol: User, client_of: Callable[..., Client]
) -> None:
    sorting.rate(alice, pictures[:1], 2)
    mine, hers = client_of(alice), client_of(carol)
    answer = do(mine, "rate", pictures, rating="4")
    assert said(answer) == "3 pictures rated 4."
    do(hers, "rate", pictures[:1], rating="1")
    assert marks(alice, pictures) == [(4, False)] * 3
    assert marks(carol, pictures) == [(1, False), (0, False), (0, False)]
    do(mine, "rate", pictures[1:2], rating="5")
    undo(mine, answer)
    assert marks(alice, pictures) == [(2, False), (5, False), (0, False)], "what was changed since stays"
    assert said(do(mine, "rate", pictures, rating="0")) == "Rating taken from 3 pictures."
    assert Mark.objects.filter(user=alice).count() == 0
    for wrong in ("6", "-1", "x", ""):
        assert said(do(mine, "rate", pictures, rating=wrong)) == "Give 1 to 5 stars, or 0 to take them away."
    assert said(do(mine, "rate", pictures)) == "Give 1 to 5 stars, or 0 to take them away."


def test_favourites_and_ratings_leave_each_other_alone(pictures: list[Artifact], carol: User, client_of: Callable[..., Client]) -> None:
    browser = client_of(carol)
    do(browser, "rate", pictures[:2], rating="3")
    answer = do(browser, "favourite", pictures, on="1")
    assert said(answer) == "3 pictures added to your favourites."
    assert marks(carol, pictures) == [(3, True), (3, True), (0, True)]
    page = browser.get("/library/").content.decode()
    assert page.count("data-favourite") == 3
    assert page.count('data-rating="3"') == 2
    do(browser, "favourite", pictures[:1], on="0")
    undo(browser, answer)
    assert marks(carol, pictures) == [(3, False), (3, False), (0, False)]


# --- trash -----------------------------------------------------------------------------------------------------------


def test_a_bulk_deletion_is_logged_and_undone_exactly(
    pictures: list[Artifact], alice: User, bob: User, client_of: Callable[..., Client]
) -> None:
    hers, his = client_of(alice), client_of(bob)
    do(his, "trash", pictures[:1])
    answer = do(hers, "trash", pictures)
    assert said(answer) == "2 pictures deleted."
    assert trashed(pictures) == [True, True, True]
    assert said(do(hers, "trash", pictures)) == "They were in the trash already."
    assert said(undo(hers, answer)) == "2 items restored."
    assert trashed(pictures) == [True, False, False], "what bob deleted stays deleted"
    assert said(undo(hers, answer)) == "There was nothing left to restore."
    lines = list(AuditEntry.objects.exclude(action="team.made").order_by("id").values_list("actor_name", "action", "text"))
    assert lines == [
        ("Bob Member", "pictures.trashed", "put 1 picture into the trash"),
        ("Alice Harbour", "pictures.trashed", "put 2 pictures into the trash"),
        ("Alice Harbour", "pictures.restored", "took 2 items out of the trash again"),
    ]


def test_undoing_a_restoration_keeps_the_clock_and_the_name(
    pictures: list[Artifact], alice: User, bob: User, client_of: Callable[..., Client]
) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=3), tick=False):
        do(client_of(bob), "trash", pictures[:2])
    before = list(Artifact.objects.order_by("pk").values_list("pk", "deleted_at", "trashing__user"))
    hers = client_of(alice)
    answer = do(hers, "restore", pictures)
    assert said(answer) == "2 pictures restored."
    assert trashed(pictures) == [False] * 3
    assert said(undo(hers, answer)) == "2 items put back into the trash."
    assert list(Artifact.objects.order_by("pk").values_list("pk", "deleted_at", "trashing__user")) == before
    assert [row[2] for row in before] == [bob.pk, bob.pk, None]


# --- galleries -------------------------------------------------------------------------------------------------------


def held(name: str) -> list[Artifact]:
    return [item.artifact for item in GalleryItem.objects.filter(gallery__name=name, gallery__deleted_at=None).order_by("position")]


def test_into_a_gallery_and_out_of_it_again(pictures: list[Artifact], alice: User, client_of: Callable[..., Client]) -> None:
    gallery = curating.create(pictures[0].team, by=alice, name="Best of March")
    curating.add(gallery, pictures[:1], by=alice)
    browser = client_of(alice)
    assert f'value="{gallery.pk}"' in browser.get("/library/").content.decode()
    answer = do(browser, "gallery", pictures, gallery=str(gallery.pk))
    assert said(answer) == "2 pictures added to “Best of March”."
    assert held("Best of March") == pictures
    assert said(do(browser, "gallery", pictures, new_gallery=" best  OF march")) == "Already in “Best of March”."
    assert said(undo(browser, answer)) == "“Best of March” is as it was."
    assert held("Best of March") == pictures[:1]


def test_what_somebody_put_into_a_gallery_again_stays_there(
    pictures: list[Artifact], team: Team, alice: User, bob: User, client_of: Callable[..., Client]
) -> None:
    gallery = curating.create(team, by=alice, name="Boats")
    browser = client_of(alice)
    answer = do(browser, "gallery", pictures, gallery=gallery.pk)
    curating.remove(gallery, pictures[:1], by=bob)
    curating.add(gallery, pictures[:1], by=bob)
    assert said(undo(browser, answer)) == "“Boats” is as it was."
    assert list(gallery.items.values_list("artifact_id", flat=True)) == [pictures[0].pk]


def test_into_a_new_gallery_that_undo_takes_away(pictures: list[Artifact], alice: User, client_of: Callable[..., Client]) -> None:
    browser = client_of(alice)
    answer = do(browser, "gallery", pictures[:1], new_gallery="For the fair")
    assert said(answer) == "Picture added to “For the fair”."
    assert held("For the fair") == pictures[:1]
    undo(browser, answer)
    assert Gallery.objects.get().deleted_at is not None
    for fields, why in (
        ({}, "Choose a gallery, or name a new one."),
        ({"new_gallery": "\u200b"}, "Choose a gallery, or name a new one."),
        ({"new_gallery": "x" * 121}, "Shorten the name to 120 characters."),
    ):
        assert said(do(browser, "gallery", pictures, **fields)) == why
    assert Gallery.objects.count() == 1


def test_a_gallery_of_somebody_else(
    pictures: list[Artifact], alice: User, bob: User, mallory: User, other_team: Team, client_of: Callable[..., Client]
) -> None:
    private = curating.create(pictures[0].team, by=bob, name="Bob's own", visibility=Visibility.PRIVATE)
    foreign = curating.create(other_team, by=mallory, name="Elsewhere")
    for gallery in (private, foreign):
        assert do(client_of(alice), "gallery", pictures, gallery=str(gallery.pk)).status_code == 404  # type: ignore[attr-defined]
    assert "Bob&#x27;s own" not in client_of(alice).get("/library/").content.decode()
    assert not GalleryItem.objects.exists()


# --- all or none, and who ---------------------------------------------------------------------------------------------


def test_an_undo_is_for_its_person_and_an_hour(pictures: list[Artifact], alice: User, bob: User, client_of: Callable[..., Client]) -> None:
    hers, his = client_of(alice), client_of(bob)
    answer = do(hers, "trash", pictures)
    for client, token in ((his, None), (hers, "nonsense"), (hers, "")):
        refused = client.post("/library/undo/", {"token": token}, headers=HTMX) if token is not None else undo(client, answer)
        assert (refused.status_code, said(refused)) == (400, "That cannot be undone from here.")  # type: ignore[attr-defined]
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert said(undo(hers, answer)) == "That was too long ago to be undone by one click."
    Membership.objects.filter(user=alice, team=pictures[0].team).update(role=Role.VIEWER)
    assert undo(hers, answer).status_code == 403  # type: ignore[attr-defined]
    Membership.objects.filter(user=alice, team=pictures[0].team).delete()
    assert undo(hers, answer).status_code == 404  # type: ignore[attr-defined]
    assert trashed(pictures) == [True] * 3


FIELDS = {
    "trash": {},
    "restore": {},
    "erase": {},
    "tag": {"add": "x"},
    "gallery": {"new_gallery": "A new one"},
    "rate": {"rating": "3"},
    "favourite": {"on": "1"},
}


@pytest.mark.parametrize("action", FIELDS)
def test_who_may(action: str, pictures: list[Artifact], carol: User, mallory: User, client_of: Callable[..., Client]) -> None:
    if action in ("restore", "erase"):
        Artifact.objects.update(deleted_at=timezone.now())
    before = trashed(pictures)
    assert set(FIELDS) == set(bulk.ACTIONS)
    assert do(client_of(mallory), action, pictures, **FIELDS[action]).status_code == 404  # type: ignore[attr-defined]
    assert "/accounts/login/" in do(Client(), action, pictures, **FIELDS[action])["HX-Redirect"]  # type: ignore[index]
    assert not Mark.objects.exists()
    viewer = do(client_of(carol), action, pictures, **FIELDS[action]).status_code  # type: ignore[attr-defined]
    assert viewer == (200 if action in ("rate", "favourite") else 403)
    assert trashed(pictures) == before
    assert not Tagging.objects.exists()
    assert not Gallery.objects.exists()
    assert client_of(carol).get(f"/library/bulk/{action}/").status_code == 405


@pytest.mark.parametrize("action", ["trash", "tag", "rate"])
def test_one_that_is_not_there_stops_all(
    action: str, pictures: list[Artifact], alice: User, mallory: User, other_team: Team, client_of: Callable[..., Client]
) -> None:
    foreign = make_artifact(other_team, mallory, files=False)
    browser = client_of(alice)
    assert do(browser, action, [*pictures, foreign], **FIELDS[action]).status_code == 404  # type: ignore[attr-defined]
    assert (
        browser.post(
            f"/library/bulk/{action}/", {"ids": [str(pictures[0].pk), str(uuid.uuid4())], **FIELDS[action]}, headers=HTMX
        ).status_code
        == 404
    )
    assert trashed([*pictures, foreign]) == [False] * 4
    assert not Tagging.objects.exists()
    assert not Mark.objects.exists()


def test_pictures_of_two_teams_are_not_one_selection(pictures: list[Artifact], alice: User, client_of: Callable[..., Client]) -> None:
    own = make_artifact(alice.teams.get(is_personal=True), alice, files=False)
    assert do(client_of(alice), "trash", [*pictures, own]).status_code == 404  # type: ignore[attr-defined]
    assert trashed([*pictures, own]) == [False] * 4


def test_selections_that_make_no_sense(pictures: list[Artifact], alice: User, client_of: Callable[..., Client]) -> None:
    browser = client_of(alice)
    assert said(do(browser, "trash", [])) == "Nothing is selected. Tick some pictures first."
    answer = browser.post("/library/bulk/trash/", {"ids": ["x"]}, headers=HTMX)
    assert (answer.status_code, said(answer)) == (400, "The selection could not be read. Reload the page and select again.")
    many = [str(uuid.uuid4()) for _ in range(501)]
    assert said(browser.post("/library/bulk/trash/", {"ids": many}, headers=HTMX)) == "At most 500 at a time: select fewer."
    assert browser.post("/library/bulk/nonsense/", {"ids": [str(pictures[0].pk)]}).status_code == 404
    assert trashed(pictures) == [False] * 3


def test_five_hundred_at_once_and_back(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    first = make_artifact(team, alice, files=False)
    more = [
        Artifact(job=None, team=team, user=alice, engine_label="Uploaded", mime="image/png", width=64, height=64, bytes=1)
        for _ in range(499)
    ]
    everything = [first, *Artifact.objects.bulk_create(more)]
    browser = client_of(alice)
    answer = do(browser, "tag", everything, add="all of it")
    assert said(answer) == "Tags of 500 pictures changed."
    assert Artifact.objects.filter(tags="all of it").count() == 500
    assert said(undo(browser, answer)) == "The tags are as they were."
    assert Artifact.objects.filter(tags="").count() == 500
    assert said(undo(browser, do(browser, "trash", everything))) == "500 items restored."


def test_without_javascript_the_form_leads_back_with_an_undo(
    pictures: list[Artifact], alice: User, client_of: Callable[..., Client]
) -> None:
    browser = client_of(alice)
    page = browser.get("/library/?q=boat").content.decode()
    assert page.count('type="checkbox" name="ids"') == 3
    assert 'name="next" value="/library/?q=boat"' in page
    answer = browser.post("/library/bulk/trash/", {"ids": [str(pictures[0].pk)], "next": "/library/?q=boat"})
    assert (answer.status_code, answer["Location"]) == (302, "/library/?q=boat")
    page = browser.get(answer["Location"]).content.decode()
    assert "Picture deleted. <form" in page
    token = re.search(r'name="token" value="([^"]+)"', page)[1]
    assert browser.post("/library/undo/", {"token": token, "next": "https://evil.example/"})["Location"] == "/library/"
    assert trashed(pictures) == [False] * 3
    refused = browser.post("/library/bulk/rate/", {"ids": [str(pictures[0].pk)]}, headers={"referer": "http://testserver/library/?q=b"})
    assert refused["Location"] == "http://testserver/library/?q=b"
    assert "Give 1 to 5 stars" in browser.get("/library/").content.decode()


# --- what a wall reads anew -------------------------------------------------------------------------------------------


def test_tiles_are_read_anew_with_what_the_person_may_see(
    pictures: list[Artifact], alice: User, carol: User, mallory: User, other_team: Team, client_of: Callable[..., Client]
) -> None:
    foreign = make_artifact(other_team, mallory, files=False)
    sorting.set_tags(pictures[:1], add=["<b>"], by=alice)
    sorting.rate(alice, pictures[:1], 5)
    do(client_of(alice), "trash", pictures[2:])
    address = "/library/tiles/?q=boat&" + "&".join(f"ids={one.pk}" for one in [*pictures, foreign])
    mine, hers = (client_of(who).get(address).content.decode() for who in (alice, carol))
    assert re.findall(r'id="p-([^"]+)"', mine) == [str(pictures[1].pk), str(pictures[0].pk)]
    assert f'href="/pictures/{pictures[0].pk}/?q=boat"' in mine
    assert 'data-tags="&lt;b&gt;"' in hers
    assert 'data-rating="5"' in mine
    assert 'data-rating="5"' not in hers
    assert "id=" not in re.sub(r'id="tiles"', "", client_of(alice).get("/library/tiles/?ids=nonsense").content.decode())
