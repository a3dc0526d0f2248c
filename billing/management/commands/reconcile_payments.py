"""`manage.py reconcile_payments`: read what the payment providers know, and repair the books where a delivery never came."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.gateways.registry import gateways
from billing.services.reconciling import DAYS, reconcile


class Command(BaseCommand):
    help = "Read what the payment providers know, and repair the books. Workers do so every hour; --days 30 after a long absence."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS, help=f"how far back events are read (default {DAYS}; Stripe keeps 30 days)")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = [gateway for gateway in gateways() if not gateway.confirms_by_hand]
        if not asked:
            self.stdout.write("There is nobody to ask: everything is sold by invoice, which the operator confirms.")
        problems: list[str] = []
        for gateway in asked:
            found = reconcile(gateway, days=options["days"])
            problems += found.problems or []
            self.stdout.write(
                f"{gateway.name}: {found.events} events that had not come, {found.repaired} purchases and refunds repaired, "
                f"{found.given_up} given up."
            )
        for problem in problems:
            self.stdout.write(problem)
        if problems:
            raise CommandError(f"{len(problems)} could not be looked at. Run it again later.")
