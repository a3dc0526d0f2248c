"""What people outside a team see of it: the only door for somebody without an account. Whatever is not on show is not there (Http404).

Nothing that came with a picture leaves by it: no original (its file tells how it was made), no prompt unless the link shows them, no
name of a person.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db.models import Q, QuerySet
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from studio.galleries.files import Wanted
from studio.galleries.models import Gallery, GalleryItem, Review, ShareLink, Visibility
from studio.galleries.publishing import link_id, token_of
from studio.galleries.shelf import OUTSIDE, in_order
from studio.galleries.tiles import alt, ratio
from studio.generation import files as stored
from studio.generation.errors import StorageFailed
from studio.generation.images import LARGE, decoded, variants_of
from studio.generation.models import Artifact
from studio.moderation import pictures

PAGE = 60
VARIANTS = ("thumb", "large")
SQUARE = 4
"""Steps of `tiles.ratio` up to which a picture may be cropped to a square: a quarter of it at most."""


@dataclass(frozen=True)
class Show:
    """A gallery as people outside see it: over a link, or because it is public."""

    gallery: Gallery
    link: ShareLink | None = None

    @property
    def shows_prompts(self) -> bool:
        return bool(self.link and self.link.shows_prompts)

    @property
    def shown_by(self) -> str:
        """The team's name; none for somebody alone, whose team is called after them or, without a name, after their e-mail address."""
        return "" if self.gallery.team.is_personal else self.gallery.team.name

    @property
    def is_locked(self) -> bool:
        """Whether it asks for a password."""
        return bool(self.link and self.link.password)

    def opens_with(self, password: str) -> bool:
        return not self.link or not self.link.password or check_password(password, self.link.password)

    @cached_property
    def key(self) -> str:
        """What stands in its addresses."""
        return token_of(self.link) if self.link else str(self.gallery.pk)

    def url(self, name: str = "", *more: object) -> str:
        """A path of it: the wall, or `picture`, `file`, `report` of it."""
        if self.link:
            return reverse(f"shared_{name}" if name else "shared", args=[self.key, *more])
        return reverse(f"public_{name}" if name else "public_gallery", args=[self.key, *more])

    def absolute(self, path: str) -> str:
        return f"{settings.STUDIO_URL}{path}"

    @property
    def items(self) -> QuerySet[GalleryItem]:
        """What may be seen, in its order; with a classifier only what it has looked at."""
        shown = GalleryItem.objects.filter(gallery=self.gallery, review=Review.APPROVED, artifact__deleted_at=None)
        return in_order(shown.exclude(artifact__finding=None) if pictures.is_on() else shown)

    def item(self, artifact_id: uuid.UUID) -> GalleryItem:
        """Raises Http404."""
        item = self.items.filter(artifact=artifact_id).select_related("artifact").first()
        if item is None:
            raise Http404
        return item

    def neighbours(self, item: GalleryItem) -> tuple[uuid.UUID | None, uuid.UUID | None]:
        """The pictures before and after it, round the ends: None when there is only one."""
        before = Q(position__lt=item.position) | Q(position=item.position, pk__lt=item.pk)
        ids = self.items.values_list("artifact_id", flat=True)
        earlier = ids.filter(before).reverse().first() or ids.reverse().first()
        later = ids.exclude(before).exclude(pk=item.pk).first() or ids.first()
        return (None if earlier == item.artifact_id else earlier, None if later == item.artifact_id else later)

    def place(self, item: GalleryItem) -> int:
        """Which one it is, from 1."""
        return self.items.filter(Q(position__lt=item.position) | Q(position=item.position, pk__lt=item.pk)).count() + 1

    def cover(self) -> Artifact | None:
        """What stands for it in a preview elsewhere: its cover if that is on show, else its first picture."""
        chosen = self.items.filter(artifact=self.gallery.cover_id).select_related("artifact").first() if self.gallery.cover_id else None
        item = chosen or self.items.select_related("artifact").first()
        return item.artifact if item else None


def by_link(token: str) -> Show:
    """What a link shows. Raises Http404 for one that is not ours, has ended or was taken back, or whose gallery is not on show."""
    pk = link_id(token)
    if pk is None:
        raise Http404
    found = ShareLink.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
        pk=pk,
        revoked_at=None,
        gallery__deleted_at=None,
        gallery__visibility__in=OUTSIDE,
        gallery__team__deleted_at=None,
    )
    link = found.select_related("gallery__team").first()
    if link is None:
        raise Http404
    return Show(link.gallery, link)


def in_public(gallery_id: uuid.UUID) -> Show:
    """A gallery for everybody. Raises Http404."""
    found = Gallery.objects.filter(pk=gallery_id, deleted_at=None, visibility=Visibility.PUBLIC, team__deleted_at=None)
    gallery = found.select_related("team").first()
    if gallery is None:
        raise Http404
    return Show(gallery)


# --- the wall ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture on the wall outside."""

    href: str
    src: str
    large: str
    ratio: int
    width: int
    height: int
    thumbhash: str
    alt: str
    badge: str


def frames(show: Show, items: Sequence[GalleryItem], *, first: int, total: int) -> list[Frame]:
    """`first` is the place of the first of `items`, from 1. Without prompts a picture is called by its place."""
    return [
        Frame(
            href=show.url("picture", item.artifact_id),
            src=show.url("file", item.artifact_id, "thumb"),
            large=show.url("file", item.artifact_id, "large"),
            ratio=ratio(item.artifact),
            width=item.artifact.looks[0],
            height=item.artifact.looks[1],
            thumbhash=item.artifact.thumbhash,
            alt=described(show, item.artifact, place, total),
            badge=item.artifact.badge,
        )
        for place, item in enumerate(items, first)
    ]


def described(show: Show, artifact: Artifact, place: int, total: int) -> str:
    """What a picture is called for those who do not see it."""
    return alt(artifact) if show.shows_prompts else f"{artifact.noun.capitalize()} {place} of {total}"


def is_even(shown: Sequence[Frame]) -> bool:
    """Whether all are about square: then they stand in a grid with a large one; else in rows, each in its own proportions."""
    return len(shown) > 2 and all(abs(one.ratio) <= SQUARE for one in shown)


# --- files ---------------------------------------------------------------------------------------------------------------


class WantedOutside(Wanted):
    """A smaller file of an artifact. Its name says nothing of how it was made; small pictures have a `large` one too."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return self.artifact.variant(self.variant)

    @property
    def mime(self) -> str:
        return "image/webp"

    @property
    def disposition(self) -> str:
        return f'inline; filename="{self.artifact.noun}-{self.artifact.pk.hex[-6:]}.webp"'


def wanted(artifact: Artifact, variant: str) -> WantedOutside:
    """Raises Http404 for a variant that does not go outside, and when the storage has lost the picture, or what stands for it;
    `StorageFailed` when it does not answer.

    A picture that is small has no `large` file: it is written when it is first asked for, from the pixels alone.
    """
    if variant not in VARIANTS:
        raise Http404
    asked = WantedOutside(artifact, variant, attachment=False)
    if variant == "large" and max(artifact.looks) <= LARGE and not stored.is_there(asked.name):
        try:
            data = variants_of(decoded(stored.read(artifact.variant("original"))), always_large=True).files["large"]
        except StorageFailed:
            raise
        except OSError:  # also what Pillow raises over bytes that are no picture
            raise Http404 from None
        with contextlib.suppress(FileExistsError):  # somebody else asked in the same moment
            stored.save(asked.name, data)
    return asked
