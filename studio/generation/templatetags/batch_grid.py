"""`{% load batch_grid %}`: the jobs of a grid in rows and columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django import template

from studio.generation.models import Batch, Job
from studio.generation.sheets import Heading, headings

register = template.Library()


@dataclass(frozen=True, slots=True)
class GridTable:
    """`rows` are headings with a job for each column, or None where none was made; `is_mixed`: not all pictures have one shape."""

    columns: list[Heading]
    rows: list[tuple[Heading, list[Job | None]]]
    has_rows: bool
    is_mixed: bool


@register.simple_tag
def grid_of(batch: Batch, jobs: Iterable[Job]) -> GridTable:
    """`{% grid_of batch rows as grid %}`."""
    columns, rows = headings(batch.axes)
    by_place = {job.batch_place: job for job in jobs}
    wide = len(columns)
    return GridTable(
        columns,
        [(heading, [by_place.get(row * wide + column) for column in range(wide)]) for row, heading in enumerate(rows or [Heading("", "")])],
        bool(rows),
        len({round(width / height, 2) for width, height in map(_shape, by_place.values())}) > 1,
    )


def _shape(job: Job) -> tuple[int, int]:
    """Pixels of its picture, or of what it is to be."""
    first = next(iter(job.artifacts.all()), None)
    return (first.width, first.height) if first and first.width and first.height else job.looks
