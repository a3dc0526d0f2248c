"""`manage.py reconcile_provider`: compare the providers' balances with what the jobs say that they took."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.credits import credits
from studio.backends.errors import BackendError
from studio.costs.balance import paid_backends
from studio.costs.models import BalanceSnapshot
from studio.costs.reconciling import reconcile


class Command(BaseCommand):
    help = (
        "Writes a row with each provider's balance and what was taken since the row before, once a day; workers of paid engines do it too. "
        "Exits with 1 when credits are lost that no job explains."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        backends = paid_backends()
        if not backends:
            self.stdout.write("No provider is set up.")
        for backend in backends:
            try:
                row = reconcile(backend) or BalanceSnapshot.objects.newest_first(backend.name)[0]
            except BackendError as error:
                raise CommandError(f"{backend.name}: the balance is not known. {error.message}") from error
            self.stdout.write(
                f"{row.backend}, {row.day}: balance {credits(row.balance)}, {credits(row.recorded)} recorded, {row.unexplained}."
            )
        if alarms := BalanceSnapshot.objects.alarms():
            raise CommandError(f"Credits are lost that no job explains: {', '.join(row.backend for row in alarms)}.")
