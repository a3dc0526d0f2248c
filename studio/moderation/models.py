"""A team's own words, and what a classifier saw in a picture."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.models import Team


class WordList(models.Model):
    """What a team's prompts may not have beside the words of the studio, and which of those they may. A line an entry (`words.txt`)."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="words")
    blocked = models.TextField("not allowed", blank=True)
    allowed = models.TextField("allowed all the same", blank=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"Words of {self.team}"
