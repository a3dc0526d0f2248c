"""Tags, which a team shares, and marks, which each person gives for themselves: the only writers and readers of both."""

from __future__ import annotations

import unicodedata
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Count

from accounts.models import Team, User
from accounts.names import is_seen
from studio.galleries.errors import TagRefused
from studio.galleries.models import Mark, Tag, Tagging
from studio.generation.models import Artifact
from studio.live import events

MAX_NAME = 50
"""Characters of a tag."""
MAX_TAGS = 30
"""Tags of one picture."""
MAX_AT_ONCE = 100
"""Tags that one change takes away."""
MAX_KEY = 100
SUGGESTED = 50
STARS = range(6)
"""What a rating may be; 0 takes it away."""

_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the writing of whatever comes after them."""


@dataclass(frozen=True, slots=True)
class Retagged:
    """What a change of tags did: the names with the pictures, and for those taken away who had given them."""

    added: list[tuple[str, uuid.UUID]]
    removed: list[tuple[str, uuid.UUID, int | None]]

    @property
    def ids(self) -> set[uuid.UUID]:
        return {pk for _, pk in self.added} | {pk for _, pk, _ in self.removed}


# --- names -----------------------------------------------------------------------------------------------------------


def normalised(name: str) -> str:
    """A tag's name as it is kept: composed (NFKC), single spaces, none around it. Raises `TagRefused`."""
    composed = unicodedata.normalize("NFKC", name)
    # Before the spaces are looked at: a line break would pass for one.
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in _DIRECTIONS for letter in composed.strip()):
        raise TagRefused("A tag holds no line breaks and no control characters.")
    words = " ".join(composed.split())
    if not is_seen(words):
        raise TagRefused("A tag needs at least one letter.")
    if "," in words:
        raise TagRefused("A comma ends a tag: write one tag without it.")
    if len(words) > MAX_NAME or len(Tag.key_of(words)) > MAX_KEY:
        raise TagRefused(f"A tag has at most {MAX_NAME} characters; “{words[:20]}…” has {len(words)}.")
    return words


# --- tags ------------------------------------------------------------------------------------------------------------


def set_tags(artifacts: Sequence[Artifact], *, add: Iterable[str] = (), remove: Iterable[str] = (), by: User | None) -> Retagged:
    """Give every picture the tags in `add` and take those in `remove`; a name in both is given. All of one team.

    Raises `TagRefused` for a name that is none, for more names than anybody means, and when a picture would have more than `MAX_TAGS`;
    then nothing is changed.
    """
    add, remove = dict.fromkeys(add), dict.fromkeys(remove)
    if len(add) > MAX_TAGS or len(remove) > MAX_AT_ONCE:  # each would be multiplied by the pictures
        raise TagRefused(f"A picture has at most {MAX_TAGS} tags. Nothing was changed.")
    given, taken = [normalised(name) for name in add], [normalised(name) for name in remove]
    if not artifacts:
        return Retagged([], [])
    giver = by.pk if by else None
    return retag(
        artifacts[0].team,
        add=[(name, one.pk, giver) for one in artifacts for name in given],
        remove=[(name, one.pk) for one in artifacts for name in taken],
    )


def retag(team: Team, *, add: Iterable[tuple[str, uuid.UUID, int | None]], remove: Iterable[tuple[str, uuid.UUID]]) -> Retagged:
    """Give and take single tags: (name, picture, who gives it), (name, picture); names are normalised already.

    Pictures that are not the team's are left alone. Raises `TagRefused` like `set_tags`.
    """
    wanted = {(Tag.key_of(name), pk): (name, user) for name, pk, user in add}
    unwanted = {(Tag.key_of(name), pk) for name, pk in remove} - wanted.keys()
    with transaction.atomic():
        ids = _locked(team, {pk for _, pk in wanted.keys() | unwanted})
        rows = {(row.tag.key, row.artifact_id): row for row in Tagging.objects.filter(artifact__in=ids).select_related("tag")}
        gone = [row for place, row in rows.items() if place in unwanted]
        new = {place: wanted[place] for place in wanted if place not in rows and place[1] in ids}
        _refuse_too_many(rows.keys() - {(row.tag.key, row.artifact_id) for row in gone}, new.keys())
        Tagging.objects.filter(pk__in=[row.pk for row in gone]).delete()
        tags = _tags(team, {key: name for (key, _), (name, _) in new.items()})
        givers = set(User.objects.filter(pk__in={user for _, user in new.values() if user}).values_list("pk", flat=True))
        Tagging.objects.bulk_create(
            [Tagging(tag=tags[key], artifact_id=pk, user_id=user if user in givers else None) for (key, pk), (_, user) in new.items()]
        )
        done = Retagged(
            added=[(tags[key].name, pk) for key, pk in new], removed=[(row.tag.name, row.artifact_id, row.user_id) for row in gone]
        )
        _repeat(done.ids)
        if done.ids:
            transaction.on_commit(partial(events.pictures_changed, team.pk, sorted(done.ids)))
    return done


def _locked(team: Team, ids: set[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the team, whose rows nobody else tags until the transaction ends; always in one order, so that nobody waits in a circle."""
    rows = Artifact.objects.of_team(team).filter(pk__in=ids).select_for_update(of=("self",)).order_by("pk")
    return set(rows.values_list("pk", flat=True))


def _refuse_too_many(kept: set[tuple[str, uuid.UUID]], new: Iterable[tuple[str, uuid.UUID]]) -> None:
    fresh = Counter(pk for _, pk in new)
    before = Counter(pk for _, pk in kept)
    if any(before[pk] + count > MAX_TAGS for pk, count in fresh.items()):
        raise TagRefused(f"A picture has at most {MAX_TAGS} tags. Nothing was changed.")


def _tags(team: Team, names: dict[str, str]) -> dict[str, Tag]:
    """The tags with these keys; one that is not there yet is made, under the name that was asked for first."""
    Tag.objects.bulk_create([Tag(team=team, key=key, name=names[key]) for key in sorted(names)], ignore_conflicts=True)
    return {tag.key: tag for tag in Tag.objects.filter(team=team, key__in=names)}


def _repeat(ids: set[uuid.UUID]) -> None:
    """Write the names into the pictures' own rows, a line each, where the search finds them."""
    names: dict[uuid.UUID, list[str]] = {pk: [] for pk in ids}
    for row in Tagging.objects.filter(artifact__in=ids).select_related("tag").order_by("tag__key"):
        names[row.artifact_id].append(row.tag.name)
    Artifact.objects.bulk_update([Artifact(pk=pk, tags="\n".join(names[pk])) for pk in sorted(ids)], ["tags"], batch_size=200)


def tags_of(team: Team, starting_with: str = "", limit: int = SUGGESTED) -> list[tuple[str, int]]:
    """Names that begin so, whatever the case, and how many pictures have each, most used first; those of the trash do not count."""
    beginning = Tag.key_of(" ".join(starting_with.split()))
    tags = Tag.objects.filter(team=team)
    if beginning:
        tags = tags.filter(key__startswith=beginning)
    used = tags.annotate(used=Count("taggings")).filter(used__gt=0).values_list("pk", "name", "key", "used")
    # Far fewer are in the trash than are not: those are counted off, so that nothing is looked up for each picture.
    trashed = Tagging.objects.filter(tag__in=tags, artifact__trashing__team=team, artifact__deleted_at__isnull=False)
    hidden = dict(trashed.values_list("tag").annotate(n=Count("pk")).order_by())
    counted = [(name, key, count - hidden.get(pk, 0)) for pk, name, key, count in used]
    return [(name, count) for name, _, count in sorted(counted, key=lambda tag: (-tag[2], tag[1])) if count > 0][:limit]


# --- marks -----------------------------------------------------------------------------------------------------------


def rate(user: User, artifacts: Sequence[Artifact], rating: int) -> dict[int, list[uuid.UUID]]:
    """Rate pictures 1 to 5, or take the rating away with 0; returns what they had where that was another one.

    Raises ValueError for any other rating.
    """
    if rating not in STARS:
        raise ValueError(f"a rating is 0 to 5, not {rating}")
    before: dict[int, list[uuid.UUID]] = defaultdict(list)
    for pk, old in _mark(user, artifacts, "rating", rating).items():
        before[old].append(pk)
    return dict(before)


def favourite(user: User, artifacts: Sequence[Artifact], on: bool) -> list[uuid.UUID]:
    """Make pictures favourites of somebody, or no longer; returns those that this changed."""
    return list(_mark(user, artifacts, "is_favourite", on))


def _mark(user: User, artifacts: Sequence[Artifact], field: str, value: int | bool) -> dict[uuid.UUID, Any]:
    """Write a mark where it is another one, and return what was there; a row that says nothing any more goes."""
    with transaction.atomic():
        rows = Mark.objects.filter(user=user, artifact__in=artifacts).select_for_update(of=("self",)).order_by("artifact")
        marks = dict(rows.values_list("artifact", field))
        nothing = getattr(Mark(), field)
        before = {one.pk: marks.get(one.pk, nothing) for one in artifacts if marks.get(one.pk, nothing) != value}
        Mark.objects.bulk_create(
            [Mark(team_id=one.team_id, user=user, artifact=one, **{field: value}) for one in artifacts if one.pk in before],
            update_conflicts=True,
            unique_fields=["user", "artifact"],
            update_fields=[field],
        )
        Mark.objects.filter(user=user, artifact__in=before, rating=0, is_favourite=False).delete()
        if before:
            transaction.on_commit(partial(events.marks_changed, user.pk, list(before)))
    return before


def marks_of(user: User, artifacts: Iterable[Artifact]) -> dict[uuid.UUID, Mark]:
    """What somebody thinks of these pictures, where they have said it."""
    return {mark.artifact_id: mark for mark in Mark.objects.filter(user=user, artifact__in=[one.pk for one in artifacts])}
