"""What came of it: a picture, a 3D model or a sound, delivered or from outside."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import ApiKey, Team
from studio.backends.base import Kind
from studio.generation.kinds import NOUNS, POSTER_SIZES, SUFFIX, clock, kind_of
from studio.generation.models.choices import modes
from studio.generation.models.jobs import Job
from studio.generation.querysets import ArtifactQuerySet
from studio.ids import uuid7


class Artifact(models.Model):
    """A delivered picture, 3D model or sound. Its files lie under its id in the storage; what made it is kept with it.

    `width` and `height` (pixels) are those of a picture, `seconds` the length of a sound. `info` is what the backend said of its work;
    that of a sound has its `peaks` too (`waves.py`). One from outside has no job, no `engine` and no `mode`. `tags` are the names of
    its tags, a line each, for the search; the rows are those of `galleries.Tagging`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    is_preview: bool
    """Only where it was read `as_on_walls`, or with what else a wall shows."""
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="artifacts")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="artifacts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="artifacts")
    api_key = models.ForeignKey(
        ApiKey, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="What a program made or uploaded it with."
    )
    index = models.PositiveSmallIntegerField(default=0)
    engine = models.CharField(max_length=80, blank=True)
    engine_label = models.CharField(max_length=120)
    mode = models.CharField(max_length=40, choices=modes, blank=True)
    prompt = models.TextField(blank=True)
    tags = models.TextField(blank=True, editable=False)
    seed = models.BigIntegerField(null=True)
    mime = models.CharField(max_length=40)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    thumbhash = models.CharField(max_length=60, blank=True)
    charged = models.BigIntegerField(default=0)
    info = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = ArtifactQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="artifact_once_per_place")]
        indexes = [
            models.Index(fields=["team", "-id"], name="artifact_newest", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "engine", "-id"], name="artifact_by_engine", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "mode", "-id"], name="artifact_by_mode", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "engine", "mode", "-id"], name="artifact_by_engine_and_mode", condition=Q(deleted_at=None)),
            models.Index(fields=["api_key", "-id"], name="artifact_by_key", condition=Q(api_key__isnull=False, deleted_at=None)),
            models.Index(fields=["team", "sha256"], name="artifact_same_file", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "bytes"], name="artifact_storage"),  # what a team keeps is added up from the index alone
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def kind(self) -> Kind:
        return kind_of(self.mime)

    @property
    def noun(self) -> str:
        """What people call it."""
        return NOUNS[self.kind]

    @property
    def is_sheet(self) -> bool:
        """Whether it is the labelled sheet of a grid: made here, but by no job."""
        return bool(self.info.get("sheet"))

    @property
    def request(self) -> dict[str, Any]:
        """How it was made, under the names of `GenerationRequest`: its job's request, else what the file from outside said of itself."""
        made: dict[str, Any] = self.job.request if self.job else self.info.get("settings", {})
        return made

    @property
    def looks(self) -> tuple[int, int]:
        """Width and height of what is shown for it, in pixels: a picture's own, else those of its drawing (`posters.py`)."""
        return (self.width, self.height) if self.width and self.height else POSTER_SIZES[self.kind]

    @property
    def length(self) -> str:
        return clock(self.seconds)

    @property
    def badge(self) -> str:
        """What a small picture of it cannot say: that it is a model, or how long one can listen."""
        return "3D" if self.kind == "model" else self.length

    @staticmethod
    def folder(artifact_id: uuid.UUID) -> str:
        """Where an artifact's files lie in the storage; known before the row is."""
        return f"artifacts/{artifact_id.hex[-2:]}/{artifact_id}"

    def variant(self, name: str) -> str:
        """Storage name of a file: `original` (as delivered), `large` (1024 px WebP at most), `thumb` (384 px WebP at most).

        The smaller two are pictures whatever the original is; a picture that is small itself has no `large` one.
        """
        suffix = SUFFIX[self.mime] if name == "original" else "webp"
        return f"{self.folder(self.id)}/{name}.{suffix}"
