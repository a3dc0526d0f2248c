"""Codes that bring credits, and who redeemed them. Only `billing.services.promotions` writes these rows."""

from __future__ import annotations

import re
import unicodedata
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.models.append_only import AppendOnly, AppendOnlyQuerySet
from billing.models.wallets import LedgerEntry, Wallet

ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, "_": None, ".": None})
"""What people take for each other when they read or type a code (Crockford's Base32), and what they part its groups with."""
LONGEST = 40
_CODE = re.compile(r"[0-9A-Z]{6,40}")


def key_of(text: str) -> str:
    """The one form of everything that people write for a code; empty for what can be none.

    Case, hyphens and spaces do not matter, nor whether it was copied as full-width letters; O is 0, I and L are 1.
    """
    plain = "".join(unicodedata.normalize("NFKC", text[: 4 * LONGEST]).upper().split()).translate(ALIKE)
    return plain if _CODE.fullmatch(plain) else ""


class PromoCodeQuerySet(models.QuerySet["PromoCode"]):
    def redeemable(self, now: datetime) -> PromoCodeQuerySet:
        """Begun, not ended, not stopped and not used up."""
        begun = Q(valid_from=None) | Q(valid_from__lte=now)
        goes_on = Q(valid_until=None) | Q(valid_until__gt=now)
        left = Q(max_redemptions=None) | Q(redeemed__lt=F("max_redemptions"))
        lasts = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.filter(begun, goes_on, left, lasts, stopped_at=None)


class PromoCode(models.Model):
    """A code for `amount` millicredits, which expire `expires_in_days` after they came, or `expires_at`, or never.

    `code` is how it is shown, `key` (`key_of`) how it is found. It can be redeemed from `valid_from` until `valid_until`,
    `max_redemptions` times (None: as often as there are teams), by a team once and by a person once. `batch` are those that were made by
    one press, each with a `number`; `redeemed` counts its redemptions.
    """

    class For(models.TextChoices):
        ANY = "any", "Any team"
        NEW = "new", "New teams: which neither bought credits nor redeemed a code"

    code = models.CharField(max_length=60)
    key = models.CharField(max_length=LONGEST, unique=True)
    label = models.CharField(max_length=100)
    amount = models.BigIntegerField()
    expires_in_days = models.PositiveIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    max_redemptions = models.PositiveIntegerField(null=True, blank=True)
    redeemed = models.PositiveIntegerField(default=0)
    who = models.CharField(max_length=10, choices=For.choices, default=For.ANY)
    batch = models.UUIDField(default=uuid.uuid4)
    number = models.PositiveIntegerField(default=0)
    stopped_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PromoCodeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="promo_code_brings_something"),
            models.CheckConstraint(
                condition=Q(max_redemptions=None) | Q(redeemed__lte=F("max_redemptions")), name="promo_code_within_its_redemptions"
            ),
            models.CheckConstraint(condition=Q(expires_in_days=None) | Q(expires_at=None), name="promo_code_expires_one_way"),
            models.UniqueConstraint(fields=["batch", "number"], name="promo_code_once_in_a_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.code} ({self.label})"


class Redemption(AppendOnly):
    """What a team got for a code, once, from somebody who redeemed it for no other: `entry` is the grant."""

    code = models.ForeignKey(PromoCode, on_delete=models.PROTECT, related_name="redemptions")
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="redemptions")
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="redemption")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "wallet"], name="redeemed_once_by_a_wallet")]

    def __str__(self) -> str:
        return f"{self.code} by {self.wallet}"
