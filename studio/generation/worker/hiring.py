"""Which worker some queues get: how many jobs at a time, in batches or not."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from studio.generation.worker.process import WorkerProcess

LOCAL_QUEUE = "diffusers"
"""The queue whose worker owns torch: one thread, whole batches."""

REMOTE_THREADS = 64
"""Engines elsewhere are only waited for: 150 calls in 10 s, 4 s each, keep 60 threads busy (`backends/stability/limiter.py`)."""


def hire(queues: Sequence[str], *, threads: int | None = None, has_clock: bool = True) -> WorkerProcess:
    """A worker for some queues, not started. Raises ValueError with a sentence for queues or threads that cannot be."""
    if unknown := sorted(set(queues) - set(settings.BACKENDS)):
        raise ValueError(f"No engine has the queue {unknown[0]}. There are: {', '.join(settings.BACKENDS)}.")
    local = LOCAL_QUEUE in queues
    threads = threads or (1 if local else REMOTE_THREADS)
    if local and threads > 1:
        raise ValueError("The local runner makes one batch at a time: leave --threads out, or give other queues their own worker.")
    limit = settings.LOCAL_MEMORY_MB * 1024 * 1024 if local and settings.LOCAL_MEMORY_MB else None
    return WorkerProcess(queues, threads=threads, batch=local, memory_limit=limit, has_clock=has_clock)
