"""What people give to generations."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.models import Team
from studio.generation.kinds import clock
from studio.generation.querysets import InputFileQuerySet
from studio.ids import uuid7


class InputFile(models.Model):
    """What somebody gave to a generation, named after its id: a picture or mask, re-encoded as PNG without EXIF, or a sound without tags.

    A picture has `width` and `height` in pixels, a sound `seconds`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    file = models.CharField(max_length=200)
    mime = models.CharField(max_length=40, default="image/png")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    sha256 = models.CharField(max_length=64)
    artifact = models.ForeignKey("Artifact", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InputFileQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.mime} {self.id}"

    @property
    def length(self) -> str:
        return clock(self.seconds)
