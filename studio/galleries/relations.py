"""What other tables know of a picture: a gallery that it is in, its tags, what the person who looks thinks of it, the key it was made
with."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from accounts.models import Team, User
from studio.galleries.criteria import BEST, Criteria
from studio.galleries.models import GalleryItem, Mark, Tag, Tagging
from studio.galleries.shelf import open_to
from studio.generation.models import Artifact


def marks_of(viewer: User | None, criteria: Criteria, team: Team) -> QuerySet[Mark]:
    """What somebody marked in a team, as the criteria ask for it; nobody marked nothing."""
    marks = Mark.objects.filter(user=viewer, team=team) if viewer else Mark.objects.none()
    if criteria.rating or criteria.sort == BEST:
        marks = marks.filter(rating__gte=max(1, criteria.rating), rating__gt=0)
    if criteria.favourite:
        marks = marks.filter(is_favourite=True)
    return marks


def named_by(rows: QuerySet[Any], others: QuerySet[Any]) -> QuerySet[Any]:
    """Of `others`, those whose `artifact` is in `rows` too. Asked one by one: SQLite would make a list for IN, and walk it for each."""
    return others.filter(Exists(rows.filter(artifact_id=OuterRef("artifact_id"))))


def related(team: Team, criteria: Criteria, viewer: User | None) -> QuerySet[Any] | None:
    """Rows with an `artifact`, one for each that is let through as far as other tables can tell; None when these are not asked."""
    found: QuerySet[Any] | None = None
    for rows in _asked(team, criteria, viewer):
        found = rows if found is None else named_by(rows, found)
    return found


def _asked(team: Team, criteria: Criteria, viewer: User | None) -> list[QuerySet[Any]]:
    """Those that tend to have few rows come first."""
    asked: list[QuerySet[Any]] = []
    if criteria.gallery:
        asked.append(GalleryItem.objects.filter(gallery__in=open_to(viewer, team).filter(pk=criteria.gallery)))
    if criteria.favourite or criteria.rating or criteria.sort == BEST:
        asked.append(marks_of(viewer, criteria, team))
    if criteria.tag:
        asked.append(Tagging.objects.filter(tag__team=team, tag__key=Tag.key_of(criteria.tag)))
    if criteria.key:
        asked.append(_made_with(team, criteria.key))
    return asked


def _made_with(team: Team, key: str) -> QuerySet[Any]:
    """The pictures that a program made or brought with a key, as if they were rows of another table."""
    return Artifact.objects.filter(team=team, api_key__public_id=key, deleted_at=None).annotate(artifact_id=F("id"))
