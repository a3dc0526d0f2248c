"""A gallery's pictures as its page shows them, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from studio.galleries.criteria import Criteria
from studio.galleries.models import Gallery, GalleryItem, Review
from studio.galleries.shelf import items_of
from studio.galleries.tiles import Tile, tiles
from studio.generation.models import Artifact

PAGE = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A picture in a gallery: its tile, and what those who curate see of it."""

    item: GalleryItem
    tile: Tile
    is_cover: bool

    @property
    def href(self) -> str:
        """The picture's page, where the neighbours are those of the gallery."""
        return f"{self.tile.href}?gallery={self.item.gallery_id}"

    @property
    def waits(self) -> bool:
        return self.item.review == Review.WAITING

    @property
    def is_rejected(self) -> bool:
        return self.item.review == Review.REJECTED


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of a gallery's places. `number` counts stretches from 1; `first` is the place of the first picture; `more`: others follow."""

    places: Sequence[Place]
    number: int
    more: bool

    @property
    def next(self) -> int:
        return self.number + 1


def stretch(gallery: Gallery, number: int) -> Stretch:
    """The `number`th sixty pictures, from 1."""
    start = (max(1, number) - 1) * PAGE
    told = items_of(gallery).select_related("artifact__user").defer("artifact__info")
    items = list(told.annotate(is_preview=Q(artifact__job__intended__isnull=False))[start : start + PAGE + 1])
    shown = items[:PAGE]
    for item in shown:
        item.artifact.is_preview = item.is_preview
    drawn = tiles([item.artifact for item in shown], Criteria())
    places = [Place(item, tile, item.artifact_id == gallery.cover_id) for item, tile in zip(shown, drawn, strict=True)]
    return Stretch(places, max(1, number), len(items) > PAGE)


def faces(gallery: Gallery) -> list[Artifact]:
    """What stands for a gallery of `shelf.with_faces` on its card: the cover, then its first pictures; three at most."""
    first = [item.artifact for item in gallery.faces]  # type: ignore[attr-defined]
    cover = gallery.cover if gallery.cover and gallery.cover.deleted_at is None else None
    return ([cover, *(one for one in first if one.pk != cover.pk)] if cover else first)[:3]
