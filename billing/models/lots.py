"""Where the credits in a wallet are from. Only `billing.services.wallets` and `billing.services.lots` write these rows."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from billing.models.append_only import AppendOnly, AppendOnlyQuerySet
from billing.models.wallets import SOURCES, LedgerEntry, Wallet


class LotQuerySet(models.QuerySet["Lot"]):
    def left(self) -> LotQuerySet:
        """Those that something is left of."""
        return self.filter(remaining__gt=0)

    def in_order(self) -> LotQuerySet:
        """As they are spent: what expires first comes first, then what came first."""
        return self.order_by(F("expires_at").asc(nulls_last=True), "id")

    def due(self, now: datetime) -> LotQuerySet:
        """What is left of has expired."""
        return self.left().filter(expires_at__lte=now)


class Lot(models.Model):
    """Credits that came at once, and what is left of them. A wallet's balance is the sum of what is left of its lots.

    `entry` is the one that brought them, `source` where from (an `Account`). `frozen` is the part of what is left that is not spent, as
    its payment is disputed. Without `expires_at` they last; `expiry_told_at` says that its people were told that they will not.
    """

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="lots")
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="lot")
    source = models.CharField(max_length=10, choices=[(one.value, one.label) for one in SOURCES])
    amount = models.BigIntegerField()
    remaining = models.BigIntegerField()
    frozen = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)
    expiry_told_at = models.DateTimeField(null=True, blank=True)

    objects = LotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(frozen__gte=0, remaining__gte=F("frozen")), name="lot_freezes_what_is_left"),
            models.CheckConstraint(condition=Q(amount__gt=0, remaining__lte=F("amount")), name="lot_has_at_most_what_came"),
        ]
        indexes = [models.Index(fields=["wallet", "expires_at", "id"], name="lot_left", condition=Q(remaining__gt=0))]

    def __str__(self) -> str:
        return f"{self.remaining} of {self.amount} ({self.source})"

    @property
    def free(self) -> int:
        """Millicredits of it that can be spent, unless work has them set aside."""
        return self.remaining - self.frozen

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class LotUse(AppendOnly):
    """What an entry took from a lot (negative), or put back into it. With the lot that an entry brought, they add up to its amount."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="uses")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="uses")
    amount = models.BigIntegerField()

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry", "lot"], name="lot_used_once_by_an_entry"),
            models.CheckConstraint(condition=~Q(amount=0), name="lot_use_is_something"),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+d} of lot {self.lot_id}"
