"""Two questions of whatever watches the studio: does the process answer (`/healthz`), and can it work (`/readyz`)?"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from studio.backends import registry
from studio.costs.balance import balances
from studio.generation.models import Job, Worker
from studio.outages import Outage, redis_outage

log = structlog.get_logger(__name__)

FREE_BYTES = 64 * 1024 * 1024
"""With less than this the next picture may not fit on the disk."""

STORAGE_ANSWER_SECONDS = 30
"""How long a written file proves that files can be written: probes come often, and at an object store each write is paid for."""

PROVIDER_ANSWER_SECONDS = 0.2
"""How long a probe waits for a provider's balance; what comes later is told to the next one."""


LAYER_AWAY = "Redis is away: pages look again every few seconds instead of being told"

DISPENSABLE = {"cache", "channel_layer"}
"""Parts without which requests are served all the same, and an object store with them: pages go on without pictures. All web processes lack
them at once, so a load balancer that took those out that do would leave none; whoever is to be woken reads `without`. A folder may be full
or read-only on one machine alone."""


class NotReady(Exception):
    """The reason, as a short sentence without addresses or paths."""


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else: a restart does not mend a database."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when requests can be served, 503 with the reasons when not. What is `DISPENSABLE`, queues with a living worker, those where
    something waits for an engine that is gone, and whether the studio's credits at its providers run low, are told, not required."""
    results = {name: _ask(name, check) for name, check in CHECKS.items()}
    missing = {name for name, result in results.items() if result != "ok"}
    dispensable = DISPENSABLE if isinstance(default_storage, FileSystemStorage) else DISPENSABLE | {"storage"}
    ready = missing <= dispensable
    body: dict[str, Any] = {"ready": ready, "checks": results, "without": sorted(missing & dispensable)}
    for name, ask in (("queues_with_worker", _queues_with_worker), ("queues_without_engine", _queues_without_engine)):
        body[name] = ask() if results["database"] == "ok" else []
    body["provider_credits"] = _provider_credits()
    return JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})


def _ask(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except NotReady as reason:
        return str(reason)
    except Exception as error:  # noqa: BLE001  whatever a driver raises is the answer to the question
        log.warning("not_ready", part=name, error=type(error).__name__)
        return f"does not answer ({type(error).__name__})"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


class _Migrations:
    """Asked until the answer is yes: a running process never loses a migration."""

    def __init__(self) -> None:
        self.applied = False

    def __call__(self) -> None:
        if self.applied:
            return
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if waiting:
            raise NotReady(f"{len(waiting)} migrations are not applied; run manage.py migrate")
        self.applied = True


def _cache() -> None:
    if prove := getattr(cache, "prove", None):
        try:
            prove()
        except Exception as error:
            raise NotReady(f"Redis is away ({type(error).__name__}): each process caches and counts limits by itself") from error
        return
    key = f"readyz-{os.getpid()}"
    cache.set(key, "ok", 5)
    if cache.get(key) != "ok":
        raise NotReady("what is written cannot be read back")


def _channel_layer() -> None:
    if settings.EMBEDDED:
        return  # it lives in this very process
    if redis_outage.is_on:  # the cache has just waited for it
        raise NotReady(LAYER_AWAY)
    try:
        async_to_sync(get_channel_layer().ping)()
    except Exception as error:
        raise NotReady(LAYER_AWAY) from error


class _Storage:
    """Writes a file and removes it: a full or read-only disk, or a bucket that cannot be reached, says so here before somebody's picture
    does. What an object store was found to be counts for a while, also that it is away: every probe would wait for it."""

    def __init__(self) -> None:
        self.proved_until = 0.0
        self.outage, self.reason = Outage("storage"), ""

    def __call__(self) -> None:
        folder = default_storage.location if isinstance(default_storage, FileSystemStorage) else ""
        if os.path.isdir(folder) and shutil.disk_usage(folder).free < FREE_BYTES:
            raise NotReady("the disk is full")
        if not self.outage.is_on and time.monotonic() < self.proved_until:
            return
        if not folder and not self.outage.may_ask():
            raise NotReady(self.reason)
        storage: Storage = getattr(default_storage, "probe", default_storage)
        try:
            name = storage.save(f"readyz/{os.getpid()}-{secrets.token_hex(4)}", ContentFile(b"ok"))
            storage.delete(name)
        except OSError as error:
            self.reason = f"files cannot be written ({error.strerror or type(error).__name__})"
            self.outage.failed(error)
            raise NotReady(self.reason) from error
        self.outage.answered()
        self.proved_until = time.monotonic() + STORAGE_ANSWER_SECONDS


def _provider_credits() -> dict[str, str]:
    """`ok`, `low` or `unknown`. A probe is open to everybody: how many there are stands in the admin and the metrics."""
    found = balances(PROVIDER_ANSWER_SECONDS)
    return {one.backend: "unknown" if one.millicredits is None else "low" if one.is_low else "ok" for one in found}


def _queues_with_worker() -> list[str]:
    try:
        rows = Worker.objects.alive().values_list("queues", flat=True)
        return sorted({queue for queues in rows for queue in queues})
    except DatabaseError:  # the table is not there before the first migration
        return []


def _queues_without_engine() -> list[str]:
    """Where jobs wait for an engine that no backend offers: a provider's key is gone. They fail after a while (`services.end_stranded`)."""
    try:
        stranded = Job.objects.without_engine(engine.id for engine in registry.engines())
        return sorted(stranded.order_by().values_list("queue", flat=True).distinct())
    except DatabaseError:  # as above
        return []


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _Migrations(),
    "cache": _cache,
    "channel_layer": _channel_layer,
    "storage": _Storage(),
}
