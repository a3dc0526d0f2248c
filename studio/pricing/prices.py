"""The prices of today. Whatever names a price (the button, the list of engines, the wallet, a submit) asks here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.utils import timezone

from studio.backends.base import Engine
from studio.pricing.models import PriceList


def in_force() -> PriceList | None:
    """The version that holds now; None while there has never been one."""
    return PriceList.objects.begun(timezone.now()).first()


def priced(engines: Iterable[Engine]) -> list[Engine]:
    """The engines at what a team pays for them now: by the price list in force, else by their records. One query."""
    now = in_force()
    return [replace(engine, price=now.prices_of(engine)) for engine in engines] if now else list(engines)
