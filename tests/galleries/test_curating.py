"""What is in a gallery, in which order, and who finds it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import transaction
from django.http import Http404
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry, Membership, Role, Team, User
from studio.galleries import curating, publishing, reviewing, shelf
from studio.galleries.models import Gallery, GalleryItem, Notice, Review, Visibility
from studio.galleries.services import trash
from studio.generation.models import Artifact
from tests.factories import make_artifact, make_artifacts


def order(gallery: Gallery) -> list[uuid.UUID]:
    return [item.artifact_id for item in shelf.items_of(gallery)]


@pytest.fixture
def gallery(team: Team, alice: User) -> Gallery:
    return curating.create(team, by=alice, name="Coastal nights")


@pytest.fixture
def pictures(team: Team, alice: User) -> list[Artifact]:
    return make_artifacts(team, alice, 4, files=False)


def test_pictures_are_added_once_in_the_order_given(gallery: Gallery, pictures: list[Artifact], alice: User) -> None:
    one, two, three, four = pictures
    assert curating.add(gallery, [three, one, three], by=alice) == 2
    assert curating.add(gallery, [one, two, four], by=alice) == 2
    assert order(gallery) == [three.pk, one.pk, two.pk, four.pk]


def test_strange_and_deleted_pictures_stay_out(
    gallery: Gallery, pictures: list[Artifact], alice: User, mallory: User, other_team: Team
) -> None:
    trash(pictures[0])
    assert curating.add(gallery, [make_artifact(other_team, mallory, files=False), pictures[0]], by=alice) == 0
    assert order(gallery) == []


def test_who_may_publish_approves_by_adding(gallery: Gallery, pictures: list[Artifact], alice: User, bob: User) -> None:
    curating.add(gallery, pictures[:1], by=alice)
    curating.add(gallery, pictures[1:2], by=bob)
    assert list(shelf.items_of(gallery).values_list("added_by", "review", "reviewed_by")) == [
        (alice.pk, Review.APPROVED, alice.pk),
        (bob.pk, Review.WAITING, None),
    ]


def test_reviewers_hear_once_of_what_waits_and_only_where_people_outside_look(
    gallery: Gallery, pictures: list[Artifact], alice: User, bob: User
) -> None:
    curating.add(gallery, pictures[:1], by=bob)
    assert not Notice.objects.exists()
    Gallery.objects.filter(pk=gallery.pk).update(visibility=Visibility.LINK)
    gallery.refresh_from_db()
    curating.add(gallery, pictures[1:2], by=bob)
    curating.add(gallery, pictures[2:3], by=bob)
    assert list(Notice.objects.values_list("user", "kind", "gallery")) == [(alice.pk, "review", gallery.pk)]


def test_what_was_decided_does_not_silence_what_waits(gallery: Gallery, pictures: list[Artifact], alice: User, bob: User) -> None:
    """Alice, who added one herself, has not read yet what became of it."""
    Membership.objects.filter(user=bob).update(role=Role.ADMIN)
    publishing.show_to(gallery, Visibility.LINK, by=alice)
    curating.add(gallery, pictures[:1], by=alice)
    reviewing.reject(list(gallery.items.all()), reason="It shows a logo.", by=bob)
    Membership.objects.filter(user=bob).update(role=Role.CREATOR)
    curating.add(gallery, pictures[1:2], by=bob)
    assert list(Notice.objects.filter(user=alice).order_by("id").values_list("kind", flat=True)) == ["decision", "review"]


def test_a_picture_in_the_trash_keeps_its_place(gallery: Gallery, pictures: list[Artifact], alice: User) -> None:
    curating.add(gallery, pictures, by=alice)
    trash(pictures[1])
    assert order(gallery) == [pictures[0].pk, pictures[2].pk, pictures[3].pk]
    Artifact.objects.update(deleted_at=None)
    assert order(gallery) == [one.pk for one in pictures]


def test_what_is_removed_comes_back_as_it_was(gallery: Gallery, pictures: list[Artifact], alice: User) -> None:
    curating.add(gallery, pictures, by=alice)
    curating.set_cover(gallery, pictures[1])
    item = gallery.items.get(artifact=pictures[1])
    assert curating.remove(gallery, [pictures[1]], by=alice) == 1
    assert curating.remove(gallery, [pictures[1]], by=alice) == 0
    gallery.refresh_from_db()
    assert gallery.cover is None
    back = {"position": item.position, "review": Review.REJECTED, "reason": "Blurred.", "was_cover": True, "by": alice}
    assert curating.put_back(gallery, pictures[1], **back)
    assert not curating.put_back(gallery, pictures[1], **back)
    gallery.refresh_from_db()
    assert gallery.cover == pictures[1]
    assert order(gallery) == [one.pk for one in pictures]
    assert gallery.items.get(artifact=pictures[1]).reason == "Blurred."


def test_an_undo_of_a_creator_brings_back_no_approval(gallery: Gallery, pictures: list[Artifact], alice: User, bob: User) -> None:
    curating.add(gallery, pictures, by=alice)
    curating.remove(gallery, pictures[:1], by=bob)
    curating.put_back(gallery, pictures[0], position=5, review=Review.APPROVED, reason="", was_cover=False, by=bob)
    assert gallery.items.get(artifact=pictures[0]).review == Review.WAITING


def test_only_what_is_in_it_is_its_cover_or_moves(gallery: Gallery, pictures: list[Artifact], alice: User) -> None:
    curating.add(gallery, pictures[:2], by=alice)
    assert not curating.set_cover(gallery, pictures[2])
    assert not curating.move(gallery, pictures[2].pk)
    assert not curating.move(gallery, pictures[0].pk, behind=pictures[2].pk)
    assert not curating.move(gallery, pictures[0].pk, behind=pictures[0].pk)
    gallery.refresh_from_db()
    assert gallery.cover is None
    assert order(gallery) == [pictures[0].pk, pictures[1].pk]


MOVES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES, gap=st.sampled_from([1, 2, 3, GalleryItem.STEP]))
def test_moves_do_to_the_gallery_what_they_do_to_a_list(
    moves: list[tuple[int, int, bool]], gap: int, gallery: Gallery, pictures: list[Artifact], alice: User
) -> None:
    """Also where the gaps are used up: then all get new places, and the order is the same."""
    with transaction.atomic():
        curating.add(gallery, pictures, by=alice)
        for place, picture in enumerate(pictures):
            gallery.items.filter(artifact=picture).update(position=place * gap)
        model = [one.pk for one in pictures]
        for which, where, to_end in moves:
            moved, behind = pictures[which].pk, pictures[where].pk if where < len(pictures) else None
            assert curating.move(gallery, moved, behind=behind, last=to_end) is (moved != behind)
            if moved != behind:
                model.remove(moved)
                model.insert(len(model) if to_end else model.index(behind) + 1 if behind else 0, moved)
            assert order(gallery) == model
        transaction.set_rollback(True)


def test_a_move_writes_one_row_while_there_is_room(gallery: Gallery, pictures: list[Artifact], alice: User) -> None:
    curating.add(gallery, pictures, by=alice)
    before = dict(gallery.items.values_list("artifact", "position"))
    curating.move(gallery, pictures[3].pk, behind=pictures[0].pk)
    after = dict(gallery.items.values_list("artifact", "position"))
    assert {pk for pk in before if before[pk] != after[pk]} == {pictures[3].pk}


def test_where_no_room_is_left_all_get_new_places(gallery: Gallery, pictures: list[Artifact], alice: User) -> None:
    curating.add(gallery, pictures, by=alice)
    for place, picture in enumerate(pictures):
        gallery.items.filter(artifact=picture).update(position=place)
    curating.move(gallery, pictures[3].pk, behind=pictures[0].pk)
    assert order(gallery) == [pictures[0].pk, pictures[3].pk, pictures[1].pk, pictures[2].pk]
    assert list(shelf.items_of(gallery).values_list("position", flat=True)) == [place * GalleryItem.STEP for place in range(1, 5)]


def test_a_private_gallery_is_its_owner_s_alone(team: Team, alice: User, bob: User, carol: User, mallory: User) -> None:
    private = curating.create(team, by=bob, name="Drafts", visibility=Visibility.PRIVATE)
    shared = curating.create(team, by=bob, name="Shown")
    assert list(shelf.galleries_for(bob, team)) == [shared, private]
    assert shelf.gallery_for(bob, private.pk, "curate") == private
    for person in (alice, carol, mallory):
        assert list(shelf.galleries_for(person, team)) == ([] if person == mallory else [shared])
        with pytest.raises(Http404):
            shelf.gallery_for(person, private.pk)
    with pytest.raises(PermissionDenied):
        shelf.gallery_for(carol, shared.pk, "curate")
    with pytest.raises(Http404):
        shelf.gallery_for(mallory, shared.pk)
    assert not AuditEntry.objects.filter(text__contains="Drafts").exists()


def test_a_deleted_gallery_is_gone_until_it_is_restored(gallery: Gallery, alice: User, team: Team) -> None:
    assert curating.delete(gallery, by=alice)
    assert not curating.delete(gallery, by=alice)
    with pytest.raises(Http404):
        shelf.gallery_for(alice, gallery.pk)
    assert not shelf.galleries_for(alice, team).exists()
    assert curating.restore(shelf.gallery_for(alice, gallery.pk, in_trash=True), by=alice)
    assert not curating.restore(gallery, by=alice)
    assert shelf.gallery_for(alice, gallery.pk) == gallery
    actions = AuditEntry.objects.filter(action__startswith="gallery").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["gallery.created", "gallery.deleted", "gallery.restored"]


def test_deleted_galleries_go_for_good_and_leave_the_pictures(
    gallery: Gallery, pictures: list[Artifact], alice: User, team: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    curating.add(gallery, pictures, by=alice)
    kept = curating.create(team, by=alice, name="Kept")
    curating.delete(gallery, by=alice)
    call_command("empty_trash")
    assert Gallery.objects.count() == 2
    call_command("empty_trash", days=0)
    assert "1 gallery deleted for good; what was in them stays." in capsys.readouterr().out
    assert list(Gallery.objects.all()) == [kept]
    assert Artifact.objects.visible().count() == 4


def test_cards_cost_the_same_however_many_there_are(
    team: Team, alice: User, pictures: list[Artifact], django_assert_num_queries: Callable[..., object]
) -> None:
    for number in range(6):
        curating.add(curating.create(team, by=alice, name=f"Set {number}"), pictures, by=alice)
    trash(pictures[0])
    with django_assert_num_queries(2):
        cards = [
            (card.name, card.size, card.waiting, [face.artifact.pk for face in card.faces])
            for card in shelf.with_faces(shelf.galleries_for(alice, team))
        ]
    assert cards == [(f"Set {number}", 3, 0, [one.pk for one in pictures[1:]]) for number in reversed(range(6))]


@pytest.mark.parametrize(
    ("visibility", "said"), [(Visibility.PUBLIC, 1), (Visibility.LINK, 1), (Visibility.TEAM, 0), (Visibility.PRIVATE, 0)]
)
def test_what_people_outside_lose_is_in_the_log(
    visibility: Visibility, said: int, gallery: Gallery, pictures: list[Artifact], alice: User
) -> None:
    curating.add(gallery, pictures, by=alice)
    Gallery.objects.filter(pk=gallery.pk).update(visibility=visibility)
    gallery.refresh_from_db()
    curating.remove(gallery, pictures[:2], by=alice)
    curating.remove(gallery, pictures[:2], by=alice)
    found = list(AuditEntry.objects.filter(action="gallery.removed_from").values_list("actor_name", "text"))
    assert found == [("Alice Harbour", f"took 2 items out of “{gallery.name}”, which people outside see")] * said
