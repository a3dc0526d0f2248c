"""`manage.py empty_trash`: delete for good what has been in the trash long enough."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from studio.galleries import curating
from studio.galleries.services import empty_trash


class Command(BaseCommand):
    help = "Deletes, files too, what has been in the trash for STUDIO_TRASH_DAYS days. Done every day by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=settings.TRASH_DAYS, help="Days in the trash; 0 empties it. Default: %(default)s.")

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - timedelta(days=max(0, options["days"]))
        emptied, galleries = empty_trash(before), curating.empty_trash(before)
        self.stdout.write(f"{emptied:,} {'item' if emptied == 1 else 'items'} deleted for good.")
        if galleries:
            self.stdout.write(f"{galleries:,} {'gallery' if galleries == 1 else 'galleries'} deleted for good; what was in them stays.")
