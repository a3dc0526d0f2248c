"""Where all metrics of a process are gathered, and the words that their helps share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from studio.backends import registry as engines

REGISTRY = CollectorRegistry()

MAX = "From rows, the same in every web process: take the max."
"""The end of the help of what lies in the database."""

SUM = "Of this process: take the sum."
"""The end of the help of what one process has alone."""


class Reading(Collector):
    """A collector that reads when Prometheus asks, and is not asked when it is registered."""

    def describe(self) -> Iterable[Metric]:
        return ()


def queues() -> list[str]:
    """Those of the engines that are switched on: they have a sample also when nothing waits and nobody works."""
    return sorted(set(engines.enabled()) & set(settings.BACKENDS))


def seconds_since(moment: datetime | None) -> float:
    """0 for never, and for clocks that disagree."""
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0
