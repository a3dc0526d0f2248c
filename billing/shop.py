"""What the Buy page shows: the packs that are for sale in a currency, and what one gets for it in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from billing.models import PackPrice


@dataclass(frozen=True, slots=True)
class Offer:
    """`saving`: per cent off, compared with the dearest credit on sale in this currency; 0 for none."""

    price: PackPrice
    saving: int


def currencies() -> list[str]:
    """Those of `settings.CURRENCIES` in which something is for sale, in its order."""
    sold = set(PackPrice.objects.filter(pack__is_active=True).values_list("currency", flat=True))
    return [code for code in settings.CURRENCIES if code in sold]


def is_open() -> bool:
    """Whether there is something for sale, and a way to pay for it."""
    return bool(settings.GATEWAYS) and bool(currencies())


def offers(currency: str) -> Sequence[Offer]:
    """The packs in the operator's order."""
    prices = list(
        PackPrice.objects.filter(pack__is_active=True, currency=currency)
        .select_related("pack")
        .order_by("pack__position", "pack__credits", "pack_id")
    )
    dearest = max((price.amount / price.pack.credits for price in prices), default=0)
    return [Offer(price, int(100 * (1 - price.amount / price.pack.credits / dearest) + 1e-9)) for price in prices]
