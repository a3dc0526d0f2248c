"""Reads over a team's pictures, newest first. An id is made when its picture is, so the order is that of the ids."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Team
from studio.backends.base import Mode
from studio.galleries import search
from studio.galleries.criteria import Criteria, Span
from studio.generation.kinds import NOUNS
from studio.generation.models import Artifact
from studio.generation.querysets import ArtifactQuerySet

PAGE = 50
REACH = 300
"""Pictures on a page that is asked for by its last one (`until`): what somebody comes back to."""
COUNTED = 10_000
COUNTED_FOUND = 200
"""How far pictures are counted, without and with a search."""


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

    `groups` are the pictures by day, each with its heading (empty where the page before ended in that day). `older` names the last
    picture when more follow, `newer` says whether there are pictures above the first, `count` is None on any page but the first.
    """

    groups: Sequence[tuple[str, Sequence[Artifact]]]
    older: uuid.UUID | None
    newer: bool
    count: Count | None


def made_at(artifact_id: uuid.UUID) -> datetime:
    """The moment that a version 7 UUID carries, to the millisecond (RFC 9562, 5.7)."""
    return datetime.fromtimestamp((artifact_id.int >> 80) / 1000, UTC)


def heading(day: date, today: date) -> str:
    if day == today:
        return "Today"
    days_ago = (today - day).days
    if days_ago == 1:
        return "Yesterday"
    if 1 < days_ago < 7:
        return date_format(day, "l")
    return date_format(day, "l, j F" if day.year == today.year else "j F Y")


def _cards(team: Team) -> ArtifactQuerySet:
    """What a tile shows of the pictures that are not in the trash."""
    return Artifact.objects.of_team(team).visible().select_related("user").defer("info", "sha256")


def _matching(pictures: ArtifactQuerySet, criteria: Criteria) -> ArtifactQuerySet:
    """All criteria but the text, which the index of prompts looks for."""
    if criteria.engine:
        pictures = pictures.filter(engine=criteria.engine)
    if criteria.mode:
        pictures = pictures.filter(mode=criteria.mode)
    return pictures


def _in_order(team: Team, ids: Sequence[uuid.UUID]) -> list[Artifact]:
    """The pictures of these ids, in their order; whatever the index says, only those of the team and not in the trash."""
    rows = _cards(team).in_bulk(ids)
    return [rows[one] for one in ids if one in rows]


def stretch(team: Team, criteria: Criteria, span: Span, limit: int) -> list[Artifact]:
    """At most `limit` pictures, newest first whichever way the span is read."""
    if criteria.text:
        pictures = _in_order(team, search.find(team.pk, criteria, span=span, limit=limit))
        return pictures[::-1] if span.upwards else pictures
    cards = _matching(_cards(team), criteria)
    for lookup, value in (("id__lt", span.before), ("id__gte", span.since), ("id__gt", span.after)):
        if value:
            cards = cards.filter(**{lookup: value})
    pictures = list(cards.order_by("id" if span.upwards else "-id")[:limit])
    return pictures[::-1] if span.upwards else pictures


def page(team: Team, criteria: Criteria, *, after: uuid.UUID | None = None, until: uuid.UUID | None = None) -> Page:
    """The newest pictures; those older than `after`; or everything down to `until`, as far as `REACH` allows."""
    if after:
        return _page(stretch(team, criteria, Span(before=after), PAGE + 1), after)
    if until:
        pictures = stretch(team, criteria, Span(since=until), REACH + 1)
        if len(pictures) > PAGE:
            older = bool(stretch(team, criteria, Span(before=until), 1))
            above = len(pictures) > REACH
            kept = pictures[-REACH:]
            return Page(_by_day(kept, None), kept[-1].id if older else None, above, None if above else _count(team, criteria))
    if criteria.text:
        found = search.find(team.pk, criteria, span=Span(), limit=COUNTED_FOUND + 1)
        return _page(_in_order(team, found[: PAGE + 1]), None, Count.up_to(COUNTED_FOUND, len(found)))
    return _page(stretch(team, criteria, Span(), PAGE + 1), None, _count(team, criteria))


def _page(pictures: Sequence[Artifact], after: uuid.UUID | None, count: Count | None = None) -> Page:
    """A page of the usual size out of pictures that are one more than it when others follow."""
    older = pictures[PAGE - 1].id if len(pictures) > PAGE else None
    return Page(_by_day(pictures[:PAGE], after), older, after is not None, count)


def _count(team: Team, criteria: Criteria) -> Count:
    """How many pictures there are, counted up to a limit: an exact million would take longer than the page."""
    if criteria.text:
        return Count.up_to(COUNTED_FOUND, len(search.find(team.pk, criteria, span=Span(), limit=COUNTED_FOUND + 1)))
    pictures = _matching(Artifact.objects.of_team(team).visible(), criteria)
    return Count.up_to(COUNTED, pictures.order_by()[: COUNTED + 1].count())


def _by_day(pictures: Sequence[Artifact], after: uuid.UUID | None) -> list[tuple[str, list[Artifact]]]:
    today = timezone.localdate()
    day = timezone.localdate(made_at(after)) if after else None
    groups: list[tuple[str, list[Artifact]]] = []
    for picture in pictures:
        its_day = timezone.localdate(made_at(picture.id))
        if not groups or its_day != day:
            groups.append(("" if its_day == day else heading(its_day, today), []))
        groups[-1][1].append(picture)
        day = its_day
    return groups


def neighbours(team: Team, criteria: Criteria, artifact: Artifact) -> tuple[Artifact | None, Artifact | None]:
    """The next newer and the next older picture among those that the criteria let through."""
    newer = stretch(team, criteria, Span(after=artifact.id), 1)
    older = stretch(team, criteria, Span(before=artifact.id), 1)
    return (newer[0] if newer else None, older[0] if older else None)


def noun(modes: Iterable[Mode]) -> str:
    """What people call that which was made by doing these: a picture, a model, a sound, or an item where they are mixed."""
    kinds = {mode.makes for mode in modes}
    return NOUNS[kinds.pop()] if len(kinds) == 1 else "item" if kinds else "picture"


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
) FROM used WHERE used.engine IS NOT NULL"""


def engines(team: Team) -> list[tuple[str, str]]:
    """Id and latest label of every engine that made a picture of the team, also of those that are gone, by label.

    It hops along the index from one engine to the next; DISTINCT would read an entry for every picture.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENGINES, [team.pk] * 3)
        return sorted(cursor.fetchall(), key=lambda engine: str(engine[1]).casefold())


_MODES = """
WITH RECURSIVE used(mode) AS (
    SELECT min(mode) FROM generation_artifact WHERE team_id = %s AND deleted_at IS NULL
    UNION ALL
    SELECT (SELECT min(a.mode) FROM generation_artifact a WHERE a.team_id = %s AND a.deleted_at IS NULL AND a.mode > used.mode)
    FROM used WHERE used.mode IS NOT NULL
)
SELECT used.mode FROM used WHERE used.mode IS NOT NULL"""


def modes(team: Team) -> list[Mode]:
    """What the pictures of the team were made by doing, in the order of `Mode`; found as engines are."""
    with connection.cursor() as cursor:
        cursor.execute(_MODES, [team.pk] * 2)
        used = {mode for (mode,) in cursor.fetchall()}
    return [mode for mode in Mode if mode in used]
