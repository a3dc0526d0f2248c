"""Who put what into the trash. Whether something is there is said by the picture's own `deleted_at`."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.models import Team
from studio.generation.models import Artifact


class Trashing(models.Model):
    """A picture was put into the trash. Written with `Artifact.deleted_at`, and gone with it; the newest have the highest numbers."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    artifact = models.OneToOneField(Artifact, on_delete=models.CASCADE, related_name="trashing")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["team", "-id"], name="trashed_newest")]

    def __str__(self) -> str:
        return f"{self.artifact_id} in the trash"
