"""Who is at work."""

from __future__ import annotations

from django.db import models

from studio.generation.querysets import WorkerQuerySet


class Worker(models.Model):
    """A living worker process, for the operator, the health page and the state shown on an engine's chip."""

    name = models.CharField(max_length=80, primary_key=True)
    queues = models.JSONField(default=list)
    state = models.CharField(max_length=20, default="starting")
    detail = models.CharField(max_length=300, blank=True)
    engines = models.JSONField(default=dict, blank=True, help_text="What its engines elsewhere cannot do now, by their ids.")
    pid = models.PositiveIntegerField()
    host = models.CharField(max_length=120)
    memory = models.PositiveBigIntegerField(default=0, help_text="Resident bytes.")
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
