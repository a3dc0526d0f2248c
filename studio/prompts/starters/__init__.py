"""Templates that come with the studio: each a file of our own format beside this one, called by its slug, with a cover where there is one.

`covers.json` says of which values and seed a cover was made; `manage.py make_starter_covers` makes them again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from studio.prompts import exchange
from studio.prompts.exchange import Picture, Template

HERE = Path(__file__).parent
COVERS = HERE / "covers"

SLUGS = (
    "picture-book-scene",
    "picture-book-hero",
    "picture-book-surprise",
    "product-photo",
    "illustration",
    "portrait",
    "logo",
    "storyboard",
    "social-post",
    "isometric-icon",
    "seamless-texture",
)
"""In the order in which they are shown: first those that every studio can make, without a key."""


@cache
def starter(slug: str) -> Template:
    """The template of this slug with its cover. Raises KeyError for another."""
    if slug not in SLUGS:
        raise KeyError(slug)
    (entry,) = exchange.read((HERE / f"{slug}.json").read_bytes(), f"{slug}.json")
    if entry.template is None:
        raise ValueError(f"{slug}: {entry.problems}")
    cover = COVERS / f"{slug}.webp"
    return replace(entry.template, cover=Picture("image/webp", cover.read_bytes()) if cover.exists() else None)


def starters() -> dict[str, Template]:
    return {slug: starter(slug) for slug in SLUGS}
