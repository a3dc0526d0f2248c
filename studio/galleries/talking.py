"""What people say about a picture, and who is told of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import people_who_may
from accounts.models import User
from studio.galleries import errors
from studio.galleries.mentions import People
from studio.galleries.models import Comment, Notice
from studio.galleries.notices import notify
from studio.generation.models import Artifact
from studio.live import events

CHANGEABLE = timedelta(minutes=15)
"""How long one may change what one said."""
PER_MINUTE = 20
"""Comments of one person."""
LONGEST = 4000
"""Characters of a comment."""


def people(artifact: Artifact) -> list[User]:
    """Those who see the picture, and can be mentioned."""
    return people_who_may(artifact.team, "see")


@transaction.atomic
def say(artifact: Artifact, user: User, text: str) -> Comment:
    """Add a comment, and tell whoever it concerns. Raises SaidTooMuch."""
    if Comment.objects.filter(user=user, created_at__gt=timezone.now() - timedelta(minutes=1)).count() >= PER_MINUTE:
        raise errors.SaidTooMuch
    comment = Comment.objects.create(artifact=artifact, user=user, text=_plain(text))
    members = people(artifact)
    mentioned = People.of(members).mentioned(comment.text)
    _tell_mentioned(comment, artifact, mentioned)
    _tell_others(comment, artifact, members, mentioned)
    _tell_pages(artifact)
    return comment


@transaction.atomic
def change(comment: Comment, text: str) -> None:
    """Say it otherwise; people who are mentioned only now are told. Raises SaidTooLongAgo."""
    if not is_changeable(comment, timezone.now()):
        raise errors.SaidTooLongAgo
    members = People.of(people(comment.artifact))
    before = {person.pk for person in members.mentioned(comment.text)}
    text = _plain(text)
    if text == comment.text:
        return
    comment.text, comment.edited_at = text, timezone.now()
    if Comment.objects.filter(pk=comment.pk, deleted_at=None).update(text=text, edited_at=comment.edited_at):
        _tell_mentioned(comment, comment.artifact, [person for person in members.mentioned(text) if person.pk not in before])
        _tell_pages(comment.artifact)


@transaction.atomic
def take_back(comment: Comment, *, by: User) -> bool:
    """Delete what was said; its place in the talk stays. False when it was gone already."""
    if not Comment.objects.filter(pk=comment.pk, deleted_at=None).update(text="", deleted_at=timezone.now()):
        return False
    if comment.user_id != by.pk:
        whose = comment.user or "somebody who has left"
        audit.record(comment.artifact.team, by, "comment.deleted", f"deleted what {whose} said about a {comment.artifact.noun}")
    _forget(comment)
    _tell_pages(comment.artifact)
    return True


def is_changeable(comment: Comment, now: datetime) -> bool:
    return comment.deleted_at is None and now - comment.created_at < CHANGEABLE


def talk(artifact: Artifact) -> list[Comment]:
    """All that was said, oldest first."""
    return list(Comment.objects.filter(artifact=artifact).select_related("user").order_by("id"))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\0", "").strip())[:LONGEST]


def _tell_pages(artifact: Artifact) -> None:
    transaction.on_commit(lambda: events.talk_changed(artifact.team_id, artifact.pk))


def _name(artifact: Artifact) -> str:
    """How a notice calls the picture."""
    words = " ".join(artifact.prompt[:200].split())
    return f"“{words if len(words) <= 60 else words[:59].rstrip() + '…'}”" if words else f"a {artifact.noun}"


def _tell_mentioned(comment: Comment, artifact: Artifact, mentioned: Sequence[User]) -> None:
    text = f"{comment.user} mentioned you in the talk about {_name(artifact)}."
    notify(mentioned, team=artifact.team, actor=comment.user, kind="mention", text=text, artifact=artifact, comment=comment)


def _tell_others(comment: Comment, artifact: Artifact, members: Sequence[User], mentioned: Sequence[User]) -> None:
    """Tell who made the picture and who talks about it, while they are in the team: one notice a picture until it is read."""
    said = Comment.objects.filter(artifact=artifact, deleted_at=None).exclude(pk=comment.pk)
    concerned = {artifact.user_id, *said.order_by().values_list("user_id", flat=True).distinct()}
    concerned -= {comment.user_id, *(person.pk for person in mentioned)}
    for person in members:
        if person.pk not in concerned:
            continue
        waiting = Notice.objects.filter(user=person, artifact=artifact, kind="comment", read_at=None).order_by("id")
        first = next((one.comment_id for one in waiting if one.comment_id), comment.pk)
        count = said.filter(pk__gte=first).exclude(user=person).count() + 1 if first != comment.pk else 1
        waiting.delete()
        text = _news(comment, artifact, count, is_theirs=artifact.user_id == person.pk)
        about = Comment(pk=first)
        notify([person], team=artifact.team, actor=comment.user, kind="comment", text=text, artifact=artifact, comment=about)


def _news(comment: Comment, artifact: Artifact, count: int, *, is_theirs: bool) -> str:
    about = _name(artifact)
    if is_theirs:
        about = f"your {artifact.noun} {about}" if artifact.prompt else f"your {artifact.noun}"
    if count == 1:
        return f"{comment.user} said something about {about}."
    return f"{count} new comments on {about}, the last by {comment.user}."


def _forget(comment: Comment) -> None:
    """Take back what nobody has read yet: the mention, and the news that nothing followed."""
    unread = Notice.objects.filter(comment=comment, read_at=None)
    is_followed = Comment.objects.filter(artifact=comment.artifact_id, pk__gt=comment.pk, deleted_at=None).exists()
    gone = unread.filter(kind="mention") if is_followed else unread
    readers = list(gone.values_list("user_id", flat=True))
    gone.delete()
    for person in readers:
        transaction.on_commit(lambda person=person: events.notices_changed(person))  # type: ignore[misc]
