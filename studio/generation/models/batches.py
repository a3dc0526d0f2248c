"""Many jobs of one press."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from accounts.models import ApiKey, Team
from studio.generation.models.artifacts import Artifact
from studio.generation.querysets import BatchQuerySet
from studio.ids import uuid7
from studio.prompts.models import PromptTemplateVersion

if TYPE_CHECKING:
    from studio.generation.tallies import Tally


class Batch(models.Model):
    """Jobs that one press made, each with its `batch_place`, its hold and its own end. The batch only holds them together.

    While `paused_at` is set no worker begins one of them. `axes` of a grid are `{"x": {"label", "values": [...]}, "y": ...}`: the job at
    place i stands in column i mod the number of x values; `sheet` is the labelled picture of all, once every job has ended. Those of a
    table are `{"rows": [...], "left_out": [...]}`: the number that each job's row has in it, and those of the rows that were not made.
    """

    class Kind(models.TextChoices):
        TABLE = "table", "Table"
        GRID = "grid", "Grid"
        COMPARISON = "comparison", "Comparison of versions"
        COMBINATIONS = "combinations", "All combinations"
        VARIATIONS = "variations", "Variations"
        PROGRAM = "program", "Sent by a program"

    tally: Tally
    """Only where `tallies.load` has counted its jobs."""
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="batches")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="batches")
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, blank=True, related_name="batches")
    idempotency_key = models.CharField(max_length=64)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    title = models.CharField(max_length=200)
    template_version = models.ForeignKey(PromptTemplateVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="batches")
    size = models.PositiveIntegerField(help_text="How many jobs it has.")
    at_once = models.PositiveIntegerField(null=True, blank=True, help_text="Jobs that the team's plan runs at once; empty: no limit.")
    axes = models.JSONField(null=True, blank=True)
    sheet = models.ForeignKey(Artifact, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    sheet_made_at = models.DateTimeField(null=True, blank=True, help_text="When its sheet was drawn, or it was seen that there is none.")
    created_at = models.DateTimeField(auto_now_add=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "idempotency_key"], name="batch_once_per_key")]
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["team", "-id"], name="batch_newest_of_team")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_grid(self) -> bool:
        return "x" in (self.axes or {})

    def number_of(self, place: int) -> int:
        """What people call the job at this place: the number of its row in the table, or counted from 1."""
        rows = (self.axes or {}).get("rows") or []
        return rows[place] if place < len(rows) else place + 1

    @property
    def left_out(self) -> list[int]:
        """The numbers of the rows of its table that were not made."""
        return (self.axes or {}).get("left_out") or []
