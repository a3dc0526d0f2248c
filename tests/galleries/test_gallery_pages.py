"""The pages of galleries, as members of a team use them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Team, User
from studio.galleries import curating, places, shelf
from studio.galleries.models import Gallery, GalleryItem, Review, Visibility
from studio.generation.models import Artifact
from tests.factories import make_artifact, make_artifacts

HTMX = {"HX-Request": "true"}
Clients = Callable[..., Client]
Queries = Callable[..., object]


@pytest.fixture
def pictures(team: Team, alice: User) -> list[Artifact]:
    return make_artifacts(team, alice, 4, files=False, prompt="a lighthouse")


@pytest.fixture
def browser(alice: User, team: Team, client_of: Clients) -> Client:
    return client_of(alice)


def order(gallery: Gallery) -> list[uuid.UUID]:
    return [item.artifact_id for item in shelf.items_of(gallery)]


def shown(response: object) -> list[str]:
    return re.findall(r'data-place="([^"]+)"', response.content.decode())  # type: ignore[attr-defined]


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_shows_what_a_person_may_see(
    gallery: Gallery, team: Team, alice: User, bob: User, carol: User, mallory: User, client_of: Clients
) -> None:
    curating.create(team, by=bob, name="Drafts of Bob", visibility=Visibility.PRIVATE)
    for person, names in (
        (alice, ["Coastal nights"]),
        (bob, ["Drafts of Bob", "Coastal nights"]),
        (carol, ["Coastal nights"]),
        (mallory, []),
    ):
        page = client_of(person).get("/galleries/")
        assert page.status_code == 200
        assert [card.name for card, _ in page.context["cards"]] == names
        assert (b"New gallery" in page.content) is (person != carol)


def test_galleries_are_found_by_name(gallery: Gallery, team: Team, alice: User, browser: Client) -> None:
    curating.create(team, by=alice, name="Portraits")
    fragment = browser.get("/galleries/?q=coast", headers=HTMX)
    assert [card.name for card, _ in fragment.context["cards"]] == ["Coastal nights"]
    assert b"<html" not in fragment.content
    assert "No gallery of this name" in browser.get("/galleries/?q=mountain\0").content.decode()


def test_the_list_asks_the_same_however_many_there_are(
    gallery: Gallery,
    team: Team,
    alice: User,
    pictures: list[Artifact],
    browser: Client,
    django_assert_max_num_queries: Queries,
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(40) as seen:  # type: ignore[attr-defined]
            browser.get("/galleries/")
        return len(seen)

    queries()  # what is done once for a session
    first = queries()
    for number in range(5):
        curating.add(curating.create(team, by=alice, name=f"Set {number}"), pictures, by=alice)
    assert queries() == first


# --- making, renaming, deleting ----------------------------------------------------------------------------------------


def test_a_gallery_is_made(team: Team, bob: User, client_of: Clients) -> None:
    browser = client_of(bob)
    wrong = browser.post("/galleries/new/", {"name": "  ", "description": "kept"})
    assert wrong.status_code == 422
    assert "Give it a name." in wrong.content.decode()
    assert "kept" in wrong.content.decode()
    for unseen in ("\u200b", "\u202e\u2069", "\u3164"):
        assert "Give it a name." in browser.post("/galleries/new/", {"name": unseen}).content.decode()
    answer = browser.post("/galleries/new/", {"name": " Winter \u202e  calendar ", "private": "on"})
    made = Gallery.objects.get()
    assert answer["Location"] == f"/galleries/{made.pk}/"
    assert (made.name, made.owner, made.team, made.visibility) == ("Winter calendar", bob, team, Visibility.PRIVATE)
    assert "Nothing in it yet" in browser.get(answer["Location"]).content.decode()


def test_words_are_changed_beside_what_was_typed(gallery: Gallery, browser: Client) -> None:
    wrong = browser.post(f"/galleries/{gallery.pk}/edit/", {"name": "", "description": "new words"})
    assert wrong.status_code == 422
    assert "new words" in wrong.content.decode()
    assert '<h1 dir="auto">Coastal nights</h1>' in wrong.content.decode()
    browser.post(f"/galleries/{gallery.pk}/edit/", {"name": "Nights", "description": "new words"})
    gallery.refresh_from_db()
    assert (gallery.name, gallery.description) == ("Nights", "new words")
    assert AuditEntry.objects.filter(action="gallery.described", text="renamed the gallery “Coastal nights” to “Nights”").exists()


def test_deleting_has_a_way_back(gallery: Gallery, browser: Client) -> None:
    page = browser.post(f"/galleries/{gallery.pk}/delete/", follow=True).content.decode()
    assert f'action="/galleries/{gallery.pk}/restore/"' in page
    assert browser.get(f"/galleries/{gallery.pk}/").status_code == 404
    assert "Bring back" in browser.get("/galleries/?deleted").content.decode()
    assert browser.post(f"/galleries/{gallery.pk}/restore/")["Location"] == f"/galleries/{gallery.pk}/"
    assert browser.get(f"/galleries/{gallery.pk}/").status_code == 200


# --- the wall ----------------------------------------------------------------------------------------------------------


def test_the_wall_is_in_order_and_leads_on(gallery: Gallery, pictures: list[Artifact], carol: User, client_of: Clients) -> None:
    page = client_of(carol).get(f"/galleries/{gallery.pk}/")
    assert shown(page) == [str(one.pk) for one in pictures]
    text = page.content.decode()
    assert f'href="/pictures/{pictures[0].pk}/?gallery={gallery.pk}"' in text
    for tool in ("data-place-form", "data-toggle", "data-arrange", "visibility/"):
        assert tool not in text, "who only looks changes nothing"


def test_a_long_wall_comes_in_stretches(
    team: Team, alice: User, browser: Client, monkeypatch: pytest.MonkeyPatch, gallery: Gallery, pictures: list[Artifact]
) -> None:
    monkeypatch.setattr(places, "PAGE", 3)
    address = f"/galleries/{gallery.pk}/"
    first = browser.get(address)
    assert shown(first) == [str(one.pk) for one in pictures[:3]]
    assert f'hx-get="{address}?page=2"' in first.content.decode()
    rest = browser.get(f"{address}?page=2", headers=HTMX)
    assert shown(rest) == [str(pictures[3].pk)]
    assert b"<html" not in rest.content
    assert b'id="further"' not in rest.content
    assert shown(browser.get(f"{address}?page=nonsense")) == shown(first)


def test_the_wall_asks_the_same_however_long_it_is(
    team: Team, alice: User, gallery: Gallery, browser: Client, django_assert_max_num_queries: Queries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(40) as seen:  # type: ignore[attr-defined]
            browser.get(f"/galleries/{gallery.pk}/")
        return len(seen)

    queries()  # what is done once for a session
    first = queries()
    curating.add(gallery, make_artifacts(team, alice, 8, files=False), by=alice)
    assert queries() == first


@pytest.mark.parametrize(
    ("which", "fields", "expected"),
    [
        (2, {"to": "front"}, [2, 0, 1, 3]),
        (0, {"to": "end"}, [1, 2, 3, 0]),
        (2, {"to": "earlier"}, [0, 2, 1, 3]),
        (1, {"to": "earlier"}, [1, 0, 2, 3]),
        (0, {"to": "earlier"}, [0, 1, 2, 3]),
        (1, {"to": "later"}, [0, 2, 1, 3]),
        (3, {"to": "later"}, [0, 1, 2, 3]),
        (0, {"behind": 2}, [1, 2, 0, 3]),
        (3, {"behind": ""}, [3, 0, 1, 2]),
    ],
)
def test_pictures_move(
    which: int, fields: dict[str, object], expected: list[int], gallery: Gallery, pictures: list[Artifact], browser: Client
) -> None:
    behind = fields.get("behind")
    sent = {**fields, "artifact": pictures[which].pk} | ({"behind": pictures[behind].pk} if isinstance(behind, int) else {})
    answer = browser.post(f"/galleries/{gallery.pk}/move/", sent)
    assert answer["Location"] == f"/galleries/{gallery.pk}/#p-{pictures[which].pk}"
    assert order(gallery) == [pictures[one].pk for one in expected]
    assert browser.post(f"/galleries/{gallery.pk}/move/", sent, headers=HTMX).status_code == 204


def test_a_move_to_nowhere_is_refused(gallery: Gallery, pictures: list[Artifact], browser: Client) -> None:
    address = f"/galleries/{gallery.pk}/move/"
    assert browser.post(address, {"artifact": pictures[0].pk, "to": "moon"}).status_code == 400
    assert browser.post(address, {"artifact": "nonsense", "to": "end"}).status_code == 404
    assert browser.post(address, {"artifact": pictures[0].pk, "behind": gallery.pk}).status_code == 404
    assert order(gallery) == [one.pk for one in pictures]


def test_a_cover_is_chosen_and_goes_with_its_picture(gallery: Gallery, pictures: list[Artifact], browser: Client) -> None:
    said = browser.post(f"/galleries/{gallery.pk}/cover/", {"artifact": pictures[2].pk}, headers=HTMX)
    assert "This picture is the cover now." in said.content.decode()
    [(_, faces)] = browser.get("/galleries/").context["cards"]
    assert [face.pk for face in faces] == [pictures[2].pk, pictures[0].pk, pictures[1].pk]
    assert "is-cover" in browser.get(f"/galleries/{gallery.pk}/").content.decode()
    browser.post(f"/galleries/{gallery.pk}/remove/", {"artifact": pictures[2].pk})
    gallery.refresh_from_db()
    assert gallery.cover is None


def test_what_is_taken_out_is_put_back_in_its_place(gallery: Gallery, pictures: list[Artifact], browser: Client) -> None:
    answer = browser.post(f"/galleries/{gallery.pk}/remove/", {"artifact": pictures[1].pk}, headers=HTMX)
    assert order(gallery) == [pictures[0].pk, pictures[2].pk, pictures[3].pk]
    undo = unescape(re.search(r'hx-post="([^"]+)"', answer.content.decode())[1])  # type: ignore[index]
    back = browser.post(undo, headers=HTMX)
    assert back["HX-Trigger"] == f'{{"place:back": {{"id": "{pictures[1].pk}"}}}}'
    assert order(gallery) == [one.pk for one in pictures]
    plain = browser.post(f"/galleries/{gallery.pk}/remove/", {"artifact": pictures[0].pk}, follow=True).content.decode()
    assert f'action="/galleries/{gallery.pk}/put-back/?undo=' in plain
    assert Artifact.objects.visible().count() == 4


def test_an_undo_is_of_its_gallery_and_signed(gallery: Gallery, pictures: list[Artifact], team: Team, alice: User, browser: Client) -> None:
    answer = browser.post(f"/galleries/{gallery.pk}/remove/", {"artifact": pictures[1].pk}, headers=HTMX)
    undo = unescape(re.search(r'hx-post="([^"]+)"', answer.content.decode())[1])  # type: ignore[index]
    other = curating.create(team, by=alice, name="Other")
    assert browser.post(undo.replace(str(gallery.pk), str(other.pk))).status_code == 400
    assert browser.post(f"{undo}x").status_code == 400
    assert not other.items.exists()
    assert len(order(gallery)) == 3


# --- adding ------------------------------------------------------------------------------------------------------------


def test_pictures_are_dropped_on_a_gallery(team: Team, alice: User, mallory: User, other_team: Team, browser: Client) -> None:
    gallery = curating.create(team, by=alice, name="Fresh")
    mine = make_artifacts(team, alice, 2, files=False)
    foreign = make_artifact(other_team, mallory, files=False)
    sent = {"artifact": [mine[1].pk, mine[0].pk, foreign.pk, "nonsense"]}
    assert "2 added to “Fresh”." in browser.post(f"/galleries/{gallery.pk}/add/", sent, headers=HTMX).content.decode()
    assert order(gallery) == [mine[1].pk, mine[0].pk]
    assert "They are in “Fresh” already." in browser.post(f"/galleries/{gallery.pk}/add/", sent, headers=HTMX).content.decode()
    assert "There was nothing to add." in browser.post(f"/galleries/{gallery.pk}/add/", headers=HTMX).content.decode()


def test_the_library_offers_galleries_to_drop_on(gallery: Gallery, bob: User, carol: User, mallory: User, client_of: Clients) -> None:
    assert f'data-add="/galleries/{gallery.pk}/add/"' in client_of(bob).get("/galleries/targets/", headers=HTMX).content.decode()
    assert client_of(carol).get("/galleries/targets/").status_code == 403
    assert "data-add" not in client_of(mallory).get("/galleries/targets/").content.decode()


def test_a_picture_goes_into_galleries_from_its_page(team: Team, bob: User, alice: User, client_of: Clients) -> None:
    picture = make_artifact(team, alice)
    gallery = curating.create(team, by=alice, name="Fresh")
    curating.create(team, by=alice, name="Hers alone", visibility=Visibility.PRIVATE)
    browser, address = client_of(bob), f"/pictures/{picture.pk}/galleries/"
    assert f'hx-get="{address}"' in browser.get(f"/pictures/{picture.pk}/").content.decode()
    page = browser.get(address).content.decode()
    assert "Fresh" in page
    assert "Hers alone" not in page
    menu = browser.post(address, {"gallery": gallery.pk}, headers=HTMX)
    assert order(gallery) == [picture.pk]
    assert "Added to “Fresh”." in menu.content.decode()
    assert f'name="out" value="{gallery.pk}" aria-pressed="true"' in menu.content.decode()
    assert browser.post(address, {"out": gallery.pk})["Location"] == address
    assert order(gallery) == []
    browser.post(address, {"name": "Brand new"}, headers=HTMX)
    assert order(Gallery.objects.get(name="Brand new", owner=bob)) == [picture.pk]
    assert browser.post(address, {"name": " "}, headers=HTMX).status_code == 422
    assert browser.get(f"{address}?q=brand", headers=HTMX).content.decode().count('name="gallery"') == 0
    assert browser.get(f"{address}?q=fresh", headers=HTMX).content.decode().count('name="gallery"') == 1


# --- who may -------------------------------------------------------------------------------------------------------------

CHANGES = ("edit", "delete", "restore", "add", "move", "cover", "remove", "put-back", "visibility", "links")


@pytest.mark.parametrize("what", CHANGES)
def test_only_who_curates_changes_a_gallery(
    what: str, gallery: Gallery, pictures: list[Artifact], carol: User, mallory: User, client_of: Clients
) -> None:
    before = list(Gallery.objects.values()), list(GalleryItem.objects.order_by("pk").values())
    sent = {"name": "Mine", "artifact": pictures[1].pk, "to": "front", "visibility": "public", "days": "7"}
    for person, status in ((carol, 403), (mallory, 404)):
        assert client_of(person).post(f"/galleries/{gallery.pk}/{what}/", sent).status_code == status
    assert Client().post(f"/galleries/{gallery.pk}/{what}/", sent)["Location"].startswith("/accounts/login/")
    assert (list(Gallery.objects.values()), list(GalleryItem.objects.order_by("pk").values())) == before
    assert not gallery.links.exists()


def test_a_private_gallery_of_somebody_else_is_not_there(team: Team, alice: User, bob: User, client_of: Clients) -> None:
    private = curating.create(team, by=bob, name="Drafts", visibility=Visibility.PRIVATE)
    browser = client_of(alice)
    assert browser.get(f"/galleries/{private.pk}/").status_code == 404
    for what in CHANGES:
        assert browser.post(f"/galleries/{private.pk}/{what}/", {"name": "Hers"}).status_code == 404
    private.refresh_from_db()
    assert (private.name, private.deleted_at) == ("Drafts", None)


def test_who_looks_only_finds_no_way_to_add(team: Team, alice: User, carol: User, mallory: User, client_of: Clients) -> None:
    picture = make_artifact(team, alice)
    address = reverse("picture_galleries", args=[picture.pk])
    assert "Add to gallery" not in client_of(carol).get(f"/pictures/{picture.pk}/").content.decode()
    for person, status in ((carol, 403), (mallory, 404)):
        assert client_of(person).get(address).status_code == status
        assert client_of(person).post(address, {"name": "Hers"}).status_code == status
    assert client_of(carol).get("/galleries/new/").status_code == 403
    assert client_of(carol).post("/galleries/new/", {"name": "Hers"}).status_code == 403
    assert not Gallery.objects.exists()


def test_what_waits_is_marked_only_where_people_outside_look(team: Team, alice: User, bob: User, client_of: Clients) -> None:
    gallery = curating.create(team, by=bob, name="Fresh")
    curating.add(gallery, make_artifacts(team, bob, 2, files=False), by=bob)
    address = f"/galleries/{gallery.pk}/"
    assert "Waits for a review" not in client_of(bob).get(address).content.decode()
    client_of(bob).post(f"{address}visibility/", {"visibility": "link"})
    GalleryItem.objects.filter(pk=gallery.items.first().pk).update(review=Review.REJECTED, reason="Too dark.")
    text = client_of(bob).get(address).content.decode()
    assert text.count("Waits for a review") == 1
    assert 'title="Too dark."' in text
    assert 'data-do="approve"' not in text
    assert client_of(alice).get(address).content.decode().count('data-do="approve"') == 2
