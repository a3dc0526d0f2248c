"""`manage.py revoke_key sk-1a2B3c4D`: let nobody in with a key that was found where it should not be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import keys


class Command(BaseCommand):
    help = "Revokes an API key, whoever has it. Its first eleven characters are enough, and keep the rest out of a shell’s history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="sk-… and the eight characters after it")

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        revoked = keys.revoke_leaked(key)
        if revoked is None:
            raise CommandError("No key that still holds begins like this. Compare the first eleven characters: they look like sk-1a2B3c4D.")
        self.stdout.write(f"Revoked {revoked} of {revoked.user} ({revoked.user.email}) in {revoked.team}. Its log says so; tell them.")
        for one in [key for others in keys.older_and_newer(revoked) for key in others]:
            self.stdout.write(f"The same program still gets in with {one}. If that leaked as well, revoke it too.")
