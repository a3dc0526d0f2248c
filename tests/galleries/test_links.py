"""Whom a gallery is shown to, and the links to it, by those inside."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Team, User
from studio.galleries import curating, publishing
from studio.galleries.models import Gallery, GalleryItem, Notice, Review, ShareLink, Visibility
from studio.generation.models import Artifact
from tests.factories import make_artifacts

Clients = Callable[..., Client]


def public(gallery: Gallery) -> str:
    return f"/public/{gallery.pk}/"


def test_who_may_publish_approves_by_showing(gallery: Gallery, team: Team, alice: User, bob: User, client_of: Clients) -> None:
    curating.add(gallery, make_artifacts(team, bob, 2, files=False), by=bob)
    browser, address = client_of(alice), f"/galleries/{gallery.pk}/"
    assert "Showing it to people outside approves them." in browser.get(address).content.decode()
    page = browser.post(f"{address}visibility/", {"visibility": "public"}, follow=True).content.decode()
    assert "Everybody can see it now." in page
    assert set(gallery.items.values_list("review", flat=True)) == {Review.APPROVED}
    assert f"{settings.STUDIO_URL}{public(gallery)}" in page
    assert AuditEntry.objects.filter(action="gallery.shown", actor=alice, text="made the gallery “Coastal nights” public").exists()


def test_what_a_creator_shows_waits(gallery: Gallery, pictures: list[Artifact], alice: User, bob: User, client_of: Clients) -> None:
    page = client_of(bob).post(f"/galleries/{gallery.pk}/visibility/", {"visibility": "public"}, follow=True).content.decode()
    assert "3 pictures wait for a review." in page
    assert set(gallery.items.values_list("review", flat=True)) == {Review.WAITING}, "though alice, who may publish, added them"
    assert list(Notice.objects.values_list("user", "actor", "kind")) == [(alice.pk, bob.pk, "review")]
    assert "Nothing to see yet" in Client().get(public(gallery)).content.decode()


def test_what_was_approved_for_some_waits_when_a_creator_shows_it_to_everybody(
    gallery: Gallery, link: ShareLink, pictures: list[Artifact], bob: User, client_of: Clients
) -> None:
    page = client_of(bob).post(f"/galleries/{gallery.pk}/visibility/", {"visibility": "public"}, follow=True).content.decode()
    assert "3 pictures wait for a review." in page
    assert str(pictures[0].pk) not in Client().get(public(gallery)).content.decode()
    gallery.items.update(review=Review.APPROVED)
    client_of(bob).post(f"/galleries/{gallery.pk}/visibility/", {"visibility": "link"})
    assert set(gallery.items.values_list("review", flat=True)) == {Review.APPROVED}, "fewer see it now"


def test_only_its_owner_makes_a_gallery_private(gallery: Gallery, bob: User, client_of: Clients) -> None:
    page = client_of(bob).post(f"/galleries/{gallery.pk}/visibility/", {"visibility": "private"})
    assert page.status_code == 422
    assert "Only the person who owns this gallery can make it private" in page.content.decode()
    assert client_of(bob).post(f"/galleries/{gallery.pk}/visibility/", {"visibility": "martians"}).status_code == 422
    gallery.refresh_from_db()
    assert gallery.visibility == Visibility.TEAM


def test_a_creator_who_changes_the_words_of_what_is_shown_is_told_of(link: ShareLink, gallery: Gallery, alice: User, bob: User) -> None:
    gallery.refresh_from_db()
    curating.describe(gallery, name="Other words", description="", by=bob)
    assert list(Notice.objects.values_list("user", "kind")) == [(alice.pk, "gallery")]
    curating.describe(gallery, name="Hers", description="", by=alice)
    assert Notice.objects.count() == 1


def test_a_link_is_made_copied_and_taken_back(gallery: Gallery, link: ShareLink, bob: User, carol: User, client_of: Clients) -> None:
    browser, address = client_of(bob), f"/galleries/{gallery.pk}/"
    short = browser.post(f"{address}links/", {"days": "7", "password": "abc"})
    assert short.status_code == 422
    assert "Use 6 characters or more, or leave it empty." in short.content.decode()
    assert browser.post(f"{address}links/", {"days": "365"}).status_code == 422
    assert ShareLink.objects.count() == 1
    made = browser.post(f"{address}links/", {"days": "", "password": "open sesame", "shows_prompts": "on"})
    assert made["Location"] == f"{address}?share=1#share"
    fresh = ShareLink.objects.exclude(pk=link.pk).get()
    assert (fresh.expires_at, fresh.shows_prompts, fresh.created_by) == (None, True, bob)
    page = browser.get(address).content.decode()
    assert f'data-copy="{publishing.link_url(fresh)}"' in page
    assert publishing.link_url(fresh) not in client_of(carol).get(address).content.decode(), "its address is a key"
    assert client_of(carol).post(f"/galleries/links/{fresh.pk}/revoke/").status_code == 403
    assert browser.post(f"/galleries/links/{fresh.pk}/revoke/")["Location"] == f"{address}?share=1#share"
    assert publishing.link_url(fresh) not in browser.get(address).content.decode()
    actions = list(AuditEntry.objects.filter(action__startswith="link.").order_by("id").values_list("action", flat=True))
    assert actions == ["link.created", "link.created", "link.revoked"]


@pytest.mark.parametrize(("days", "expected"), [("1", 1), ("7", 7), ("30", 30)])
def test_a_link_ends_when_it_was_said_to(
    days: str, expected: int, gallery: Gallery, link: ShareLink, alice: User, client_of: Clients
) -> None:
    client_of(alice).post(f"/galleries/{gallery.pk}/links/", {"days": days})
    made = ShareLink.objects.exclude(pk=link.pk).get()
    assert made.expires_at
    assert abs(made.expires_at - timezone.now() - timedelta(days=expected)) < timedelta(minutes=5)


def test_a_gallery_of_the_team_has_no_links(gallery: Gallery, alice: User, client_of: Clients) -> None:
    page = client_of(alice).post(f"/galleries/{gallery.pk}/links/", {"days": "7"})
    assert page.status_code == 422
    assert "Only the team sees this gallery." in page.content.decode()
    assert not ShareLink.objects.exists()


def test_a_link_that_is_not_there_cannot_be_taken_back(link: ShareLink, mallory: User, alice: User, client_of: Clients) -> None:
    assert client_of(mallory).post(f"/galleries/links/{link.pk}/revoke/").status_code == 404
    assert client_of(alice).post(f"/galleries/links/{uuid.uuid4()}/revoke/").status_code == 404
    assert ShareLink.objects.get(pk=link.pk).revoked_at is None


def test_somebody_alone_has_no_team_to_hide_from(alice: User, client_of: Clients) -> None:
    mine = alice.teams.get(is_personal=True)
    gallery = curating.create(mine, by=alice, name="Mine")
    page = client_of(alice, mine).get(f"/galleries/{gallery.pk}/").content.decode()
    assert page.count('name="visibility"') == 3
    assert "For you alone." in page
    assert 'value="private"' not in page


def test_an_item_keeps_who_reviewed_it(gallery: Gallery, alice: User) -> None:
    assert set(GalleryItem.objects.values_list("review", "reviewed_by")) == {(Review.APPROVED, alice.pk)}
