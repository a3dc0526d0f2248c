"""The next fair job among however many wait, and where one stands in line, without reading them all.

What waits is in lanes: the jobs of one batch, and for each team those of no batch. Within a lane only the first can be next, and a lane
that is paused, or has as many running as its plan allows, is passed over as a whole. So a claim looks at one job of each lane, found by
an index, and its time grows with the lanes and not with the jobs. `JobQuerySet.claimable` says which order that is, and reads them all.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from studio.generation.models import Job

_FREE = "cancel_requested_at IS NULL AND moved_up_at IS NULL AND (run_after IS NULL OR run_after <= %(now)s)"
_NEXT = """
WITH RECURSIVE
served(queue) AS (
    SELECT column1 FROM (VALUES {queues}) AS named WHERE column1 NOT IN (SELECT queue FROM generation_pausedqueue)
),
running(team_id, jobs) AS (
    SELECT team_id, count(*) FROM generation_job {by_running} WHERE status = 'running' GROUP BY team_id
),
single(queue, team_id) AS ({singles}),
many(queue, batch_id) AS ({batches}),
head(id, running_in_team, at_once) AS (
    SELECT {first_of_team}, coalesce(running.jobs, 0), NULL
    FROM single LEFT JOIN running ON running.team_id = single.team_id
    WHERE single.team_id IS NOT NULL
    UNION ALL
    SELECT {first_of_batch}, coalesce(running.jobs, 0), batch.at_once
    FROM many JOIN generation_batch batch ON batch.id = many.batch_id LEFT JOIN running ON running.team_id = batch.team_id
    WHERE batch.paused_at IS NULL AND (batch.at_once IS NULL OR coalesce(running.jobs, 0) < batch.at_once)
    UNION ALL
    SELECT job.id, coalesce(running.jobs, 0), batch.at_once
    FROM generation_job job {by_moved_up} JOIN served ON served.queue = job.queue
    LEFT JOIN generation_batch batch ON batch.id = job.batch_id LEFT JOIN running ON running.team_id = job.team_id
    WHERE job.status = 'queued' AND job.moved_up_at IS NOT NULL AND job.cancel_requested_at IS NULL
    AND (job.run_after IS NULL OR job.run_after <= %(now)s)
    AND batch.paused_at IS NULL AND (batch.at_once IS NULL OR coalesce(running.jobs, 0) < batch.at_once)
)
SELECT job.*, head.running_in_team, head.at_once
FROM head JOIN generation_job job ON job.id = head.id
ORDER BY job.moved_up_at ASC NULLS LAST, head.running_in_team, job.priority DESC, job.id
LIMIT %(limit)s
"""

LINE = 200
"""Of a line up to this length each place is told; of a longer one only those of the first turn."""
FIRST = 100
"""So many of them."""

_HINTS = {"by_running": "INDEXED BY job_running_per_team", "by_moved_up": "INDEXED BY job_moved_up"}
"""For SQLite, which else reads all jobs that ever were to count those that run, and all that wait to find those that were moved up."""


def _each(name: str, column: str, of: str) -> str:
    """Every value of `column` among what waits, one jump in the index for each, and a NULL behind the last of each queue."""
    least = f"SELECT {column} FROM generation_job job WHERE job.status = 'queued' AND job.{of} AND job.queue = {{place}}.queue"  # noqa: S608 - names from below
    first, then = (least.format(place=place) for place in ("served", name))
    return f"""
    SELECT queue, ({first} ORDER BY {column} LIMIT 1) FROM served
    UNION ALL
    SELECT queue, ({then} AND job.{column} > {name}.{column} ORDER BY {column} LIMIT 1) FROM {name} WHERE {column} IS NOT NULL
"""  # noqa: S608


def _first(name: str, column: str, of: str) -> str:
    """The job of a lane that comes before its others."""
    lane = f"status = 'queued' AND {of} AND queue = {name}.queue AND {column} = {name}.{column}"
    return f"(SELECT id FROM generation_job WHERE {lane} AND {_FREE} ORDER BY priority DESC, id LIMIT 1)"  # noqa: S608


_SINGLE, _MANY = ("single", "team_id", "batch_id IS NULL"), ("many", "batch_id", "batch_id IS NOT NULL")


def heads(queues: Sequence[str], now: datetime, limit: int) -> list[Job]:
    """The first waiting jobs of their lanes, at most `limit`, in the order of `JobQuerySet.claimable`: its first one is here the first too.

    Those that the operator moved up are all lanes of their own. One query.
    """
    names = {f"queue_{place}": queue for place, queue in enumerate(queues)}
    statement = _NEXT.format(
        queues=", ".join(f"(%({name})s)" for name in names),
        singles=_each(*_SINGLE),
        batches=_each(*_MANY),
        first_of_team=_first(*_SINGLE),
        first_of_batch=_first(*_MANY),
        **(_HINTS if connection.vendor == "sqlite" else dict.fromkeys(_HINTS, "")),
    )
    return list(Job.objects.raw(statement, {**names, "now": connection.ops.adapt_datetimefield_value(now), "limit": limit}))


def places(queue: str, now: datetime) -> dict[uuid.UUID, int]:
    """Where those that wait for a queue stand in its line, from 1; two queries, or three where the line is longer than `LINE`.

    What is held up has no place, and of a long line only those have one that come before any team has a second turn.
    """
    if Job.objects.filter(queue=queue, status=Job.Status.QUEUED).order_by()[: LINE + 1].count() <= LINE:
        line: Any = Job.objects.in_line(queue, now)  # `held_up` is a column of the query
        return {pk: place for place, (pk, held_up) in enumerate(line.values_list("pk", "held_up"), 1) if not held_up}
    found: dict[uuid.UUID, int] = {}
    teams: set[int] = set()
    least = None
    for job in heads([queue], now, FIRST):
        if job.moved_up_at is None:
            least = job.running_in_team if least is None else least
            if job.running_in_team != least:
                break
            if job.team_id in teams:  # its turn comes later: another of its team is before it
                continue
        teams.add(job.team_id)
        found[job.pk] = len(found) + 1
    return found
