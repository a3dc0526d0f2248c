"""`manage.py prepare_database`: what `migrate` does, by one machine at a time."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from studio.generation.management.commands.up import not_prepared
from studio.processes.prepare import prepare_database


class Command(BaseCommand):
    help = "Bring the database up to date and end. Of several machines that do so at once, one works and the others wait for it."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            prepare_database(self._say, verbosity=options["verbosity"])
        except (OSError, OperationalError) as error:
            raise CommandError(not_prepared(error)) from error
        self._say("The database is up to date.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
