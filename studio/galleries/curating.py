"""What people do with galleries: make them, fill them, order them, throw them away. Who may is asked before (`shelf.gallery_for`)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.access import allows
from accounts.models import Team, User
from studio.galleries import publishing
from studio.galleries.models import Gallery, GalleryItem, Review, Visibility
from studio.galleries.shelf import OUTSIDE, in_order, items_of
from studio.galleries.wording import counted
from studio.generation.models import Artifact
from studio.live import events
from studio.moderation.models import Finding


def create(team: Team, *, by: User, name: str, description: str = "", visibility: Visibility = Visibility.TEAM) -> Gallery:
    """Make an empty gallery that belongs to `by`."""
    with transaction.atomic():
        gallery = Gallery.objects.create(team=team, owner=by, name=name, description=description, visibility=visibility)
        if visibility != Visibility.PRIVATE:
            audit.record(team, by, "gallery.created", f"made the gallery “{name}”")
    return gallery


def describe(gallery: Gallery, *, name: str, description: str, by: User) -> None:
    """Change what a gallery is called and what is said of it."""
    if (gallery.name, gallery.description) == (name, description):
        return
    with transaction.atomic():
        before, gallery.name, gallery.description = gallery.name, name, description
        gallery.save(update_fields=["name", "description", "updated_at"])
        if gallery.visibility != Visibility.PRIVATE:
            text = f"renamed the gallery “{before}” to “{name}”" if before != name else f"described the gallery “{name}” anew"
            audit.record(gallery.team, by, "gallery.described", text)
        if gallery.visibility in OUTSIDE:
            publishing.tell_of_words(gallery, by=by)


def add(gallery: Gallery, artifacts: Sequence[Artifact], *, by: User) -> int:
    """Put pictures at the end, in the order given; returns how many were not in it yet.

    Those of another team and those in the trash are left out. What somebody adds who may publish is approved at once.
    """
    wanted = list({one.pk: one for one in artifacts if one.team_id == gallery.team_id and one.deleted_at is None})
    with transaction.atomic():
        _lock(gallery)
        there = set(gallery.items.filter(artifact__in=wanted).values_list("artifact_id", flat=True))
        fresh = [pk for pk in wanted if pk not in there]
        last = gallery.items.aggregate(last=Max("position"))["last"] or 0
        review = publishing.review_of_additions(gallery, by)
        flagged = set(Finding.objects.filter(artifact__in=fresh, is_flagged=True).values_list("artifact_id", flat=True))
        rows = [
            GalleryItem(
                gallery=gallery,
                artifact_id=pk,
                position=last + place * GalleryItem.STEP,
                added_by=by,
                **({"review": Review.WAITING} if pk in flagged else review),
            )
            for place, pk in enumerate(fresh, 1)
        ]
        GalleryItem.objects.bulk_create(rows)
        if rows:
            _changed(gallery, fresh)
            publishing.ask_for_review(gallery, by=by)
    return len(rows)


def remove(gallery: Gallery, artifacts: Iterable[Artifact], *, by: User) -> int:
    """Take pictures out of a gallery; they stay in the library. Returns how many were in it."""
    ids = [one.pk for one in artifacts]
    with transaction.atomic():
        _lock(gallery)
        gone = list(gallery.items.filter(artifact__in=ids).values_list("artifact_id", flat=True))
        gallery.items.filter(artifact__in=gone).delete()
        if gone:
            Gallery.objects.filter(pk=gallery.pk, cover__in=gone).update(cover=None)
            _changed(gallery, gone)
            if gallery.visibility in OUTSIDE:
                text = f"took {counted(len(gone))} out of “{gallery.name}”, which people outside see"
                audit.record(gallery.team, by, "gallery.removed_from", text)
    return len(gone)


def put_back(gallery: Gallery, artifact: Artifact, *, position: int, review: Review, reason: str, was_cover: bool, by: User) -> bool:
    """Undo a `remove`: the picture in its old place, as it had been reviewed. False when it is in the gallery anyway.

    Who may not publish brings back no approval: it may have been withdrawn meanwhile. Nobody does for what a classifier flagged.
    """
    flagged = Finding.objects.filter(artifact=artifact, is_flagged=True)
    if review == Review.APPROVED and (not allows(by, gallery.team, "publish") or flagged.exists()):
        review = Review.WAITING
    with transaction.atomic():
        _lock(gallery)
        fields = {"position": position, "review": review, "reason": reason, "added_by": by}
        _, made = GalleryItem.objects.get_or_create(gallery=gallery, artifact=artifact, defaults=fields)
        if made:
            if was_cover:
                Gallery.objects.filter(pk=gallery.pk, cover=None).update(cover=artifact)
            _changed(gallery, [artifact.pk])
            publishing.ask_for_review(gallery, by=by)
    return made


def move(gallery: Gallery, artifact_id: uuid.UUID, *, behind: uuid.UUID | None = None, last: bool = False) -> bool:
    """Put a picture behind another one of the gallery; at the front for None, at the end for `last`. False when either is not in it.

    It gets a position half way between its new neighbours, so one row is written; where there is no room left, all get new ones.
    """
    with transaction.atomic():
        _lock(gallery)
        places = dict(in_order(gallery.items.all()).values_list("artifact_id", "position"))
        if places.pop(artifact_id, None) is None or (behind is not None and behind not in places):
            return False
        order = list(places)
        place = len(order) if last else order.index(behind) + 1 if behind else 0
        left = places[order[place - 1]] if place else None
        right = places[order[place]] if place < len(order) else None
        position = _between(left, right)
        if position is None:
            _renumber(gallery, [*order[:place], artifact_id, *order[place:]])
        else:
            gallery.items.filter(artifact=artifact_id).update(position=position)
        _changed(gallery, [artifact_id])
    return True


def step(item: GalleryItem, *, later: bool) -> uuid.UUID | None:
    """Behind which picture an item has to go to be one place later or earlier, as people see it; None for the front."""
    seen = list(items_of(item.gallery).values_list("artifact_id", flat=True))
    place = seen.index(item.artifact_id) if item.artifact_id in seen else 0
    target = min(place + 1, len(seen) - 1) if later else place - 2
    behind = seen[target] if target >= 0 else None
    return (seen[place - 1] if place else None) if behind == item.artifact_id else behind


def _between(left: int | None, right: int | None) -> int | None:
    """A position between two neighbours', None for an end; None when there is none left."""
    if left is None or right is None:
        return right - GalleryItem.STEP if right is not None else (left or 0) + GalleryItem.STEP
    middle = (left + right) // 2
    return middle if left < middle < right else None


def _renumber(gallery: Gallery, order: Sequence[uuid.UUID]) -> None:
    """Positions with gaps again, in this order."""
    places = {pk: place * GalleryItem.STEP for place, pk in enumerate(order, 1)}
    items = list(gallery.items.all())
    for item in items:
        item.position = places[item.artifact_id]
    GalleryItem.objects.bulk_update(items, ["position"], batch_size=500)


def set_cover(gallery: Gallery, artifact: Artifact | None) -> bool:
    """Choose the picture that stands for a gallery; None: its first one. False for a picture that is not in it."""
    if artifact is not None and not gallery.items.filter(artifact=artifact).exists():
        return False
    was = gallery.cover_id
    gallery.cover = artifact
    gallery.save(update_fields=["cover", "updated_at"])
    _changed(gallery, [one for one in (was, gallery.cover_id) if one])
    return True


def delete(gallery: Gallery, *, by: User) -> bool:
    """Away with a gallery; what was in it stays in the library. False when it was gone already."""
    with transaction.atomic():
        gone = Gallery.objects.filter(pk=gallery.pk, deleted_at=None).update(deleted_at=timezone.now())
        if gone and gallery.visibility != Visibility.PRIVATE:
            audit.record(gallery.team, by, "gallery.deleted", f"deleted the gallery “{gallery.name}”")
    return bool(gone)


def restore(gallery: Gallery, *, by: User) -> bool:
    """Bring a deleted gallery back, as it was. False when it was not deleted."""
    with transaction.atomic():
        back = Gallery.objects.filter(pk=gallery.pk).exclude(deleted_at=None).update(deleted_at=None)
        if back and gallery.visibility != Visibility.PRIVATE:
            audit.record(gallery.team, by, "gallery.restored", f"brought back the gallery “{gallery.name}”")
    return bool(back)


def empty_trash(before: datetime) -> int:
    """Delete for good what was deleted before that moment, links and reports too; returns how many galleries. No picture goes with them."""
    return Gallery.objects.filter(deleted_at__lt=before).delete()[1].get("galleries.Gallery", 0)


def _lock(gallery: Gallery) -> None:
    """Whoever orders or fills a gallery waits for whoever does so now (SQLite: its transactions do anyway)."""
    Gallery.objects.select_for_update().filter(pk=gallery.pk).first()


def _changed(gallery: Gallery, ids: Sequence[uuid.UUID]) -> None:
    """The gallery is the latest now, and teammates look at the pictures again."""
    Gallery.objects.filter(pk=gallery.pk).update(updated_at=timezone.now())
    if gallery.visibility != Visibility.PRIVATE:
        transaction.on_commit(lambda: events.pictures_changed(gallery.team_id, ids))
