"""What the API remembers between requests: submits by their key, results to be polled, and the operator's table of engines."""

from __future__ import annotations

from typing import Any

from django.db import models

from accounts.models import ApiKey
from studio.generation.models import Batch, Job


class Submission(models.Model):
    """A submit that came with an `Idempotency-Key`: the same again gives the same job or batch, another body under it is refused.

    `api_key` is the first of its line (`ApiKey.first_id`), whichever secret the program had.
    """

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    idempotency_key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what was asked: method, path, team and body.")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "idempotency_key"], name="submission_once_per_key")]

    def __str__(self) -> str:
        return self.idempotency_key


class Generation(models.Model):
    """Work that a client of the Stability API submitted, to be polled with the same key or another of its line.

    `wanted` is how it asked to be answered.
    """

    id = models.CharField(primary_key=True, max_length=64, help_text="64 hex digits.")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="+")
    operation = models.CharField(max_length=100, help_text="The path that it was submitted at.")
    wanted: Any = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="generation_by_age")]

    def __str__(self) -> str:
        return f"{self.operation} {self.id[:8]}"


class EngineRoute(models.Model):
    """The operator's word on which engine of the studio answers an operation or an engine of the Stability API; without a row for it
    the studio chooses (`stability/engines.py`). An empty `engine` refuses it."""

    asked = models.CharField(
        max_length=100, unique=True, help_text='What a client asks for: a path ("stable-image/generate/core") or an engine ("sd3.5-large").'
    )
    engine = models.CharField(max_length=80, blank=True, help_text="The id of an engine of this studio; empty: refused.")

    class Meta:
        ordering = ["asked"]

    def __str__(self) -> str:
        return f"{self.asked} → {self.engine or 'refused'}"
