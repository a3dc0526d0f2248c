"""How a stretch of a library is found. Whatever is asked for, the way that costs the least is taken, and its queries are counted.

- Engine, mode and days alone: the indexes of the pictures' own table, in the order of its ids.
- A text, a person, a size and so on: the index of the search, which knows all of these (`search`).
- A tag, a gallery, somebody's marks: their tables. Where they name few pictures, these are looked at one by one; where they name many, the
  index of the search is walked, and their tables are asked about each.
- The best rated first: the index of somebody's ratings.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet

from accounts.models import Team, User
from studio.galleries import search
from studio.galleries.criteria import BEST, KINDS, OLDEST, UPLOADED, Criteria, Place, Span, bounds
from studio.galleries.models import Mark
from studio.galleries.relations import marks_of, named_by, related
from studio.generation.models import Artifact
from studio.generation.querysets import ArtifactQuerySet

FEW = {"sqlite": 1000, "postgresql": 6000}
"""Pictures of a tag, a gallery or somebody's marks up to which all of them are looked at, by kind of database."""
BEST_FIRST = 1000
"""The best rated that a text is asked about before all that are rated."""
ALL = 1_000_000
_SIGNS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


class Reader:
    """One look of somebody at a team's library, through criteria. Without a `viewer`, nothing is marked and no gallery private."""

    def __init__(self, team: Team, criteria: Criteria, viewer: User | None = None) -> None:
        self.team, self.criteria, self.viewer = team, criteria, viewer

    def stretch(self, span: Span, limit: int) -> list[Artifact]:
        """At most `limit` pictures next to the span's place, in the order of the criteria whichever way the span is read."""
        pictures = self._best(span, limit) if self.criteria.sort == BEST else self._by_id(span, limit)
        return pictures[::-1] if span.upwards else pictures

    def top(self, limit: int, counted: int, counted_of_found: int) -> tuple[list[Artifact], int, int]:
        """The first `limit` pictures, and how many there are, counted no farther than one more than the number that comes with it."""
        if self.criteria.sort == BEST:
            most = counted_of_found + 1
            number = len(self._found(Span(), most)) if self.criteria.text else self._rated().order_by()[:most].count()
            return self.stretch(Span(), limit), number, counted_of_found
        if self._searched:
            found = self._found(Span(), max(limit, counted_of_found + 1))
            return self._cards_of(found[:limit]), len(found), counted_of_found
        pictures = self._listed(Artifact.objects.of_team(self.team).visible())
        return self.stretch(Span(), limit), pictures.order_by()[: counted + 1].count(), counted

    def place_of(self, artifact_id: uuid.UUID) -> Place:
        """Where a picture stands, were it let through; by what the viewer thinks of it now, where that is the order."""
        if self.criteria.sort != BEST or self.viewer is None:
            return Place(artifact_id)
        mark = Mark.objects.filter(user=self.viewer, team=self.team, artifact=artifact_id).values_list("rating", flat=True).first()
        return Place(artifact_id, mark or None)

    # --- in the order of the ids ---

    @cached_property
    def _among(self) -> QuerySet[Any] | None:
        """The rows of other tables that name the pictures that these let through; None when they are not asked."""
        return related(self.team, self.criteria, self.viewer)

    @cached_property
    def _are_few(self) -> bool:
        few = FEW[connection.vendor]
        return self._among is not None and not self._among.order_by()[few : few + 1].exists()

    @property
    def _searched(self) -> bool:
        """Whether the index of the search is asked."""
        if self.criteria.text or self._among is None:
            return bool(self.criteria.text) or not self.criteria.is_plain
        return not self._are_few

    def _found(self, span: Span, limit: int) -> list[uuid.UUID]:
        """The index of the search knows of no finals: so many more are asked for as might be left out."""
        most = limit + len(self._replaced)
        found = search.find(self.team.pk, self.criteria, span=span, limit=most, among=self._among, few=self._are_few)
        return [one for one in found if one not in self._replaced][:limit] if self._replaced else found

    @cached_property
    def _replaced(self) -> set[uuid.UUID]:
        """Previews in whose place their final is shown."""
        return set(Artifact.objects.all().with_a_final(self.team))

    @cached_property
    def _all_found(self) -> set[uuid.UUID]:
        return set(self._found(Span(), ALL))

    def _by_id(self, span: Span, limit: int) -> list[Artifact]:
        if self._searched:
            return self._cards_of(self._found(span, limit))
        cards = self._listed(self._cards())
        for sign, place in bounds(self.criteria, Span(span.below, span.through, span.above)):
            cards = cards.filter(**{f"id__{_SIGNS[sign]}": place})
        return list(cards.order_by("id" if span.upwards != (self.criteria.sort == OLDEST) else "-id")[:limit])

    def _cards(self) -> ArtifactQuerySet:
        """What a tile shows of the pictures that are not in the trash."""
        return Artifact.objects.of_team(self.team).visible().as_on_walls()

    def _cards_of(self, ids: Sequence[uuid.UUID]) -> list[Artifact]:
        """The pictures of these ids, in their order; whatever an index says, only those of the team and not in the trash."""
        rows = self._cards().in_bulk(ids)
        return [rows[one] for one in ids if one in rows]

    def _listed(self, pictures: ArtifactQuerySet) -> ArtifactQuerySet:
        if self._among is not None:
            pictures = pictures.filter(pk__in=self._among.values("artifact_id"))
        return pictures.filter(self._own()).exclude(pk__in=Artifact.objects.all().with_a_final(self.team))

    def _own(self, prefix: str = "") -> Q:
        """All that a picture's own row can tell, but for the text and the place; `prefix` leads to the picture."""
        criteria, conditions = self.criteria, Q()
        if criteria.size:
            conditions &= Q(**{f"{prefix}width": criteria.size[0], f"{prefix}height": criteria.size[1]})
        if criteria.shape:
            sign = {"landscape": "__gt", "portrait": "__lt", "square": ""}[criteria.shape]
            conditions &= Q(**{f"{prefix}width{sign}": F(f"{prefix}height")})
        for name, value in (
            ("engine", criteria.engine),
            ("mode", criteria.mode),
            ("user_id", criteria.person),
            ("mime__startswith", criteria.kind and f"{KINDS[criteria.kind]}/"),
            ("seed", criteria.seed),
        ):
            if value not in ("", None):
                conditions &= Q(**{f"{prefix}{name}": "" if value == UPLOADED and name == "mode" else value})
        for sign, day in bounds(criteria, Span()):
            conditions &= Q(**{f"{prefix}id__{_SIGNS[sign]}": day})
        return conditions

    # --- the best rated first ---

    def _rated(self) -> QuerySet[Mark]:
        marks = marks_of(self.viewer, self.criteria, self.team)
        others = related(self.team, self.criteria.but(sort="", rating="", favourite=""), self.viewer)
        if others is not None:
            marks = named_by(others, marks)
        marks = marks.filter(self._own("artifact__"), artifact__team=self.team, artifact__deleted_at=None)
        return marks.exclude(artifact__in=Artifact.objects.all().with_a_final(self.team))

    def _best(self, span: Span, limit: int) -> list[Artifact]:
        """Each with the rating that gives it its place, as `rated`."""
        marks = self._rated()
        if span.place:
            marks = marks.filter(_beyond(span, span.place))
        rated = marks.order_by(*(("rating", "artifact_id") if span.upwards else ("-rating", "-artifact_id")))
        ratings = self._rated_and_found(rated, limit) if self.criteria.text else dict(rated.values_list("artifact_id", "rating")[:limit])
        pictures = self._cards_of(list(ratings))
        for picture in pictures:
            picture.rated = ratings[picture.id]  # type: ignore[attr-defined]
        return pictures

    def _rated_and_found(self, rated: QuerySet[Mark], limit: int) -> dict[uuid.UUID, int]:
        """Those that the text lets through. It is asked about the best alone first: a common word has enough of them."""
        best = dict(rated.values_list("artifact_id", "rating")[:BEST_FIRST])
        if not best:
            return {}
        among = Mark.objects.filter(user=self.viewer, artifact__in=list(best))
        found = set(search.find(self.team.pk, self.criteria, span=Span(), limit=BEST_FIRST, among=among, few=True))
        if len(found) < limit and len(best) == BEST_FIRST:
            found, best = self._all_found, dict(rated.values_list("artifact_id", "rating"))
        return dict(islice(((one, rating) for one, rating in best.items() if one in found), limit))


def _beyond(span: Span, place: Place) -> Q:
    """Marks that lie on the far side of a place; one without a rating lies below all that have one."""
    rating = place.rating or 0
    if span.below:
        return Q(rating__lt=rating) | Q(rating=rating, artifact_id__lt=place.id)
    return Q(rating__gt=rating) | Q(**{"rating": rating, "artifact_id__gte" if span.through else "artifact_id__gt": place.id})
