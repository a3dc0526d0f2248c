"""`manage.py backup FOLDER`: a copy of the studio, made while it runs; `restore` is the way back."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from studio.backup import database, files
from studio.processes.locks import AlreadyHeld, FileLock

SMALL = ("secret_key", "models.toml")
"""What else is kept in the data folder and cannot be made anew."""


class Command(BaseCommand):
    help = "Copies the database, the files and the key into a folder. Run it every night; what it finds there already is not copied again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="On another disk, best on another machine. Made if it is not there.")
        parser.add_argument(
            "--keep-days", type=int, default=30, help="Copies of the database, and files that were deleted, go after so many days (30)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"].expanduser().resolve()
        if options["keep_days"] < 1:
            raise CommandError("--keep-days must be 1 or more.")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(folder / "backup.lock")
        except AlreadyHeld as error:
            raise CommandError(f"Another backup (process {error.holder.get('pid', 'unknown')}) writes into {folder}.") from None
        except OSError as error:
            raise CommandError(f"{folder} cannot be used ({error.strerror}): name a folder that may be written.") from error
        try:
            self._back_up(folder, timedelta(days=options["keep_days"]))
        except database.DatabaseRefused as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The copy in {folder} is not complete: {error}. What was there before is as it was.") from error
        finally:
            lock.release()

    def _back_up(self, folder: Path, keep: timedelta) -> None:
        """Files, database, files again.

        A picture's files are written before its row, and deleted after it. So every file that a row of the dump names was there when it
        was made: those that were there before it are in the first copy, whatever is deleted meanwhile; those that came since are in the
        second.
        """
        now = timezone.now()
        mirror = folder / "files"
        first = files.copy_out(mirror)
        path = folder / f"{now:%Y%m%d-%H%M%S}.{database.suffix()}"
        database.dump(path)
        second = files.copy_out(mirror)
        for name in SMALL:
            if (source := settings.DATA_DIR / name).is_file():
                shutil.copy2(source, folder / name)
        old = [one for one in dumps(folder) if one != path and timezone.now().timestamp() - one.stat().st_mtime > keep.total_seconds()]
        for one in old:
            one.unlink()
        gone = files.forget(mirror, now, keep)
        self.stdout.write(
            f"{path}: {path.stat().st_size:,} bytes. Files: {first.new + second.new:,} new, {first.known:,} known, {gone:,} forgotten. "
            f"Older copies of the database deleted: {len(old)}."
        )


def dumps(folder: Path) -> list[Path]:
    """The copies of the database in a backup folder, oldest first."""
    return sorted(one for one in folder.iterdir() if one.suffix == f".{database.suffix()}")
