"""`manage.py worker --queue diffusers`: one worker process."""

from __future__ import annotations

import logging
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studio.live import publish
from studio.processes.child import bind_to_supervisor, say_ready

LOCAL_QUEUE = "diffusers"
"""The queue whose worker owns torch: one thread, whole batches."""

REMOTE_THREADS = 64
"""Engines elsewhere are only waited for: 150 calls in 10 s, 4 s each, keep 60 threads busy (`backends/stability/limiter.py`)."""


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # `up` has looked; a worker must start quickly
    help = "Make the pictures of some queues. Queues of the local runner get one thread, which owns the GPU or all cores."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", nargs="*", metavar="QUEUE", help="Queues to work for; without any, the local runner's.")
        parser.add_argument("--queue", action="append", default=[], dest="named", metavar="QUEUE", help="The same, several times.")
        parser.add_argument("--threads", type=int, default=None, help=f"Jobs at a time: 1 for the local runner, else {REMOTE_THREADS}.")

    def handle(self, *args: Any, **options: Any) -> None:
        from studio.generation.worker.process import WorkerProcess

        bind_to_supervisor()
        queues: list[str] = [*options["queue"], *options["named"]] or [LOCAL_QUEUE]
        if unknown := sorted(set(queues) - set(settings.BACKENDS)):
            raise CommandError(f"No engine has the queue {unknown[0]}. There are: {', '.join(settings.BACKENDS)}.")
        local = LOCAL_QUEUE in queues
        threads = options["threads"] or (1 if local else REMOTE_THREADS)
        if local and threads > 1:
            raise CommandError("The local runner makes one batch at a time: leave --threads out, or give other queues their own worker.")
        limit = settings.LOCAL_MEMORY_MB * 1024 * 1024 if local and settings.LOCAL_MEMORY_MB else None
        try:
            process = WorkerProcess(queues, threads=threads, batch=local, memory_limit=limit)
        except ValueError as error:
            raise CommandError(str(error)) from error
        process.listen_to_signals()
        say_ready()
        leave(process.run())


def leave(code: int) -> None:
    """End now. A regular end would wait for a thread that is deep in a model, and would run destructors that torch's threads race with."""
    publish.goodbye()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
