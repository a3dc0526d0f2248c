"""What one web process has of its own: its way to database, cache, other processes and files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import structlog
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from studio import health
from studio.metrics.registry import SUM, Reading

log = structlog.get_logger(__name__)


class OwnProcess(Reading):
    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("atelier_info", "1, with the version and mode of this process.", labels=["version", "mode"])
        info.add_metric([settings.VERSION, "embedded" if settings.EMBEDDED else "scaled"], 1)
        yield info
        ready = GaugeMetricFamily("atelier_check_up", "1 when what /readyz asks for answers this process: take the min.", labels=["check"])
        for name, check in health.CHECKS.items():
            ready.add_metric([name], int(_passes(name, check)))
        yield ready
        yield from _pool()
        yield from _disk()


def _passes(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception as error:  # noqa: BLE001  whatever a driver raises is the answer to the question
        log.debug("check_failed", part=name, error=type(error).__name__)
        return False
    return True


def _pool() -> Iterator[Metric]:
    """Nothing where there is no pool: SQLite has one connection a thread."""
    size = GaugeMetricFamily("atelier_database_pool_connections", f"Connections to PostgreSQL. {SUM}", labels=["state"])
    limit = GaugeMetricFamily("atelier_database_pool_limit", f"Most connections that there may be (STUDIO_DATABASE_POOL). {SUM}")
    queue = GaugeMetricFamily("atelier_database_pool_waiting", f"Threads that wait for a connection. {SUM}")
    waited = CounterMetricFamily("atelier_database_pool_wait_seconds", f"Time that threads have waited for one. {SUM}")
    failed = CounterMetricFamily("atelier_database_pool_errors", f"Times that a thread got none: too many, or no database. {SUM}")
    pool = getattr(connection, "pool", None)
    if pool is not None:
        stats = pool.get_stats()
        idle = stats.get("pool_available", 0)
        size.add_metric(["idle"], idle)
        size.add_metric(["busy"], stats.get("pool_size", 0) - idle)
        limit.add_metric([], stats.get("pool_max", 0))
        queue.add_metric([], stats.get("requests_waiting", 0))
        waited.add_metric([], stats.get("requests_wait_ms", 0) / 1000)
        failed.add_metric([], stats.get("requests_errors", 0))
    yield from (size, limit, queue, waited, failed)


def _disk() -> Iterator[Metric]:
    """The data folder, and that of the pictures when they lie in one."""
    free = GaugeMetricFamily("atelier_disk_free_bytes", "Room left for the files of a folder: take the min.", labels=["folder"])
    whole = GaugeMetricFamily("atelier_disk_bytes", "Room on the disk of a folder.", labels=["folder"])
    for name, path in (("data", str(settings.DATA_DIR)), ("pictures", str(getattr(default_storage, "location", "") or ""))):
        if path and os.path.isdir(path):
            usage = shutil.disk_usage(path)
            free.add_metric([name], usage.free)
            whole.add_metric([name], usage.total)
    yield from (free, whole)
