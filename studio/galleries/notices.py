"""Telling people of what concerns them: a row for each, and a word to their open pages; and what they do with it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from studio.galleries.models import Comment, Gallery, Notice
from studio.generation.models import Artifact, Job
from studio.live import events
from studio.prepared import PreparedCount

PAGES = {"wallet": "wallet_of_team", "budget": "budgets_of_team"}
"""Kinds of the notices that lead to a page of their team."""
APPROVAL, VERDICT = "approval", "verdict"
"""Kinds of the notices about a job: it waits for theirs, theirs was decided on."""
COUNTED = 100
"""How far what is not read is counted."""


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
    job: Job | None = None,
) -> list[Notice]:
    """Tell each of `people` once, never the actor.

    `text` is a whole sentence; it leads to the picture (at the comment), the gallery, or the job.
    """
    told = {person.pk: person for person in people if actor is None or person.pk != actor.pk}
    about: dict[str, object] = {"team": team, "actor": actor, "kind": kind, "text": text[:300]}
    about |= {"artifact": artifact, "gallery": gallery, "comment": comment, "job": job}
    notices = Notice.objects.bulk_create([Notice(user=person, **about) for person in told.values()])
    for person_id in told:
        transaction.on_commit(lambda person_id=person_id: events.notices_changed(person_id))  # type: ignore[misc]
    return notices


def of(user_id: int) -> QuerySet[Notice]:
    """What a person was told, newest first, in the teams that they are still in."""
    return Notice.objects.filter(user=user_id, team__memberships__user=user_id, team__deleted_at=None).order_by("-id")


_unread = PreparedCount(lambda user: of(user).filter(read_at=None).order_by()[:COUNTED])


def unread(user_id: int) -> int:
    """How much of it is not read; counted up to `COUNTED`."""
    return _unread(user_id)


def read(user: User, notices: QuerySet[Notice]) -> int:
    """Mark those of the person that are among these as read, and tell their open pages; returns how many were not."""
    marked = Notice.objects.filter(pk__in=notices.filter(user=user, read_at=None).order_by().values("pk")).update(read_at=timezone.now())
    if marked:
        transaction.on_commit(lambda: events.notices_changed(user.pk))
    return marked


def seen(user: User, artifact: Artifact) -> int:
    """The person looks at the picture: what they were told about it is read."""
    told = Notice.objects.filter(user=user, artifact=artifact, read_at=None)
    return read(user, told) if told.exists() else 0


def settled(job: Job, kind: str) -> None:
    """What people were told about a job is settled: nobody needs to read it any more."""
    about = {"job__batch": job.batch_id} if job.batch_id else {"job": job}  # people are asked of a batch once
    told = Notice.objects.filter(**about, kind=kind, read_at=None)
    people = set(told.values_list("user_id", flat=True))
    told.update(read_at=timezone.now())
    for person_id in people:
        transaction.on_commit(lambda person_id=person_id: events.notices_changed(person_id))  # type: ignore[misc]


def place(notice: Notice) -> str:
    """The address that a notice leads to: a page of its team, a job, a comment on its picture, or the gallery; else empty."""
    if notice.kind in PAGES:
        return reverse(PAGES[notice.kind], args=[notice.team_id])
    if notice.job_id:
        return reverse("wallet_approval" if notice.kind == APPROVAL else "job", args=[notice.job_id])
    if notice.artifact_id:
        return reverse("picture", args=[notice.artifact_id]) + (f"#comment-{notice.comment_id}" if notice.comment_id else "")
    return reverse("gallery", args=[notice.gallery_id]) if notice.gallery_id else ""
