"""Who is at work, and on which queues nobody shall be."""

from __future__ import annotations

from django.conf import settings
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
    threads = models.PositiveSmallIntegerField(default=1, help_text="Runs that it can have at a time.")
    running = models.PositiveSmallIntegerField(default=0, help_text="Jobs that it had at its last heartbeat.")
    devices = models.JSONField(default=list, blank=True, help_text="Its GPUs: name, total and free bytes of each.")
    version = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class PausedQueue(models.Model):
    """A queue that the operator has paused: nothing of it is begun, what runs goes on. No row: it is not paused."""

    queue = models.CharField(max_length=40, primary_key=True)
    paused_at = models.DateTimeField(auto_now_add=True)
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True, help_text="Shown to people whose jobs wait.")

    def __str__(self) -> str:
        return f"{self.queue}: paused"

    @property
    def sentence(self) -> str:
        """What people read whose jobs wait."""
        if not self.reason:
            return "Paused by the operator."
        return f"Paused by the operator: {self.reason}{'' if self.reason[-1] in '.!?…' else '.'}"
