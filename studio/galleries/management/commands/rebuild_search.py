"""`manage.py rebuild_search`: make the index of prompts anew, for a database that was restored or altered by other means."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from studio.galleries import search
from studio.generation.models import Artifact


class Command(BaseCommand):
    help = "Makes the index of prompts anew from the pictures. The library goes on meanwhile; searches wait."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            search.install(connection)
        self.stdout.write(f"{Artifact.objects.count():,} pictures can be searched.")
