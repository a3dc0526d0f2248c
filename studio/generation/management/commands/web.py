"""`manage.py web`: the site, as one process: daphne in the embedded mode, else uvicorn, of which there may be any number."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studio.generation.worker.ending import leave
from studio.processes.child import bind_to_supervisor
from studio.processes.listen import PortRefused, PortTaken, open_sockets
from studio.processes.locks import AlreadyHeld, FileLock


class Command(BaseCommand):
    help = "Serve the site. `manage.py up` also starts the workers; use this one where something else watches the processes."
    requires_system_checks: list[str] = []  # `up` has looked; the site must come back quickly

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=None, help="Port (STUDIO_PORT); 0 picks a free one.")
        parser.add_argument("--fd", type=int, action="append", default=[], help="A listening socket that the supervisor hands over.")

    def handle(self, *args: Any, **options: Any) -> None:
        bind_to_supervisor()
        if settings.EMBEDDED:
            try:
                FileLock(Path(settings.DATA_DIR) / "web.lock").note()
            except AlreadyHeld as error:
                raise CommandError(
                    f"Another web process (process {error.holder.get('pid', 'unknown')}) serves this data folder, and without Redis there "
                    "can be only one: pages of the second would not hear of progress. Stop the other, or set REDIS_URL."
                ) from None
        try:
            sockets = [socket.socket(fileno=fd) for fd in options["fd"]] or open_sockets(
                settings.STUDIO_BIND, settings.STUDIO_PORT if options["port"] is None else options["port"]
            )
        except (PortTaken, PortRefused) as error:
            raise CommandError(str(error)) from error
        if settings.EMBEDDED:
            from studio.processes.site import serve
        else:
            from studio.processes.scaled_site import serve

        if not options["fd"]:
            self.stdout.write(f"Serving http://localhost:{sockets[0].getsockname()[1]}")
        serve(sockets)
        leave(0)
