"""Where a team wants to hear of what happens (Endpoint), and each piece of news on its way there (Delivery)."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Team
from studio.ids import uuid7
from studio.webhooks.querysets import DeliveryQuerySet, EndpointQuerySet


class Event(models.TextChoices):
    """What is told. The values are what endpoints choose, and the `type` of a payload."""

    JOB_SUCCEEDED = "job.succeeded", "A generation is done"
    JOB_FAILED = "job.failed", "A generation failed"
    JOB_CANCELED = "job.canceled", "A generation was stopped"
    BATCH_FINISHED = "batch.finished", "The last of a batch has ended"
    WALLET_LOW = "wallet.low", "Credits run low"
    APPROVAL_ASKED = "approval.asked", "Something waits for approval"
    PAYMENT_RECEIVED = "payment.received", "Credits were paid for"


class Endpoint(models.Model):
    """An address of a team's own server. `secret` signs what is sent (it has to be known to sign, so it is kept as it is); until
    `old_secret_until` the one before signs as well. `failing_since`: nothing has arrived since; after some days it is switched off.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=120, blank=True)
    events = models.JSONField(default=list)
    secret = models.CharField(max_length=100)
    old_secret = models.CharField(max_length=100, blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    switched_off_at = models.DateTimeField(null=True, blank=True, help_text="When the studio did, after days without an answer.")
    failing_since = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["team", "id"], name="endpoint_of_team")]

    def __str__(self) -> str:
        return self.url

    @property
    def is_failing(self) -> bool:
        """Nothing has arrived for a while, and it is tried still."""
        return self.is_active and self.failing_since is not None


class Delivery(models.Model):
    """One event for one endpoint, written with what it tells of. `event_id` is that of the event, the same for every endpoint and try.

    A worker that sends it holds it until `lease_until`; `log` has a line for each try: `{"at", "status", "ms", "said", "error"}`.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        PARKED = "parked", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField(default=uuid.uuid4)
    event = models.CharField(max_length=40, choices=[*Event.choices, ("test", "A test")])
    payload: Any = models.JSONField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    log: Any = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["endpoint", "event_id"], name="delivery_once_per_event")]
        indexes = [
            models.Index(fields=["next_at"], name="delivery_due", condition=Q(status="waiting")),
            models.Index(fields=["endpoint", "-id"], name="delivery_newest_of_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.event} for {self.endpoint_id}: {self.status}"
