"""Versions of the price list. Only `studio.pricing.services` writes them; one that has begun is never changed or deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils import timezone

from studio.backends.base import Engine, PriceTable
from studio.pricing.errors import PriceListInForce
from studio.pricing.terms import Terms


class PriceListQuerySet(models.QuerySet["PriceList"]):
    def begun(self, now: datetime) -> PriceListQuerySet:
        """The one that holds, then those that held before it."""
        return self.filter(valid_from__lte=now).order_by("-valid_from", "-id")

    def waiting(self, now: datetime) -> PriceListQuerySet:
        """Those that may still be changed."""
        return self.filter(valid_from__gt=now)


class PriceList(models.Model):
    """What teams pay from `valid_from` on, until another one begins.

    `terms` are kept by engine id (`Terms.to_json`); `margin`, in hundredths of a percent, is for remote engines that are not among them.
    All else costs what its record says.
    """

    version = models.CharField(max_length=40, unique=True)
    valid_from = models.DateTimeField(db_index=True)
    margin = models.IntegerField(default=0)
    terms = models.JSONField(default=dict)
    note = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PriceListQuerySet.as_manager()

    class Meta:
        verbose_name = "price list"

    def __str__(self) -> str:
        return self.version

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a later change goes through `services.change`, which asks whether it may."""
        if not self._state.adding:
            raise PriceListInForce("A price list is changed through pricing.services.change.")
        super().save(*args, **{**kwargs, "force_insert": True})

    @property
    def has_begun(self) -> bool:
        return self.valid_from <= timezone.now()

    def terms_for(self, engine: Engine) -> Terms:
        if engine.id in self.terms:
            return Terms.from_json(self.terms[engine.id])
        return Terms(margin=0 if engine.local else self.margin)

    def prices_of(self, engine: Engine) -> PriceTable:
        """What a team pays for `engine`, whose `price` is still its record's."""
        return self.terms_for(engine).over(engine.price, self.version)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise PriceListInForce("A price list is deleted through pricing.services.withdraw.")
