"""The end of a team: deleted, brought back for a while, then erased. Its wallet and its ledger stay, on a team without name and people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts import access, audit, errors
from accounts.members import hold, tell
from accounts.models import AuditEntry, Invitation, Membership, Removal, Team, User
from accounts.querysets import grace_began

log = structlog.get_logger(__name__)

ERASED = "Deleted team"
"""What a team is called of which nothing is left but its books."""
SPARE = timedelta(hours=1)
"""So long after the last moment to bring a team back it is erased: a request that was in time, and slow, is over by then."""


@transaction.atomic
def delete_team(team: Team, *, by: User) -> None:
    """Close the team to everybody at once: what is under way is stopped, invitations are taken back. Its owner can bring it back for
    `settings.TEAM_GRACE_DAYS`. Raises StaysPersonal.
    """
    held = hold(team, by, "delete")
    if held.is_personal:
        raise errors.StaysPersonal
    held.deleted_at = timezone.now()
    held.save(update_fields=["deleted_at"])
    Invitation.objects.filter(team=held, accepted_at=None, revoked_at=None).update(revoked_at=held.deleted_at)
    audit.record(held, by, "team.deleted", "deleted the team")
    _call(settings.TEAM_STOPPERS, held)
    tell(held.memberships.values_list("user_id", flat=True))


@transaction.atomic
def restore_team(team: Team, *, by: User) -> None:
    """Bring a deleted team back, as it was but for what was stopped. Raises TooLate, and as `access.ended_team_for` does."""
    if not Team.objects.filter(pk=team.pk, deleted_at__gt=grace_began()).exists():
        raise errors.TooLate
    found = access.ended_team_for(by, team.pk)
    if Team.objects.filter(pk=team.pk, deleted_at=found.deleted_at).update(deleted_at=None):
        audit.record(found, by, "team.restored", "brought the team back")


def erase_ended_teams(now: datetime | None = None) -> int:
    """Erase the teams whose time to be brought back is over; returns how many. One that was broken off is taken up again."""
    over = Team.objects.filter(deleted_at__lt=grace_began(now) - SPARE)
    left = over.filter(~Q(name=ERASED) | Exists(Membership.objects.filter(team=OuterRef("pk"))))
    teams = list(left.order_by("pk"))
    for team in teams:
        erase_team(team)
    return len(teams)


def erase_team(team: Team) -> None:
    """Erase what a deleted team made and said, files too, and last who was in it.

    The row stays, for the ledger is append-only and its wallet belongs to somebody: a team without name and people.
    """
    _call(settings.TEAM_ERASERS, team)
    with transaction.atomic():
        AuditEntry.objects.filter(team=team).delete()
        Invitation.objects.filter(team=team).delete()
        Membership.objects.filter(team=team).delete()
        Removal.objects.filter(team=team).delete()
        Team.objects.filter(pk=team.pk).update(name=ERASED)
    log.info("team_erased", team=team.pk)


def daily() -> None:
    """For whatever has a clock; called too often, it does nothing."""
    erase_ended_teams()


def _call(paths: Sequence[str], team: Team) -> None:
    for path in paths:
        import_string(path)(team)
