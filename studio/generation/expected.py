"""Which files the rows of this room say that there are (`settings.FILE_OWNERS`)."""

from __future__ import annotations

from collections.abc import Iterator

from studio.generation.images import LARGE
from studio.generation.models import Artifact, InputFile


def files() -> Iterator[str]:
    """Names in the storage. A picture that is small itself has no `large` one."""
    for artifact in Artifact.objects.order_by().only("id", "mime", "width", "height").iterator(2000):
        yield artifact.variant("original")
        yield artifact.variant("thumb")
        if artifact.kind != "image" or max(artifact.looks) > LARGE:
            yield artifact.variant("large")
    yield from InputFile.objects.order_by().values_list("file", flat=True).iterator(2000)
