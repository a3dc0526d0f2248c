"""The newest work of a team: single jobs, and batches, each of them one card."""

from __future__ import annotations

from accounts.models import Team
from studio.generation import cards, tallies
from studio.generation.models import Batch, Job

LENGTH = 20


def of_team(team: Team) -> list[Job | Batch]:
    """Newest first, each with what its card shows (`job.card`, `batch.tally`)."""
    batches = Batch.objects.of_team(team).shown().order_by("-id")[:LENGTH]
    newest = sorted([*Job.objects.recent(team, LENGTH), *batches], key=lambda one: one.pk, reverse=True)[:LENGTH]
    cards.load(one for one in newest if isinstance(one, Job))
    tallies.load(one for one in newest if isinstance(one, Batch))
    return newest
