"""Tags, which a team shares, and marks, which each person gives for themselves."""

from __future__ import annotations

import unicodedata

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Team
from studio.generation.models import Artifact


class Tag(models.Model):
    """A word for things of a team. `key` is how it is recognised whatever the case (`key_of`)."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=50)
    key = models.CharField(max_length=100, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "key"], name="tag_once_in_a_team")]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def key_of(name: str) -> str:
        """The name composed (NFKC), casefolded, and composed again: folding takes some letters apart."""
        return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


class Tagging(models.Model):
    """A tag on a picture. The picture's own `tags` repeat the names for the search: services write both."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="taggings")
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="taggings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "artifact"], name="tagged_once")]
        indexes = [models.Index(fields=["tag", "-artifact"], name="tagged_newest")]

    def __str__(self) -> str:
        return f"{self.tag} on {self.artifact_id}"


class Mark(models.Model):
    """What one person thinks of a picture: 1 to 5 (0: nothing said), and whether it is a favourite of theirs."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="marks")
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="marks")
    rating = models.PositiveSmallIntegerField(default=0)
    is_favourite = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "artifact"], name="mark_once_a_person"),
            models.CheckConstraint(condition=Q(rating__lte=5), name="mark_up_to_five"),
        ]
        indexes = [
            models.Index(fields=["user", "team", "-artifact"], name="favourites_newest", condition=Q(is_favourite=True)),
            models.Index(fields=["user", "team", "-rating", "-artifact"], name="best_rated", condition=Q(rating__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.artifact_id}"
