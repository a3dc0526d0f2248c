"""`manage.py worker --queue diffusers`: one worker process."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studio.generation.worker.ending import leave
from studio.generation.worker.hiring import LOCAL_QUEUE, REMOTE_THREADS, hire
from studio.processes.child import bind_to_supervisor, say_ready


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # `up` has looked; a worker must start quickly
    help = "Make the pictures of some queues. Queues of the local runner get one thread, which owns the GPU or all cores."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", nargs="*", metavar="QUEUE", help="Queues to work for; without any, the local runner's.")
        parser.add_argument("--queue", action="append", default=[], dest="named", metavar="QUEUE", help="The same, several times.")
        parser.add_argument("--threads", type=int, default=None, help=f"Jobs at a time: 1 for the local runner, else {REMOTE_THREADS}.")

    def handle(self, *args: Any, **options: Any) -> None:
        bind_to_supervisor()
        queues: list[str] = [*options["queue"], *options["named"]] or [LOCAL_QUEUE]
        try:
            process = hire(queues, threads=options["threads"]) if settings.EMBEDDED else host(queues, options["threads"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        process.listen_to_signals()
        say_ready()
        leave(process.run())


def host(queues: list[str], threads: int | None) -> Any:
    """The same worker within one of Celery's, which the embedded mode has no need to import. Raises ValueError with a sentence."""
    from celery.exceptions import ImproperlyConfigured

    from studio.celery import app

    try:
        return app.Worker(queues=queues, concurrency=threads)
    except ImproperlyConfigured as error:
        raise ValueError(str(error)) from error
