"""A classifier looks at what is about to leave the team."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from studio.galleries import curating, looking, publishing, reviewing
from studio.galleries.models import Gallery, GalleryItem, Notice, Review, Visibility
from studio.moderation import pictures
from studio.moderation.models import Finding
from tests.backends.test_classifier import save_classifier
from tests.factories import make_artifact

ClientOf = Callable[..., Client]


@pytest.fixture
def classifier(tmp_path: Path, settings: Any) -> Callable[[str], None]:
    """`classifier("nsfw")`: the studio has one that sees this in whatever it is shown."""

    def switch_on(sees: str) -> None:
        pictures._classifier.cache_clear()
        settings.IMAGE_CLASSIFIER = str(save_classifier(tmp_path / sees, sees=sees))

    return switch_on


@pytest.fixture
def shown(team: Team, alice: User) -> Gallery:
    """A public gallery of the owner's."""
    return curating.create(team, by=alice, name="Boats", visibility=Visibility.PUBLIC)


def outside(gallery: Gallery) -> str:
    return Client().get(reverse("public_gallery", args=[gallery.pk])).content.decode()


def test_without_a_classifier_what_an_admin_adds_is_seen_at_once(shown: Gallery, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    curating.add(shown, [picture], by=alice)
    assert looking.look() == 0
    assert str(picture.pk) in outside(shown)


def test_nothing_is_seen_before_it_was_looked_at(shown: Gallery, alice: User, team: Team, classifier: Callable[[str], None]) -> None:
    classifier("normal")
    picture = make_artifact(team, alice)
    curating.add(shown, [picture], by=alice)
    assert str(picture.pk) not in outside(shown)
    assert looking.look() == 1
    assert looking.look() == 0
    assert str(picture.pk) in outside(shown)
    assert Finding.objects.get(artifact=picture).flags == []


def test_what_is_flagged_waits_for_a_person_who_has_the_last_word(
    shown: Gallery, alice: User, team: Team, classifier: Callable[[str], None], client_of: ClientOf
) -> None:
    classifier("nsfw")
    picture = make_artifact(team, alice)
    curating.add(shown, [picture], by=alice)
    looking.look()
    item = GalleryItem.objects.get(gallery=shown, artifact=picture)
    assert item.review == Review.WAITING
    assert str(picture.pk) not in outside(shown)
    assert Notice.objects.get(user=alice).text == "The classifier flagged something in “Boats” (nsfw 98 %). It waits for a review."
    assert "Classifier: nsfw 98 %" in client_of(alice).get(reverse("review")).content.decode()
    reviewing.approve([GalleryItem.objects.select_related("gallery__team").get(pk=item.pk)], by=alice)
    looking.look()
    assert str(picture.pk) in outside(shown)


def test_what_was_flagged_before_is_not_approved_by_adding_it(
    shown: Gallery, alice: User, team: Team, classifier: Callable[[str], None]
) -> None:
    classifier("nsfw")
    picture = make_artifact(team, alice)
    pictures.look_at(picture)
    curating.add(shown, [picture], by=alice)
    assert GalleryItem.objects.get(gallery=shown).review == Review.WAITING
    quiet = curating.create(team, by=alice, name="Quiet")
    curating.add(quiet, [picture], by=alice)
    publishing.show_to(quiet, Visibility.LINK, by=alice)
    assert GalleryItem.objects.get(gallery=quiet).review == Review.WAITING


def test_what_was_flagged_elsewhere_is_not_shown_by_showing_its_gallery(
    shown: Gallery, alice: User, team: Team, classifier: Callable[[str], None]
) -> None:
    classifier("nsfw")
    picture = make_artifact(team, alice)
    quiet = curating.create(team, by=alice, name="Quiet")
    for gallery in (quiet, shown):
        curating.add(gallery, [picture], by=alice)
    looking.look()
    publishing.show_to(quiet, Visibility.PUBLIC, by=alice)
    assert str(picture.pk) not in outside(quiet)
    assert Notice.objects.get(user=alice).text.startswith("The classifier flagged something in “Boats”")


def test_an_undo_brings_no_approval_back_to_what_was_flagged_meanwhile(
    shown: Gallery, alice: User, team: Team, classifier: Callable[[str], None]
) -> None:
    classifier("nsfw")
    picture = make_artifact(team, alice)
    pictures.look_at(picture)
    curating.put_back(shown, picture, position=1, review=Review.APPROVED, reason="", was_cover=False, by=alice)
    assert str(picture.pk) not in outside(shown)


def test_only_what_is_for_people_outside_is_looked_at(alice: User, team: Team, classifier: Callable[[str], None]) -> None:
    classifier("nsfw")
    curating.add(curating.create(team, by=alice, name="Ours"), [make_artifact(team, alice)], by=alice)
    assert looking.look() == 0


def test_a_lost_file_and_a_broken_model_stop_nothing(
    shown: Gallery, alice: User, team: Team, classifier: Callable[[str], None], tmp_path: Path
) -> None:
    classifier("normal")
    lost, kept = make_artifact(team, alice, files=False), make_artifact(team, alice, seed=9)
    curating.add(shown, [lost, kept], by=alice)
    assert looking.look() == 1
    page = outside(shown)
    assert str(kept.pk) in page
    assert str(lost.pk) not in page


def test_lost_files_do_not_stand_in_line_for_ever(
    shown: Gallery, alice: User, team: Team, classifier: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "AT_ONCE", 2)
    classifier("normal")
    lost = [make_artifact(team, alice, files=False) for _ in range(3)]
    kept = [make_artifact(team, alice, seed=seed) for seed in (7, 8, 9)]
    curating.add(shown, [*lost, *kept], by=alice)
    assert [looking.look() for _ in range(3)] == [2, 1, 0]
