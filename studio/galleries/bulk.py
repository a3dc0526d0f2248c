"""One thing done to many pictures of one team: all of them or none, with a way back where there is one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404

from accounts import audit
from accounts.access import Right, allows
from accounts.models import Team, User
from accounts.names import tidy
from studio.galleries import curating, shelf, sorting, trashing, undoing
from studio.galleries.errors import BulkRefused
from studio.galleries.wording import subject, things
from studio.generation.access import artifacts_for
from studio.generation.models import Artifact

MOST = 500
"""Pictures that one action takes."""
LONGEST_NAME = 120
"""Characters of a gallery's name."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done with which pictures, as a form brought it. Each action reads what it needs."""

    ids: Sequence[uuid.UUID]
    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    rating: int | None = None
    on: bool = True
    gallery: uuid.UUID | None = None
    new_gallery: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What to tell the person, the pictures it was about, and the signed word that takes it back (empty: nothing does)."""

    sentence: str
    ids: Sequence[uuid.UUID]
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    right: Right
    perform: Callable[[User, Team, list[Artifact], Order], tuple[str, undoing.Change | None]]
    in_trash: bool = False
    is_final: bool = False
    """Takes files with it, which no rollback brings back: it opens its transaction itself."""


def perform(user: User, name: str, order: Order) -> Done:
    """Do it in one transaction. `name` is one of `ACTIONS`.

    Raises `BulkRefused` and `TagRefused` with a sentence, Http404 when one of the pictures is not there for the person, PermissionDenied
    without the right; in all cases nothing is changed.
    """
    if not order.ids:
        raise BulkRefused("Nothing is selected. Tick some pictures first.")
    if len(order.ids) > MOST:
        raise BulkRefused(f"At most {MOST} at a time: select fewer.")
    action = ACTIONS[name]
    pictures = artifacts_for(user, order.ids, action.right, in_trash=action.in_trash)
    team = pictures[0].team
    with nullcontext() if action.is_final else transaction.atomic():
        sentence, change = action.perform(user, team, pictures, order)
    return Done(sentence, [one.pk for one in pictures], undoing.sign(user, team, change) if change else "")


def _trash(user: User, team: Team, pictures: list[Artifact], order: Order) -> tuple[str, undoing.Change | None]:
    lying = trashing.trash(pictures, by=user)
    moved = [one for one in pictures if one.pk in set(lying.ids)]
    if not moved:
        return "They were in the trash already.", None
    audit.record(team, user, "pictures.trashed", f"put {things(moved)} into the trash")
    return f"{subject(moved)} deleted.", undoing.trashed(lying)


def _restore(user: User, team: Team, pictures: list[Artifact], order: Order) -> tuple[str, undoing.Change | None]:
    places = trashing.restore(pictures)
    moved = {pk for place in places for pk in place.ids}
    if not moved:
        return "They were not in the trash any more.", None
    back = [one for one in pictures if one.pk in moved]
    audit.record(team, user, "pictures.restored", f"took {things(back)} out of the trash")
    return f"{subject(back)} restored.", undoing.restored(places)


def may_erase(user: User, team: Team, pictures: Sequence[Artifact]) -> bool:
    """Whoever runs the team deletes for good, and everybody what they made themselves."""
    return all(one.user_id == user.pk for one in pictures) or allows(user, team, "administer")


def _erase(user: User, team: Team, pictures: list[Artifact], order: Order) -> tuple[str, undoing.Change | None]:
    if not may_erase(user, team, pictures):
        raise PermissionDenied("Only an admin of the team can delete for good what others made.")
    gone = set(trashing.erase(pictures, by=user))
    if not gone:
        return "They were not in the trash any more.", None
    return f"{subject([one for one in pictures if one.pk in gone])} deleted for good.", None


def _tag(user: User, team: Team, pictures: list[Artifact], order: Order) -> tuple[str, undoing.Change | None]:
    if not (order.add or order.remove):
        raise BulkRefused("Write a tag first.")
    done = sorting.set_tags(pictures, add=order.add, remove=order.remove, by=user)
    changed = [one for one in pictures if one.pk in done.ids]
    if not changed:
        return "These tags were set already.", None
    return f"Tags of {things(changed)} changed.", undoing.retagged(done)


def _rate(user: User, team: Team, pictures: list[Artifact], order: Order) -> tuple[str, undoing.Change | None]:
    if order.rating is None:
        raise BulkRefused("Give 1 to 5 stars, or 0 to take them away.")
    before = sorting.rate(user, pictures, order.rating)
    said = f"{subject(pictures)} rated {order.rating}." if order.rating else f"Rating taken from {things(pictures)}."
    return said, undoing.rated(order.rating, before) if before else None


def _favourite(user: User, team: Team, pictures: list[Artifact], order: Order) -> tuple[str, undoing.Change | None]:
    changed = sorting.favourite(user, pictures, order.on)
    said = f"{subject(pictures)} {'added to' if order.on else 'taken from'} your favourites."
    return said, undoing.favoured(order.on, changed) if changed else None


def _gallery(user: User, team: Team, pictures: list[Artifact], order: Order) -> tuple[str, undoing.Change | None]:
    """Into the gallery that was picked, or into the one that is called so, which is made when there is none."""
    name = tidy(order.new_gallery)
    if order.gallery is None and not name:
        raise BulkRefused("Choose a gallery, or name a new one.")
    if len(name) > LONGEST_NAME:
        raise BulkRefused(f"Shorten the name to {LONGEST_NAME} characters.")
    named = shelf.galleries_for(user, team).filter(name__iexact=name).first() if order.gallery is None else None
    gallery = shelf.gallery_for(user, order.gallery, "curate") if order.gallery else named
    if gallery and gallery.team_id != team.pk:
        raise Http404
    target = gallery or curating.create(team, by=user, name=name)
    there = set(target.items.filter(artifact__in=pictures).values_list("artifact_id", flat=True))
    added = [one for one in pictures if one.pk not in there]
    if not added:
        return f"Already in “{target.name}”.", None
    curating.add(target, added, by=user)
    return f"{subject(added)} added to “{target.name}”.", undoing.placed(target, [one.pk for one in added], is_new=gallery is None)


ACTIONS: dict[str, Action] = {
    "trash": Action("edit", _trash, in_trash=True),
    "restore": Action("edit", _restore, in_trash=True),
    "erase": Action("edit", _erase, in_trash=True, is_final=True),
    "tag": Action("edit", _tag),
    "gallery": Action("curate", _gallery),
    "rate": Action("see", _rate),
    "favourite": Action("see", _favourite),
}
