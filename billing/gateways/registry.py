"""The gateways of `settings.GATEWAYS`: {name: {"BACKEND": dotted path, "OPTIONS": {…}}}, in the order in which people are offered them."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from billing.gateways.base import Gateway
from billing.gateways.errors import NotOffered


@cache
def gateway(name: str) -> Gateway:
    """Imported and made at its first use. Raises NotOffered for a name that is not in the settings."""
    entry = settings.GATEWAYS.get(name)
    if entry is None:
        raise NotOffered("This way to pay is not offered any more. Choose another one.")
    made: Gateway = import_string(entry["BACKEND"])(**entry.get("OPTIONS", {}))
    made.name = name
    return made


def gateways() -> list[Gateway]:
    return [gateway(name) for name in settings.GATEWAYS]


def for_subscriptions() -> Gateway | None:
    """The first one through which a plan can be subscribed to."""
    return next((one for one in gateways() if one.offers_subscriptions), None)
