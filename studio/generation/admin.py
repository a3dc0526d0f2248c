"""What the operator sees of the queue: jobs and workers, read-only. Prompts stay out of the lists: they are their team's."""

from __future__ import annotations

from django.contrib import admin

from billing.admin import ReadOnlyAdmin
from billing.credits import credits
from studio.generation.models import Batch, Job, PausedQueue, Worker


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "status",
        "engine_label",
        "mode",
        "num_images",
        "team",
        "provider_took",
        "attempt",
        "error_code",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", "engine", "mode", "error_code")
    list_select_related = ("team",)
    search_fields = ("id",)
    ordering = ("-id",)
    fields = (
        *("status", "engine_label", "mode", "num_images", "team", "user", "queue", "priority", "moved_up_at", "attempt", "worker"),
        *("step", "total_steps", "error_code", "error_message", "created_at", "started_at", "finished_at", "run_after"),
        *("lease_expires_at", "cancel_requested_at", "sent_at", "provider_id"),
        *("batch_id", "batch_place"),
        *("approval", "verdict", "decided_by", "decided_at"),
        *("delivered", "filtered", "filtered_charged", "provider_took"),
    )
    readonly_fields = fields

    @admin.display(description="Provider took", ordering="provider_cost")
    def provider_took(self, job: Job) -> str:
        return "unknown" if job.provider_cost is None else credits(job.provider_cost)


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "size", "team", "user", "created_at", "paused_at", "canceled_at")
    list_filter = ("kind",)
    list_select_related = ("team", "user")
    search_fields = ("id",)
    ordering = ("-id",)
    fields = ("kind", "size", "team", "user", "template_version", "at_once", "created_at", "paused_at", "canceled_at")
    readonly_fields = fields


@admin.register(PausedQueue)
class PausedQueueAdmin(ReadOnlyAdmin):
    """Queues are paused and let go on at `/operator/`, which tells people and wakes workers."""

    list_display = ("queue", "paused_at", "paused_by", "reason")
    list_select_related = ("paused_by",)
    ordering = ("queue",)
    fields = ("queue", "paused_at", "paused_by", "reason")
    readonly_fields = fields


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("name", "queues", "state", "detail", "trouble", "memory_mb", "started_at", "heartbeat_at")
    ordering = ("name",)
    fields = (
        *("name", "queues", "state", "detail", "trouble", "threads", "running", "memory_mb", "devices"),
        *("version", "pid", "host", "started_at", "heartbeat_at"),
    )
    readonly_fields = fields

    @admin.display(description="Engines")
    def trouble(self, worker: Worker) -> str:
        """What its engines cannot do now, once for all that share it: a refused key, a rest after a rate limit."""
        return " ".join(sorted({told["detail"] for told in worker.engines.values()}))

    @admin.display(description="Memory", ordering="memory")
    def memory_mb(self, worker: Worker) -> str:
        return f"{worker.memory / 2**20:.0f} MB"
