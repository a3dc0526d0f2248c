"""What the studio pays: a row a day with what a provider's balance says, beside what the jobs say."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

from billing.credits import credits
from studio.generation.models import Job

ALARM_TOLD = timedelta(days=7)
"""How long an alarm stands in the admin."""


class BalanceSnapshotQuerySet(models.QuerySet["BalanceSnapshot"]):
    def newest_first(self, backend: str) -> BalanceSnapshotQuerySet:
        return self.filter(backend=backend).order_by("-day")

    def alarms(self) -> BalanceSnapshotQuerySet:
        """Those of the last days, so that nobody who comes late misses one."""
        return self.filter(is_alarm=True, day__gt=timezone.localdate() - ALARM_TOLD).order_by("-day", "backend")


class BalanceSnapshot(models.Model):
    """One look at a provider's balance. Amounts in millicredits.

    `recorded_total` is what all jobs together say that the provider took, `recorded` its part since the row before. `drift` is what the
    balance fell by beyond that: positive when more was taken than was recorded, negative when credits were bought; null in a first row.
    """

    backend = models.CharField(max_length=40)
    day = models.DateField()
    taken_at = models.DateTimeField()
    balance = models.BigIntegerField()
    recorded_total = models.BigIntegerField()
    recorded = models.BigIntegerField(default=0)
    drift = models.BigIntegerField(null=True, blank=True)
    is_alarm = models.BooleanField(default=False)

    objects = BalanceSnapshotQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["backend", "day"], name="snapshot_once_a_day")]
        verbose_name = "provider balance"

    def __str__(self) -> str:
        return f"{self.backend}, {self.day}: {credits(self.balance)}"

    @property
    def unexplained(self) -> str:
        """The drift in words."""
        if self.is_alarm:
            return "alarm: two looks in a row are lower than the jobs explain"
        if self.drift is None:
            return "the first look"
        if not self.drift:
            return "agrees"
        if self.drift < 0:
            return f"{credits(-self.drift)} more than expected: bought, or the provider's balance is late"
        return f"{credits(self.drift)} taken that no job explains"


class RevenueReport(Job):
    """Money, credits, costs and margin, as the operator's report adds them up by month."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = "revenue"
        verbose_name_plural = "revenue"


class CostReport(Job):
    """The jobs, as the operator's report adds them up."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = "cost report"
