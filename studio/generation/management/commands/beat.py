"""`manage.py beat`: the clock of the scaled mode, and the hands that do what is due."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studio.generation.worker.ending import leave
from studio.processes.child import bind_to_supervisor, say_ready


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # `up` has looked
    help = "Do the chores of the studio, hourly and by the second. Needs REDIS_URL; without it, each worker does them beside its work."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EMBEDDED:
            raise CommandError("Without REDIS_URL every worker does the chores beside its work: there is nothing for beat to do.")
        from studio.celery import CHORES, app

        bind_to_supervisor()
        worker = app.Worker(queues=[CHORES])
        say_ready()
        leave(worker.run())
