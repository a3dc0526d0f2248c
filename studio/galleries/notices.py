"""Telling people of what concerns them: a row for each, and a word to their open pages."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Team, User
from studio.galleries.models import Comment, Gallery, Notice
from studio.generation.models import Artifact
from studio.live import events


def notify(
    people: Iterable[User],
    *,
    team: Team,
    actor: User | None,
    kind: str,
    text: str,
    artifact: Artifact | None = None,
    gallery: Gallery | None = None,
    comment: Comment | None = None,
) -> list[Notice]:
    """Tell each of `people` once, never the actor. `text` is a whole sentence; it leads to the picture (at the comment), or the gallery."""
    told = {person.pk: person for person in people if actor is None or person.pk != actor.pk}
    about = {"team": team, "actor": actor, "kind": kind, "text": text[:300], "artifact": artifact, "gallery": gallery, "comment": comment}
    notices = Notice.objects.bulk_create([Notice(user=person, **about) for person in told.values()])
    for person_id in told:
        transaction.on_commit(lambda person_id=person_id: events.notices_changed(person_id))  # type: ignore[misc]
    return notices
