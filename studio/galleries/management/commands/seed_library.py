"""`manage.py seed_library --pictures N`: a team with a library that looks alive, for trying things out and for measuring."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from studio.galleries.seeding import seed
from studio.generation.models import Artifact

MOST = 1_000_000


class Command(BaseCommand):
    help = (
        "Makes a team with people, pictures, tags, ratings, galleries and comments, all drawn by chance. Never in a studio with real work."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pictures", type=int, default=1000, help="How many. Default: %(default)s.")
        parser.add_argument("--team", default="Harbour Press", help="What the new team is called. Default: %(default)s.")
        parser.add_argument("--owner", help="Email of whoever shall own it. Default: the studio's owner, if there is one.")
        parser.add_argument("--seed", type=int, default=20, help="Another number makes another library. Default: %(default)s.")
        parser.add_argument("--no-files", action="store_true", help="Rows only: the pages show blurred likenesses instead of pictures.")
        parser.add_argument("--force", action="store_true", help="Also where there are pictures already.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["pictures"] <= MOST:
            raise CommandError(f"Choose between 1 and {MOST:,} pictures.")
        there = Artifact.objects.count()
        if there and not options["force"]:
            raise CommandError(f"This studio has {there:,} pictures already. Add --force to put a seeded team beside them.")
        made = seed(
            options["pictures"],
            owner=_owner(options["owner"]),
            name=options["team"],
            number=options["seed"],
            with_files=not options["no_files"],
        )
        self.stdout.write(f"{len(made.ids):,} pictures of {made.team}, owned by {made.people[0]} ({made.people[0].email}).")


def _owner(email: str | None) -> User | None:
    if email is None:
        return User.objects.filter(is_owner=True, is_active=True).first()
    found = User.objects.filter(email__iexact=email, is_active=True).first()
    if found is None:
        raise CommandError(f"Nobody here has the address {email}.")
    return found
