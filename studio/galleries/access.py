"""The doors to pictures, what is said about them, and what a person was told: whoever may not see a thing gets 404."""

from __future__ import annotations

import uuid

from django.http import Http404

from accounts.access import Right, allows
from accounts.models import User
from studio.galleries.models import Comment, Notice
from studio.generation.access import artifact_for
from studio.generation.models import Artifact


def picture_for(user: User, artifact_id: uuid.UUID, right: Right = "see") -> Artifact:
    """A result that the person has the right for; one in the trash is there only for those who may edit. Raises as `artifact_for` does."""
    artifact = artifact_for(user, artifact_id, right, in_trash=True)
    if artifact.deleted_at and not allows(user, artifact.team, "edit"):
        raise Http404
    return artifact


def comment_for(user: User, comment_id: uuid.UUID) -> Comment:
    """Something said about a picture that the person sees, and that is not in the trash. Raises Http404."""
    comment = Comment.objects.select_related("user").filter(pk=comment_id, deleted_at=None).first()
    if comment is None:
        raise Http404
    comment.artifact = artifact_for(user, comment.artifact_id)
    return comment


def notice_for(user: User, notice_id: uuid.UUID) -> Notice:
    """Something that this very person was told, in a team that they are still in. Raises Http404."""
    notice = Notice.objects.filter(pk=notice_id, user=user, team__memberships__user=user).select_related("team").first()
    if notice is None:
        raise Http404
    return notice
