"""The operator's view of where teams are told what happens: whether it arrives, and not what it says. Nothing here can be written."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import admin

from billing.read_only_admin import ReadOnlyAdmin
from studio.webhooks.models import Delivery, Endpoint


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    """Without the secret, which signs what only the studio may say, and without the path, which may hold a word that lets in."""

    list_display = ("host", "team", "is_active", "failing_since", "switched_off_at", "created_at")
    list_filter = ("is_active",)
    list_select_related = ("team",)
    search_fields = ("team__name",)
    ordering = ("-id",)
    fields = ("host", "team", "description", "events", "is_active", "failing_since", "switched_off_at", "made_by", "created_at")
    readonly_fields = fields

    @admin.display(description="Where", ordering="url")
    def host(self, row: Endpoint) -> str:
        return urlsplit(row.url).netloc


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Without what was told: that is the team's."""

    list_display = ("event", "host", "status", "attempts", "next_at", "last_answer", "created_at")
    list_filter = ("status", "event")
    list_select_related = ("endpoint",)
    ordering = ("-id",)
    show_full_result_count = False
    fields = (
        "event",
        "event_id",
        "endpoint",
        "host",
        "status",
        "attempts",
        "next_at",
        "lease_until",
        "last_answer",
        "created_at",
        "ended_at",
    )
    readonly_fields = fields

    @admin.display(description="Where")
    def host(self, row: Delivery) -> str:
        return urlsplit(row.endpoint.url).netloc

    @admin.display(description="Last answer")
    def last_answer(self, row: Delivery) -> str:
        """A status or a sentence of ours; not what the other side said."""
        if not row.log:
            return ""
        last = row.log[-1]
        return str(last["status"] or last["error"])
