"""Away for good, with files and without a way back: what was made, and what was said of it and done with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Team
from studio.galleries.models import Gallery, Notice, Report, Tag
from studio.generation import files
from studio.generation.models import Artifact
from studio.generation.querysets import ArtifactQuerySet
from studio.live import events

BATCH = 200


def erase_pictures(pictures: ArtifactQuerySet) -> int:
    """Erase pictures, models and sounds, with their marks, tags, comments and places in galleries; returns how many.

    Open pages of their teams are told.
    """
    erased = 0
    while batch := list(pictures.order_by("pk").values_list("pk", "team_id")[:BATCH]):
        ids = [pk for pk, _ in batch]
        with transaction.atomic():
            settle_reports(ids)
            Artifact.objects.filter(pk__in=ids).delete()
            for team_id in {team_id for _, team_id in batch}:
                transaction.on_commit(partial(events.pictures_changed, team_id, [pk for pk, its in batch if its == team_id]))
        # Rows first: a crash here leaves files without a row, which prune_files finds; the other way round leaves a picture without a file.
        files.delete_artifacts(ids)
        erased += len(ids)
    return erased


def settle_reports(ids: Sequence[UUID]) -> None:
    """Nobody has to decide on a picture that is gone; and without it, a report on it would read as one on its whole gallery."""
    reports = Report.objects.filter(artifact__in=ids, handled_at=None)
    reports.update(handled_at=timezone.now(), outcome="What was reported has been deleted.")


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`."""
    erase_pictures(Artifact.objects.of_team(team))
    for model in (Gallery, Tag, Notice):
        model._default_manager.filter(team=team).delete()
