"""`manage.py erase_teams`: erase the teams that were deleted long enough ago."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.ending import erase_ended_teams


class Command(BaseCommand):
    help = "Erases, files too, the teams that were deleted more than STUDIO_TEAM_GRACE_DAYS days ago. A worker does so by itself."

    def handle(self, *args: Any, **options: Any) -> None:
        erased = erase_ended_teams()
        self.stdout.write(f"{erased:,} {'team' if erased == 1 else 'teams'} erased.")
