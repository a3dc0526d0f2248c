"""What can happen that an open page wants to hear of. Ids only: whoever listens reads the rows.

`job.progress` is the exception: its HTML was rendered once by the worker, and is forwarded as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any
from uuid import UUID

from studio.live.publish import publish

MANY = 200
"""Ids in one message."""


def team_group(team_id: int) -> str:
    return f"team.{team_id}"


def user_group(user_id: int) -> str:
    return f"user.{user_id}"


def job_updated(team_id: int, job_id: UUID | str, *, ended: bool = False, batch_id: UUID | str | None = None) -> None:
    """A job changed its state, or got pictures: look again; at once when it `ended`, for that is what people wait for.

    One of a batch is shown by its batch.
    """
    publish(team_group(team_id), {"type": "job.updated", "job": str(job_id), "ended": ended, "batch": str(batch_id or "")})


def batch_updated(team_id: int, batch_id: UUID | str) -> None:
    """A batch was made, paused, gone on with or canceled, or is decided on: look again."""
    publish(team_group(team_id), {"type": "batch.updated", "batch": str(batch_id)})


def job_progress(team_id: int, job_id: UUID | str, attempt: int, step: int, total: int, html: str) -> None:
    """A running job came to `step` of `total`. `html` holds its fragments, ready to be swapped out of band; the newest wins."""
    message = {"type": "job.progress", "job": str(job_id), "attempt": attempt, "step": step, "total": total, "html": html}
    publish(team_group(team_id), message, slot=f"progress.{job_id}")


def wallet_changed(team_id: int) -> None:
    """A team's credits changed: look again."""
    publish(team_group(team_id), {"type": "wallet.changed"})


def pictures_changed(team_id: int, ids: Iterable[UUID | str]) -> None:
    """Things of the library came, went, or were sorted: look again at these; at all of them when there are more than `MANY`."""
    publish(team_group(team_id), _pictures(ids))


def _pictures(ids: Iterable[UUID | str]) -> dict[str, Any]:
    some = list(islice((str(one) for one in ids), MANY + 1))
    return {"type": "pictures.changed", "ids": some if len(some) <= MANY else []}


def marks_changed(user_id: int, ids: Iterable[UUID | str]) -> None:
    """A person rated things, or made them favourites: only their own pages show it, on whatever device."""
    publish(user_group(user_id), _pictures(ids))


def talk_changed(team_id: int, artifact_id: UUID | str) -> None:
    """Somebody said something about a picture: pages that show it look again."""
    publish(team_group(team_id), {"type": "talk.changed", "artifact": str(artifact_id)})


def notices_changed(user_id: int) -> None:
    """There is something new for a person to read, or they read it elsewhere."""
    publish(user_group(user_id), {"type": "notices.changed"})


def access_changed(user_id: int) -> None:
    """A person left a team, or was signed out: every open page of theirs asks whether it may still listen."""
    publish(user_group(user_id), {"type": "access.changed"})
