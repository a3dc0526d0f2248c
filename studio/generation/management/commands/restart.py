"""`manage.py restart`: the code that lies on the disk now takes over in a running `manage.py up`, process by process."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from studio.generation.management.commands.up import not_prepared
from studio.processes.prepare import prepare
from studio.processes.restarting import Asking, NobodyRuns, restart_path


class Command(BaseCommand):
    help = "Replace the processes of a running `manage.py up` one by one, without a failed request or a lost job (with Redis only)."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EMBEDDED:
            raise CommandError(
                "Without Redis there is one web process, and nobody to answer while another takes its place. Stop `manage.py up` and start "
                "it again: browsers wait for it, and work that was begun goes on. Several web processes need REDIS_URL and DATABASE_URL."
            )
        try:
            supervisor = Asking(restart_path())
        except NobodyRuns:
            raise CommandError(
                f"No `manage.py up` runs from the data folder {settings.DATA_DIR} with Redis. "
                "Start it, or name its folder with STUDIO_DATA_DIR."
            ) from None
        try:
            prepare(self._say)
        except (OSError, OperationalError) as error:
            raise CommandError(not_prepared(error)) from error
        for line in supervisor.go():
            self._say(line)
        if supervisor.status is None:
            raise CommandError("`manage.py up` has ended meanwhile. Its own lines say why.")
        if supervisor.status:
            raise CommandError("Not all processes run the new code.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
