"""`manage.py make_starter_covers`: the covers of the templates that come with the studio, made again on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studio.backends.errors import BackendError
from studio.backends.registry import UnknownEngine
from studio.prompts.starters import COVERS
from studio.prompts.starters.making import drawn, recipes, request_for


class Command(BaseCommand):
    help = "Draws the covers of the starters with Storybook, from the values and seeds in studio/prompts/starters/covers.json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", help="Which. Default: all that have values in covers.json.")
        parser.add_argument("--tries", type=int, default=1, help="Pictures of each, with seeds that follow each other, to choose from.")
        parser.add_argument("--into", type=Path, default=COVERS, help="Folder. Default: where the covers of the starters lie.")

    def handle(self, *args: Any, **options: Any) -> None:
        known = recipes()
        if unknown := set(options["slugs"]) - known.keys():
            raise CommandError(f"covers.json has nothing on {', '.join(sorted(unknown))}.")
        options["into"].mkdir(parents=True, exist_ok=True)
        for slug in options["slugs"] or known:
            recipe = known[slug]
            for seed in range(recipe["seed"], recipe["seed"] + options["tries"]):
                name = f"{slug}.webp" if options["tries"] == 1 else f"{slug}-{seed}.webp"
                try:
                    request = request_for(slug, recipe["values"], seed)
                    cover = drawn(request)
                except (BackendError, UnknownEngine, ValueError) as error:
                    raise CommandError(f"{slug} could not be drawn: {error}") from error
                (options["into"] / name).write_bytes(cover)
                self.stdout.write(f"{name}: {len(cover) / 1000:.0f} kB, {request.prompt}")
