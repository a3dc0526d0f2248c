"""The only door to endpoints and what is sent to them: whoever is not a member of their team gets 404."""

from __future__ import annotations

import uuid

from django.http import Http404

from accounts.access import Right, require
from accounts.models import User
from studio.webhooks.models import Delivery, Endpoint


def endpoint_for(user: User, endpoint_id: uuid.UUID, right: Right = "administer") -> Endpoint:
    """Raises Http404 for a stranger, PermissionDenied for a member without the right."""
    endpoint = Endpoint.objects.select_related("team").filter(pk=endpoint_id).first()
    if endpoint is None:
        raise Http404
    require(user, endpoint.team, right)
    return endpoint


def delivery_for(user: User, delivery_id: uuid.UUID, right: Right = "administer") -> Delivery:
    """Raises like `endpoint_for`."""
    delivery = Delivery.objects.select_related("endpoint__team").filter(pk=delivery_id).first()
    if delivery is None:
        raise Http404
    require(user, delivery.endpoint.team, right)
    return delivery
