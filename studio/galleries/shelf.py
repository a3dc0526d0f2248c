"""Reads over a team's galleries. The only door to one: private ones are their owner's alone, deleted ones are nobody's."""

from __future__ import annotations

import uuid

from django.db.models import Count, F, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import Http404

from accounts.access import Right, require
from accounts.models import Team, User
from studio.galleries.models import Gallery, GalleryItem, Report, Review, ShareLink, Visibility
from studio.prepared import PreparedCount

FACES = 4
"""Pictures on a gallery's card."""
OUTSIDE = (Visibility.LINK, Visibility.PUBLIC)
"""What lets people see a gallery who are not in its team."""


def _open_to(viewer: User | None) -> Q:
    return ~Q(visibility=Visibility.PRIVATE) | Q(owner=viewer, owner__isnull=False)


def _seen_by(user: User) -> Q:
    return Q(team__memberships__user=user) & _open_to(user)


def open_to(viewer: User | None, team: Team) -> QuerySet[Gallery]:
    """The galleries of a team that one of its members sees; whether `viewer` is one was asked before. For nobody those that all see."""
    return Gallery.objects.filter(_open_to(viewer), team=team, deleted_at=None)


def galleries_for(user: User, team: Team) -> QuerySet[Gallery]:
    """The galleries of a team that a member may see, what changed last first; none for a stranger."""
    return Gallery.objects.filter(_seen_by(user), team=team, deleted_at=None).order_by("-updated_at", "-id")


def deleted_for(user: User, team: Team) -> QuerySet[Gallery]:
    """Those that were thrown away, the last first."""
    gone = Gallery.objects.filter(_seen_by(user), team=team).exclude(deleted_at=None)
    return gone.order_by("-deleted_at", "-id")


def gallery_for(user: User, gallery_id: uuid.UUID, right: Right = "see", *, in_trash: bool = False) -> Gallery:
    """Raises Http404 for a stranger and for a private gallery of somebody else, PermissionDenied for a member without the right.

    A deleted one is found only when asked for.
    """
    galleries = Gallery.objects.filter(_seen_by(user), pk=gallery_id).select_related("team", "owner", "cover")
    gallery = (galleries if in_trash else galleries.filter(deleted_at=None)).first()
    if gallery is None:
        raise Http404
    require(user, gallery.team, right)
    return gallery


def items_of(gallery: Gallery) -> QuerySet[GalleryItem]:
    """What is in a gallery, in its order, without what lies in the trash."""
    return in_order(GalleryItem.objects.filter(gallery=gallery, artifact__deleted_at=None))


def in_order(items: QuerySet[GalleryItem]) -> QuerySet[GalleryItem]:
    return items.order_by("position", "id")


def with_faces(galleries: QuerySet[Gallery]) -> QuerySet[Gallery]:
    """Each with `size` (items outside the trash), `waiting` (those that wait for a review) and `faces` (its first items); two queries."""
    there = GalleryItem.objects.filter(gallery=OuterRef("pk"), artifact__deleted_at=None)
    first = in_order(GalleryItem.objects.filter(artifact__deleted_at=None).select_related("artifact"))[:FACES]
    return (
        galleries.annotate(size=_count(there), waiting=_count(there.filter(review=Review.WAITING)))
        .select_related("cover", "owner")
        .prefetch_related(Prefetch("items", queryset=first, to_attr="faces"))
    )


def _count(items: QuerySet[GalleryItem]) -> Coalesce:
    counted = items.order_by().values("gallery").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))


def holding(user: User, team: Team, artifact_id: uuid.UUID) -> set[uuid.UUID]:
    """The ids of those galleries a person sees that hold this picture."""
    return set(galleries_for(user, team).filter(items__artifact=artifact_id).values_list("id", flat=True))


def links_of(gallery: Gallery) -> QuerySet[ShareLink]:
    """The links that nobody took back, the newest first; those that have ended are among them."""
    return ShareLink.objects.filter(gallery=gallery, revoked_at=None).select_related("created_by").order_by("-id")


def link_for(user: User, link_id: uuid.UUID, right: Right = "curate") -> ShareLink:
    """Raises as `gallery_for` does for the link's gallery."""
    link = ShareLink.objects.filter(pk=link_id).first()
    if link is None:
        raise Http404
    link.gallery = gallery_for(user, link.gallery_id, right)
    return link


def number_to_review(team: Team) -> int:
    """Items and reports that wait for those who may publish. Two queries."""
    return _items_to_review(team.pk) + _open_reports(team.pk)


def to_review(team: Team | int) -> QuerySet[GalleryItem]:
    """What waits for somebody who may publish: items of galleries that people outside can see."""
    shown = GalleryItem.objects.filter(gallery__team=team, gallery__deleted_at=None, gallery__visibility__in=OUTSIDE)
    waiting = shown.filter(review=Review.WAITING, artifact__deleted_at=None)
    return waiting.order_by(F("gallery__updated_at").desc(), "gallery_id", "position", "id")


_items_to_review = PreparedCount(lambda team: to_review(team).order_by())
_open_reports = PreparedCount(lambda team: Report.objects.filter(gallery__team=team, handled_at=None).order_by())
