"""A team's own words, and what a classifier saw in a picture."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.models import Team
from studio.generation.models import Artifact


class WordList(models.Model):
    """What a team's prompts may not have beside the words of the studio, and which of those they may. A line an entry (`words.txt`)."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="words")
    blocked = models.TextField("not allowed", blank=True)
    allowed = models.TextField("allowed all the same", blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"Words of {self.team}"


class Finding(models.Model):
    """What the image classifier saw in a picture: each label's probability, and the labels for which it should not be shown outside."""

    artifact = models.OneToOneField(Artifact, on_delete=models.CASCADE, related_name="finding")
    scores = models.JSONField()
    flags = models.JSONField(default=list)
    is_flagged = models.BooleanField(default=False)
    looked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{', '.join(self.flags) or 'Nothing'} in {self.artifact_id}"

    @property
    def words(self) -> str:
        """The flags as people read them: "nsfw 98 %"."""
        return ", ".join(f"{label} {self.scores.get(label, 0):.0%}".replace("%", " %") for label in self.flags)
