"""How many of what, as a person says it."""

from __future__ import annotations

from collections.abc import Sequence

from studio.generation.models import Artifact


def counted(number: int, noun: str = "item") -> str:
    """`1 picture`, `1,200 items`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def subject(artifacts: Sequence[Artifact]) -> str:
    """How a sentence about them begins: `Picture`, `3 pictures`."""
    return artifacts[0].noun.capitalize() if len(artifacts) == 1 else things(artifacts)


def things(artifacts: Sequence[Artifact]) -> str:
    """`3 pictures`; `3 items` where they are of several kinds."""
    nouns = {one.noun for one in artifacts}
    return counted(len(artifacts), nouns.pop() if len(nouns) == 1 else "item")
