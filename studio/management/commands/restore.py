"""`manage.py restore FOLDER`: bring back what `backup` copied, into an empty database, and look whether all of it is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from studio.backup import database, files
from studio.management.commands.backup import dumps


class Command(BaseCommand):
    help = "Fills an empty database and the storage from a backup folder, then checks the books and the files. Stop the studio first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="The folder that `backup` wrote into.")
        parser.add_argument("--dump", default="", help="The name of a copy of the database in it; by default the newest.")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"].expanduser().resolve()
        path = self._chosen(folder, options["dump"])
        if not database.is_empty():
            raise CommandError(
                f"The database “{connection.settings_dict['NAME']}” is not empty, and nothing was changed. "
                "Name a new one (DATABASE_URL, or with SQLite another STUDIO_DATA_DIR)."
            )
        try:
            self.stdout.write(f"Database: {path.name} …")
            database.load(path)
            self.stdout.write("Files …")
            done = files.copy_in(folder / "files")
        except database.DatabaseRefused as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Not everything could be restored: {error}. Mend that and begin again with an empty database.") from error
        self.stdout.write(f"Files: {done.new:,} restored, {done.known:,} were there.")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("verify_ledger", stdout=self.stdout)
        call_command("check_files", stdout=self.stdout)
        if (folder / "secret_key").is_file() and not os.environ.get("STUDIO_SECRET_KEY"):
            self.stdout.write("Put secret_key from that folder into the data folder, or people have to sign in again and links end.")

    def _chosen(self, folder: Path, name: str) -> Path:
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.")
        if name:
            if not (folder / name).is_file():
                raise CommandError(f"There is no {name} in {folder}.")
            return folder / name
        found = dumps(folder)
        if not found:
            raise CommandError(f"There is no copy of {connection.display_name} (*.{database.suffix()}) in {folder}.")
        return found[-1]
