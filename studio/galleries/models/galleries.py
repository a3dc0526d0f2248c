"""Curated sets, in an order that somebody gave them."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.models import Team
from studio.generation.models import Artifact
from studio.ids import uuid7


class Visibility(models.TextChoices):
    """Who sees a gallery. Link and public ones are seen by the team, too."""

    PRIVATE = "private", "Only me"
    TEAM = "team", "The team"
    LINK = "link", "Whoever has a link"
    PUBLIC = "public", "Everybody"


class Gallery(models.Model):
    """A curated set of what a team made. A private one is its owner's alone; the work in it stays the team's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="galleries")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="galleries")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=4000)
    cover = models.ForeignKey(Artifact, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.TEAM)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "galleries"
        indexes = [models.Index(fields=["team", "-updated_at"], name="gallery_latest_of_team")]

    def __str__(self) -> str:
        return self.name


class Review(models.TextChoices):
    """Whether the world may see an item. Only approved ones leave the team."""

    WAITING = "waiting", "Waits for a review"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"


class GalleryItem(models.Model):
    """A picture in a gallery. `position` orders them, with gaps, so that a move writes one row."""

    STEP = 1 << 20
    """Between the positions of two neighbours when they are given anew."""

    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="items")
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="places")
    position = models.BigIntegerField()
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)
    review = models.CharField(max_length=10, choices=Review.choices, default=Review.WAITING)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was rejected.")
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gallery", "artifact"], name="once_in_a_gallery")]
        indexes = [
            models.Index(fields=["gallery", "position", "id"], name="item_in_order"),
            models.Index(fields=["gallery", "artifact"], name="item_by_picture"),
            models.Index(fields=["gallery"], condition=models.Q(review=Review.WAITING), name="item_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.artifact_id} in {self.gallery}"
