"""Comments on a picture, and the notices that tell people of what concerns them."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Team
from studio.galleries.models.galleries import Gallery
from studio.generation.models import Artifact, Job
from studio.ids import uuid7


class Comment(models.Model):
    """What a member says about a picture. A deleted one keeps its place in the talk, without its text."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="comments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="comments")
    text = models.TextField(max_length=4000)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["artifact", "id"], name="comment_in_order")]

    def __str__(self) -> str:
        return f"{self.user} on {self.artifact_id}"

    @staticmethod
    def fingerprint(talk: Iterable[Comment]) -> str:
        """Of all that was said about a picture, in its order: another one as soon as something is said, changed or taken back."""
        said = [f"{one.pk} {one.user_id} {one.edited_at} {one.deleted_at}" for one in talk]
        return blake2b("\n".join(said).encode(), digest_size=8).hexdigest()


class Notice(models.Model):
    """Something that concerns one person. `text` is the sentence they read.

    `kind` is a code: `mention`, `comment`, `review`, `decision`, `report`, `gallery` (its words were changed), one of `notices.PAGES`,
    or of a job `approval` (it waits for theirs) or `verdict` (theirs was decided on).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=300)
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, null=True, related_name="+")
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, null=True, related_name="+")
    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, null=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_newest"),
            models.Index(fields=["user"], name="notice_unread", condition=Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return f"To {self.user}: {self.text}"
