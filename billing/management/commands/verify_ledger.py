"""`manage.py verify_ledger`: check that the books agree, to be run at night and after an accident."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import ledger
from billing.models import Hold, LedgerEntry, Spent, Wallet


def many(count: int, one: str, more: str = "") -> str:
    return f"{count} {one if count == 1 else more or f'{one}s'}"


class Command(BaseCommand):
    help = "Check that wallets, holds, ledger entries and jobs agree. Prints a sentence for each disagreement and then exits with 1."
    # The books can be read also while an engine is set up wrong.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--recount", action="store_true", help="First forget the running sums of budgets: they are counted anew.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["recount"]:
            Spent.objects.all().delete()
        with ledger.snapshot():
            found = 0
            for sentence in ledger.disagreements():
                found += 1
                self.stdout.write(sentence)
            counted = (Wallet.objects.count(), LedgerEntry.objects.count(), Hold.objects.count(), Hold.objects.active().count())
        if found:
            raise CommandError(f"The books do not agree: {found} {'disagreement' if found == 1 else 'disagreements'}.")
        wallets, entries, holds, active = counted
        found_all = f"{many(wallets, 'wallet')}, {many(entries, 'entry', 'entries')}, {many(holds, 'hold')} ({active} active)"
        self.stdout.write(f"The books agree: {found_all}.")
