"""`manage.py prune_files`: delete files that belong to no picture, and uploads that none was made from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from studio.galleries.services import prune_files, prune_inputs


class Command(BaseCommand):
    help = "Deletes uploads that no generation used in a week, and files older than a day that no row owns. Done every week by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only name the files; uploads stay as well.")

    def handle(self, *args: Any, **options: Any) -> None:
        unused = 0 if options["dry_run"] else prune_inputs()
        orphans = prune_files(dry_run=options["dry_run"])
        if options["verbosity"] > 1 or options["dry_run"]:
            for name in orphans:
                self.stdout.write(name)
        found = "1 file" if len(orphans) == 1 else f"{len(orphans):,} files"
        uploads = f" Unused uploads deleted: {unused:,}." if unused else ""
        self.stdout.write(f"{found} without a picture, nothing deleted." if options["dry_run"] else f"{found} deleted.{uploads}")
