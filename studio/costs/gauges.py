"""The providers' balances for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import DatabaseError
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from studio.backends.base import MILLICREDITS
from studio.costs.balance import balances, paid_backends
from studio.costs.models import BalanceSnapshot

PATIENCE = 0.5


class ProviderCollector(Collector):
    """A balance that is not known has no sample: no number stands for it."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        left = GaugeMetricFamily("atelier_provider_credits", "The studio's credits at a provider.", labels=["backend"])
        low = GaugeMetricFamily("atelier_provider_low", "1 when they are below STUDIO_PROVIDER_LOW_CREDITS.", labels=["backend"])
        for one in balances(PATIENCE):
            if one.millicredits is not None:
                left.add_metric([one.backend], one.millicredits / MILLICREDITS)
                low.add_metric([one.backend], int(one.is_low))
        yield left
        yield low
        try:
            yield from self._drift()
        except DatabaseError:
            return  # the studio's collector says that the database is away

    def _drift(self) -> Iterator[Metric]:
        drift = GaugeMetricFamily(
            "atelier_provider_drift_credits", "Taken in the last day that no job explains; below 0: bought.", labels=["backend"]
        )
        alarm = GaugeMetricFamily("atelier_provider_drift_alarm", "1 when credits are lost that no job explains.", labels=["backend"])
        for backend in paid_backends():
            row = BalanceSnapshot.objects.newest_first(backend.name).first()
            if row and row.drift is not None:
                drift.add_metric([row.backend], row.drift / MILLICREDITS)
                alarm.add_metric([row.backend], int(row.is_alarm))
        yield drift
        yield alarm
