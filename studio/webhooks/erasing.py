"""What endpoints were told goes with whom it was about."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db.models import Q

from accounts.models import Removal, Team, User
from studio.webhooks.models import Delivery, Endpoint
from studio.webhooks.services import tested_by

BATCH = 500


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`."""
    deliveries = Delivery.objects.filter(endpoint__team=team).order_by()
    while ids := list(deliveries.values_list("pk", flat=True)[:BATCH]):
        Delivery.objects.filter(pk__in=ids).delete()
    Endpoint.objects.filter(team=team).delete()


def erase_told(teams: Collection[int], subjects: Collection[uuid.UUID]) -> int:
    """Delete what was told of some jobs and batches of these teams: it says what people wrote. Returns how many there were.

    All that a team was told is read for it, since no index leads from a job to it; where nobody listens that is nothing.
    """
    to_them = Delivery.objects.filter(endpoint__team__in=teams)
    ids = [str(one) for one in subjects]
    gone = 0
    for start in range(0, len(ids), BATCH):
        gone += to_them.filter(payload__data__id__in=ids[start : start + BATCH]).delete()[0]
    return gone


def erase_named(user: User) -> int:
    """Delete what names a person to the teams that they are or were in: that they asked for something, or tested an endpoint."""
    teams = Team.objects.filter(Q(memberships__user=user) | Q(pk__in=Removal.objects.filter(user=user).values("team")))
    named = Q(payload__data__approval__asked_by=str(user)) | Q(payload__data__message=tested_by(user))
    return Delivery.objects.filter(named, endpoint__team__in=teams.values("pk")).delete()[0]
