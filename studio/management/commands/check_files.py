"""`manage.py check_files`: which rows lack their files, to be run after a restore or an accident."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from studio.backup import files


class Command(BaseCommand):
    help = (
        "Names every file that the database expects and the storage has not, and then exits with 1. The reverse is `prune_files --dry-run`."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        missing = files.missing()  # the storage is read here
        with transaction.atomic():  # by a cursor of the server's, a stretch at a time
            for name in missing:
                found += 1
                self.stdout.write(name)
        if found:
            raise CommandError(f"{'1 file is' if found == 1 else f'{found:,} files are'} missing.")
        self.stdout.write("Every file is there.")
