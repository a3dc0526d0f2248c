"""How many of what, as a person says it."""

from __future__ import annotations

from collections.abc import Sequence

from studio.generation.models import Artifact


def counted(number: int, noun: str = "item") -> str:
    """`1 picture`, `1,200 items`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def things(artifacts: Sequence[Artifact]) -> str:
    """`3 pictures`; `3 items` where they are of several kinds."""
    nouns = {one.noun for one in artifacts}
    return counted(len(artifacts), nouns.pop() if len(nouns) == 1 else "item")
