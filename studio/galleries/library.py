"""Pages of a team's pictures. An id is made when its picture is, so newest first is the order of the ids."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Team, User
from studio.backends.base import Kind, Mode
from studio.galleries.criteria import BEST, Criteria, Place, Span
from studio.galleries.reading import Reader
from studio.generation.kinds import NOUNS
from studio.generation.models import Artifact

PAGE = 50
REACH = 300
"""Pictures on a page that is asked for by its last one (`until`): what somebody comes back to."""
COUNTED = 10_000
COUNTED_FOUND = 200
"""How far pictures are counted, where an index lies in their order and where they are looked for."""

_END_OF_TIME = 253_370_764_800_000
"""Milliseconds; the first day of 9999."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; `more`: at least one more than `number`."""

    number: int
    more: bool

    @classmethod
    def up_to(cls, limit: int, number: int) -> Count:
        return cls(min(number, limit), number > limit)

    def of(self, noun: str) -> str:
        """As a person says it: `12 pictures`, `More than 10,000 sounds`."""
        return f"{'More than ' if self.more else ''}{self.number:,} {noun}{'' if self.number == 1 and not self.more else 's'}"


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the library.

    `groups` are the pictures by day, each with its heading (empty where the page before ended in that day). `older` is the place of the
    last picture when more follow, `newer` that of the first when there are pictures above, `count` is None on any page but the first.
    """

    groups: Sequence[tuple[str, Sequence[Artifact]]]
    older: Place | None
    newer: Place | None
    count: Count | None


def made_at(artifact_id: uuid.UUID) -> datetime:
    """The moment that a version 7 UUID carries, to the millisecond (RFC 9562, 5.7); one that is made up may lie behind the calendar."""
    return datetime.fromtimestamp(min(artifact_id.int >> 80, _END_OF_TIME) / 1000, UTC)


def heading(day: date, today: date) -> str:
    if day == today:
        return "Today"
    days_ago = (today - day).days
    if days_ago == 1:
        return "Yesterday"
    if 1 < days_ago < 7:
        return date_format(day, "l")
    return date_format(day, "l, j F" if day.year == today.year else "j F Y")


def stretch(team: Team, criteria: Criteria, span: Span, limit: int, viewer: User | None = None) -> list[Artifact]:
    """At most `limit` pictures, in the order of the criteria whichever way the span is read."""
    return Reader(team, criteria, viewer).stretch(span, limit)


def page(
    team: Team,
    criteria: Criteria,
    *,
    after: Place | None = None,
    above: Place | None = None,
    until: Place | None = None,
    viewer: User | None = None,
) -> Page:
    """What comes first; what follows `after`; what stands next above `above`; or all down to `until`, as far as `REACH` allows.

    `viewer` is whose ratings, favourites and private galleries are meant.
    """
    reader = Reader(team, criteria, viewer)
    if after:
        return _page(reader, reader.stretch(Span(below=after), PAGE + 1), after)
    if above:
        return _page_above(reader, above)
    if until:
        until = until if until.rating else reader.place_of(until.id)
        pictures = reader.stretch(Span(through=until), REACH + 1)
        if len(pictures) > PAGE:
            kept = pictures[-REACH:]
            is_cut = len(pictures) > REACH
            older = bool(reader.stretch(Span(below=until), 1))
            return Page(
                _groups(reader, kept, None),
                older=_place(criteria, kept[-1]) if older else None,
                newer=_place(criteria, kept[0]) if is_cut else None,
                count=None if is_cut else _top(reader)[1],
            )
    pictures, count = _top(reader)
    return _page(reader, pictures, None, count)


def _page(reader: Reader, pictures: Sequence[Artifact], after: Place | None, count: Count | None = None) -> Page:
    """A page of the usual size out of pictures that are one more than it when others follow."""
    shown = pictures[:PAGE]
    return Page(
        _groups(reader, shown, after),
        older=_place(reader.criteria, shown[-1]) if len(pictures) > PAGE else None,
        newer=_place(reader.criteria, shown[0]) if after and shown else None,
        count=count,
    )


def _page_above(reader: Reader, place: Place) -> Page:
    pictures = reader.stretch(Span(above=place), PAGE + 1)
    shown = pictures[-PAGE:]
    return Page(_groups(reader, shown, None), None, _place(reader.criteria, shown[0]) if len(pictures) > PAGE else None, None)


def _place(criteria: Criteria, picture: Artifact) -> Place:
    return Place(picture.id, _rated(picture) if criteria.sort == BEST else None)


def _rated(picture: Artifact) -> int:
    rating: int = picture.rated  # type: ignore[attr-defined]
    return rating


def _top(reader: Reader) -> tuple[list[Artifact], Count]:
    """What comes first, and how many there are, counted up to a limit: an exact million would take longer than the page."""
    pictures, number, limit = reader.top(PAGE + 1, COUNTED, COUNTED_FOUND)
    return pictures, Count.up_to(limit, number)


def _groups(reader: Reader, pictures: Sequence[Artifact], after: Place | None) -> list[tuple[str, list[Artifact]]]:
    """Under the day on which they were made or, where the best come first, under what they were rated."""
    today = timezone.localdate()
    by_rating = reader.criteria.sort == BEST
    last: date | int | None = None
    if after:
        last = after.rating if by_rating else timezone.localdate(made_at(after.id))
    groups: list[tuple[str, list[Artifact]]] = []
    for picture in pictures:
        its = _rated(picture) if by_rating else timezone.localdate(made_at(picture.id))
        if not groups or its != last:
            words = "" if its == last else heading(its, today) if isinstance(its, date) else f"{its} star{'' if its == 1 else 's'}"
            groups.append((words, []))
        groups[-1][1].append(picture)
        last = its
    return groups


def neighbours(team: Team, criteria: Criteria, artifact: Artifact, viewer: User | None = None) -> tuple[Artifact | None, Artifact | None]:
    """The picture that stands before this one and the one after it (newest first: the newer, the older), of those that are let through."""
    reader = Reader(team, criteria, viewer)
    place = reader.place_of(artifact.id)
    before = reader.stretch(Span(above=place), 1)
    after = reader.stretch(Span(below=place), 1)
    return (before[0] if before else None, after[0] if after else None)


def noun(kinds: Iterable[Kind]) -> str:
    """What people call that which is of these kinds: a picture, a model, a sound, or an item where they are mixed."""
    different = set(kinds)
    return NOUNS[different.pop()] if len(different) == 1 else "item" if different else "picture"


_ENGINES = """
WITH RECURSIVE used(engine) AS (
    SELECT min(engine) FROM generation_artifact WHERE team_id = %s AND deleted_at IS NULL
    UNION ALL
    SELECT (SELECT min(a.engine) FROM generation_artifact a WHERE a.team_id = %s AND a.deleted_at IS NULL AND a.engine > used.engine)
    FROM used WHERE used.engine IS NOT NULL
)
SELECT used.engine, (
    SELECT a.engine_label FROM generation_artifact a
    WHERE a.team_id = %s AND a.engine = used.engine AND a.deleted_at IS NULL ORDER BY a.id DESC LIMIT 1
) FROM used WHERE used.engine > ''"""


def engines(team: Team) -> list[tuple[str, str]]:
    """Id and latest label of every engine that made a picture of the team, also of those that are gone, by label.

    What was brought from outside was made by none of them.

    It hops along the index from one engine to the next; DISTINCT would read an entry for every picture.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENGINES, [team.pk] * 3)
        used = [engine for engine in cursor.fetchall() if engine[0]]
    return sorted(used, key=lambda engine: str(engine[1]).casefold())


_MODES = """
WITH RECURSIVE used(mode) AS (
    SELECT min(mode) FROM generation_artifact WHERE team_id = %s AND deleted_at IS NULL
    UNION ALL
    SELECT (SELECT min(a.mode) FROM generation_artifact a WHERE a.team_id = %s AND a.deleted_at IS NULL AND a.mode > used.mode)
    FROM used WHERE used.mode IS NOT NULL
)
SELECT used.mode FROM used WHERE used.mode IS NOT NULL"""


def modes(team: Team) -> tuple[list[Mode], bool]:
    """What the pictures of the team were made by doing, in the order of `Mode`, and whether some were brought from outside.

    Found as engines are.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MODES, [team.pk] * 2)
        used = {mode for (mode,) in cursor.fetchall()}
    return [mode for mode in Mode if mode in used], "" in used
