"""Taking back what somebody just did. What was changed travels with the page, signed, for its person and a while; nothing is kept."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction

from accounts import audit
from accounts.access import Right, require
from accounts.models import Team, User
from studio.galleries import curating, shelf, sorting, trashing
from studio.galleries.errors import UndoRefused
from studio.galleries.models import Gallery
from studio.galleries.sorting import Retagged
from studio.galleries.trashing import Lying
from studio.galleries.wording import counted
from studio.generation.models import Artifact

LIFETIME = timedelta(hours=1)
SALT = "galleries.undo"
Change = dict[str, Any]


# --- what was done, in few letters ---------------------------------------------------------------------------------------


def pack(ids: Iterable[uuid.UUID]) -> str:
    """Ids as one word, 22 letters each."""
    return base64.urlsafe_b64encode(b"".join(one.bytes for one in ids)).decode()


def unpack(word: str) -> list[uuid.UUID]:
    data = base64.urlsafe_b64decode(word)
    return [uuid.UUID(bytes=data[start : start + 16]) for start in range(0, len(data), 16)]


def trashed(lying: Lying) -> Change:
    return {"do": "trash", "since": lying.since.isoformat(), "ids": pack(lying.ids)}


def restored(places: Sequence[Lying]) -> Change:
    return {"do": "restore", "places": [[place.since.isoformat(), place.user_id, pack(place.ids)] for place in places]}


def retagged(done: Retagged) -> Change:
    added: dict[str, list[uuid.UUID]] = {}
    for name, pk in done.added:
        added.setdefault(name, []).append(pk)
    removed: dict[tuple[str, int | None], list[uuid.UUID]] = {}
    for name, pk, user_id in done.removed:
        removed.setdefault((name, user_id), []).append(pk)
    return {
        "do": "tag",
        "added": [[name, pack(ids)] for name, ids in added.items()],
        "removed": [[name, user_id, pack(ids)] for (name, user_id), ids in removed.items()],
    }


def rated(rating: int, before: dict[int, list[uuid.UUID]]) -> Change:
    return {"do": "rate", "rating": rating, "before": [[old, pack(ids)] for old, ids in before.items()]}


def favoured(on: bool, ids: Sequence[uuid.UUID]) -> Change:
    return {"do": "favourite", "on": on, "ids": pack(ids)}


def placed(gallery: Gallery, ids: Sequence[uuid.UUID], *, is_new: bool) -> Change:
    return {"do": "gallery", "gallery": str(gallery.pk), "ids": pack(ids), "is_new": is_new}


# --- signed, and back ------------------------------------------------------------------------------------------------------


def sign(user: User, team: Team, change: Change) -> str:
    """A word that takes the change back, for this person only, as long as `LIFETIME`."""
    return signing.dumps({**change, "team": team.pk, "user": user.pk}, salt=SALT, compress=True)


def undo(user: User, token: str) -> tuple[str, list[uuid.UUID]]:
    """Take a change back; returns what to tell the person, and the pictures it was about.

    What somebody changed again in the meantime stays as they left it. Raises `UndoRefused`, and what `require` raises for somebody
    who has lost the right.
    """
    try:
        change: Change = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except signing.SignatureExpired:
        raise UndoRefused("That was too long ago to be undone by one click.") from None
    except signing.BadSignature:
        raise UndoRefused("That cannot be undone from here.") from None
    team = Team.objects.filter(pk=change["team"]).first()
    if team is None or change["user"] != user.pk:
        raise UndoRefused("That cannot be undone from here.")
    right, take_back = _UNDO[change["do"]]
    require(user, team, right)
    with transaction.atomic():
        return take_back(user, team, change)


def _pictures(team: Team, ids: Iterable[uuid.UUID]) -> list[Artifact]:
    return list(Artifact.objects.of_team(team).select_related("team").filter(pk__in=ids).order_by("pk"))


def _undo_trash(user: User, team: Team, change: Change) -> tuple[str, list[uuid.UUID]]:
    places = trashing.restore(_pictures(team, unpack(change["ids"])), since=datetime.fromisoformat(change["since"]))
    ids = [pk for place in places for pk in place.ids]
    if ids:
        audit.record(team, user, "pictures.restored", f"took {counted(len(ids))} out of the trash again")
    return (f"{counted(len(ids))} restored." if ids else "There was nothing left to restore."), ids


def _undo_restore(user: User, team: Team, change: Change) -> tuple[str, list[uuid.UUID]]:
    places = [Lying(datetime.fromisoformat(since), user_id, unpack(ids)) for since, user_id, ids in change["places"]]
    ids = [pk for place in places for pk in trashing.put_in(team.pk, place)]
    return f"{counted(len(ids))} put back into the trash.", ids


def _undo_tag(user: User, team: Team, change: Change) -> tuple[str, list[uuid.UUID]]:
    add = [(name, pk, giver) for name, giver, ids in change["removed"] for pk in unpack(ids)]
    remove = [(name, pk) for name, ids in change["added"] for pk in unpack(ids)]
    sorting.retag(team, add=add, remove=remove)
    return "The tags are as they were.", sorted({pk for _, pk, _ in add} | {pk for _, pk in remove})


def _undo_rate(user: User, team: Team, change: Change) -> tuple[str, list[uuid.UUID]]:
    ids: list[uuid.UUID] = []
    for old, word in change["before"]:
        pictures = _pictures(team, unpack(word))
        marks = sorting.marks_of(user, pictures)
        still = [one for one in pictures if (marks[one.pk].rating if one.pk in marks else 0) == change["rating"]]
        sorting.rate(user, still, old)
        ids += [one.pk for one in still]
    return "The rating is as it was.", ids


def _undo_favourite(user: User, team: Team, change: Change) -> tuple[str, list[uuid.UUID]]:
    pictures = _pictures(team, unpack(change["ids"]))
    return "The favourites are as they were.", sorting.favourite(user, pictures, not change["on"])


def _undo_gallery(user: User, team: Team, change: Change) -> tuple[str, list[uuid.UUID]]:
    gallery = shelf.gallery_for(user, uuid.UUID(change["gallery"]), "curate")
    still = gallery.items.filter(artifact__in=unpack(change["ids"]), added_by=user)
    pictures = _pictures(team, still.values_list("artifact_id", flat=True))
    curating.remove(gallery, pictures, by=user)
    if change["is_new"] and not gallery.items.exists():
        curating.delete(gallery, by=user)
    return f"“{gallery.name}” is as it was.", [one.pk for one in pictures]


_UNDO: dict[str, tuple[Right, Callable[[User, Team, Change], tuple[str, list[uuid.UUID]]]]] = {
    "trash": ("edit", _undo_trash),
    "restore": ("edit", _undo_restore),
    "tag": ("edit", _undo_tag),
    "gallery": ("curate", _undo_gallery),
    "rate": ("see", _undo_rate),
    "favourite": ("see", _undo_favourite),
}
