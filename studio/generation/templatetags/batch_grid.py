"""`{% load batch_grid %}`: the jobs of a grid in rows and columns, and the rows of a table that were left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django import template

from studio.generation.models import Batch, Job
from studio.generation.sheets import Heading, headings

register = template.Library()
NAMED = 20
"""So many rows that were left out are named."""


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


@register.filter
def left_out_words(numbers: Sequence[int]) -> str:
    """Like “Rows 7 and 21 were left out.”; of many the first ones are named."""
    if len(numbers) == 1:
        return f"Row {numbers[0]} was left out."
    named, more = (numbers, 0) if len(numbers) <= NAMED else (numbers[:NAMED], len(numbers) - NAMED)
    last = f"{more} more" if more else str(named[-1])
    return f"Rows {', '.join(map(str, named if more else named[:-1]))} and {last} were left out."


def _shape(job: Job) -> tuple[int, int]:
    """Pixels of its picture, or of what it is to be."""
    first = next(iter(job.artifacts.all()), None)
    return (first.width, first.height) if first and first.width and first.height else job.looks
