"""What is read about endpoints and deliveries, in one place."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from accounts.models import Team
    from studio.webhooks.models import Delivery, Endpoint  # noqa: F401 - named in strings


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def of_team(self, team: Team) -> EndpointQuerySet:
        """Those that came first before others."""
        return self.filter(team=team).order_by("id")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def of_endpoint(self, endpoint: Endpoint) -> DeliveryQuerySet:
        """Newest first."""
        return self.filter(endpoint=endpoint).order_by("-id")

    def free(self, now: datetime) -> DeliveryQuerySet:
        """Waiting, and in no courier's hands. Asks their own rows only, so that an UPDATE with it is one statement on one row."""
        return self.filter(Q(lease_until=None) | Q(lease_until__lte=now), status="waiting")

    def due(self, now: datetime, *, but_not_to: Collection[uuid.UUID] = ()) -> DeliveryQuerySet:
        """What a courier may take, what waits longest first. To an endpoint that is switched off goes a test alone, to a deleted team's
        nothing.
        """
        open_to = Q(endpoint__is_active=True) | Q(event="test")
        found = self.free(now).filter(open_to, next_at__lte=now, endpoint__team__deleted_at=None)
        return found.exclude(endpoint__in=but_not_to).order_by("next_at", "id")
