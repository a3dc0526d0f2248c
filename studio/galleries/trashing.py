"""The trash of a team: into it, out of it, away for good, and what lies in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import Team, User
from studio.galleries.erasing import settle_reports
from studio.galleries.models import Trashing
from studio.galleries.wording import counted
from studio.generation import files
from studio.generation.models import Artifact
from studio.live import events

BATCH = 200
PAGE = 60


@dataclass(frozen=True, slots=True)
class Lying:
    """How pictures lie in the trash: since when, and who put them there. `ids` are those that this is true of."""

    since: datetime
    user_id: int | None
    ids: list[uuid.UUID]


def trash(artifacts: Sequence[Artifact], *, by: User | None) -> Lying:
    """Put pictures of one team into the trash; their files stay until they go for good. Returns those that were not there already."""
    moment = timezone.now()
    lying = Lying(moment, by.pk if by else None, [])
    if artifacts:
        lying.ids.extend(put_in(artifacts[0].team_id, Lying(moment, lying.user_id, [one.pk for one in artifacts])))
    for one in artifacts:
        if one.pk in lying.ids:
            one.deleted_at = moment
    return lying


def put_in(team_id: int, lying: Lying) -> list[uuid.UUID]:
    """Put what is not in the trash into it, as if that had happened at the moment and by the person of `lying`; returns which it was."""
    with transaction.atomic():
        rows = Artifact.objects.visible().filter(team_id=team_id, pk__in=lying.ids).select_for_update().order_by("pk")
        ids = list(rows.values_list("pk", flat=True))
        Artifact.objects.filter(pk__in=ids).update(deleted_at=lying.since)
        user = User.objects.filter(pk=lying.user_id).first() if lying.user_id else None
        Trashing.objects.filter(artifact__in=ids).delete()
        Trashing.objects.bulk_create([Trashing(team_id=team_id, artifact_id=pk, user=user) for pk in ids])
        _tell(team_id, ids)
    return ids


def restore(artifacts: Iterable[Artifact], *, since: datetime | None = None) -> list[Lying]:
    """Take pictures of one team out of the trash, to their old places: all that are there, or only those that came there at `since`.

    Returns how they lay there.
    """
    taken: dict[tuple[datetime, int | None], Lying] = {}
    by_id = {one.pk: one for one in artifacts}
    with transaction.atomic():
        rows = Artifact.objects.filter(pk__in=by_id, deleted_at__isnull=False).select_for_update(of=("self",)).order_by("pk")
        lying = list((rows.filter(deleted_at=since) if since else rows).select_related("trashing"))
        Artifact.objects.filter(pk__in=[one.pk for one in lying]).update(deleted_at=None)
        for one in lying:
            trashing: Trashing | None = getattr(one, "trashing", None)
            place = Lying(one.deleted_at or timezone.now(), trashing.user_id if trashing else None, [])
            taken.setdefault((place.since, place.user_id), place).ids.append(one.pk)
            by_id[one.pk].deleted_at = None
        Trashing.objects.filter(artifact__in=lying).delete()
        if lying:
            _tell(lying[0].team_id, [one.pk for one in lying])
    return list(taken.values())


def erase(artifacts: Iterable[Artifact], *, by: User | None = None) -> list[uuid.UUID]:
    """Delete pictures of the trash for good, files too; returns which they were. What was paid for them stays in the books.

    `by`: whose name is written into the team's log. Not to be called inside a transaction: its files would be gone before its rows.
    """
    with transaction.atomic():
        doomed = Artifact.objects.filter(pk__in=[one.pk for one in artifacts], deleted_at__isnull=False)
        ids = list(doomed.select_for_update(skip_locked=_can_skip()).order_by("pk").values_list("pk", flat=True))
        teams = dict.fromkeys(doomed.filter(pk__in=ids).values_list("team_id", flat=True).order_by())
        settle_reports(ids)
        Artifact.objects.filter(pk__in=ids).delete()
        for team_id in teams:
            _tell(team_id, ids)
            if by:
                audit.record(Team.objects.get(pk=team_id), by, "pictures.erased", f"deleted {counted(len(ids))} for good")
    # Rows first: a crash here leaves files without a row, which prune_files finds; the other way round leaves a picture without a file.
    files.delete_artifacts(ids)
    return ids


def empty(team: Team, *, by: User) -> int:
    """Delete everything in a team's trash for good; returns how many there were."""
    emptied = 0
    while batch := list(Artifact.objects.of_team(team).filter(deleted_at__isnull=False, trashing__team=team)[:BATCH]):
        gone = len(erase(batch))
        emptied += gone
        if not gone:  # somebody else is at it
            break
    if emptied:
        audit.record(team, by, "trash.emptied", f"emptied the trash: {counted(emptied)} deleted for good")
    return emptied


def lying_in(team: Team, before: int | None = None, size: int = PAGE) -> tuple[list[Artifact], int | None]:
    """A page of the trash, what came last first, with who put it there as `trashing.user`; and from where the next page goes on."""
    rows = Trashing.objects.filter(team=team, artifact__deleted_at__isnull=False).select_related("artifact__user", "user").order_by("-id")
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.annotate(is_preview=Q(artifact__job__intended__isnull=False))[: size + 1])
    for row in found:
        row.artifact.trashing, row.artifact.is_preview = row, row.is_preview
    return [row.artifact for row in found[:size]], found[size - 1].pk if len(found) > size else None


def gone_on(artifact: Artifact) -> datetime:
    """When a picture of the trash goes for good."""
    return (artifact.deleted_at or timezone.now()) + timedelta(days=settings.TRASH_DAYS)


def _tell(team_id: int, ids: Sequence[uuid.UUID]) -> None:
    if ids:
        transaction.on_commit(partial(events.pictures_changed, team_id, list(ids)))


def _can_skip() -> bool:
    return bool(connection.features.has_select_for_update_skip_locked)
