"""What is read about teams and invitations, in one place, so that every reader means the same by "open" or "mine"."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

if TYPE_CHECKING:
    from accounts.models import ApiKey, AuditEntry, Invitation, Membership, Team, User  # noqa: F401 - named in strings


def grace_began(now: datetime | None = None) -> datetime:
    """A team that was deleted before this moment cannot be brought back."""
    return (now or timezone.now()) - timedelta(days=settings.TEAM_GRACE_DAYS)


class TeamQuerySet(models.QuerySet["Team"]):
    def alive(self) -> TeamQuerySet:
        """Without those that were deleted, whether or not they can still be brought back."""
        return self.filter(deleted_at=None)

    def of(self, user: User) -> TeamQuerySet:
        """The teams that somebody works in, their own first."""
        return self.alive().filter(memberships__user=user).order_by("-is_personal", "name", "id")


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of(self, user: User) -> MembershipQuerySet:
        """The person's places in teams they can work in, with the teams, their own first."""
        mine = self.filter(user=user, team__deleted_at=None)
        return mine.select_related("team").order_by("-team__is_personal", "team__name", "team_id")

    def remembered_by(self, user: User) -> MembershipQuerySet:
        """Those of `of`, and the person's places in teams that were deleted and can still be brought back."""
        mine = self.filter(Q(team__deleted_at=None) | Q(team__deleted_at__gt=grace_began()), user=user)
        return mine.select_related("team").order_by("-team__is_personal", "team__name", "team_id")

    def ended_of(self, user: User) -> MembershipQuerySet:
        """The person's places in teams that were deleted and can still be brought back, with the teams."""
        return self.remembered_by(user).exclude(team__deleted_at=None)

    def in_order(self) -> MembershipQuerySet:
        """Those who may do most first, then by name; with the people."""
        roles = ("owner", "admin", "creator", "viewer")
        rank = models.Case(*(models.When(role=role, then=place) for place, role in enumerate(roles)), default=len(roles))
        return self.select_related("user").order_by(rank, "user__name", "id")


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Those that can still be accepted. Asks their own rows only, so that an UPDATE with it is one statement on one row."""
        return self.filter(Q(max_uses=None) | Q(uses__lt=F("max_uses")), accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, now: datetime | None = None) -> ApiKeyQuerySet:
        """Neither revoked nor expired. Whether the person may still act in the team is asked with each request."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()), revoked_at=None)

    def in_line(self, key: ApiKey) -> ApiKeyQuerySet:
        """The key, those that it took the place of, and those that took its place."""
        return self.filter(Q(pk=key.first_id) | Q(origin=key.first_id))


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def of_team(self, team: Team) -> AuditQuerySet:
        """Newest first."""
        return self.filter(team=team).order_by("-id")

    def matching(self, *, person: User | None = None, kind: str = "") -> AuditQuerySet:
        """What one person did, or what was done to one kind of thing: `member` for the actions `member.…`."""
        found = self.filter(actor=person) if person else self
        return found.filter(action__startswith=f"{kind}.") if kind else found

    def older_than(self, entry_id: int | None) -> AuditQuerySet:
        """Keyset: what comes after the entry `entry_id` in a log; everything for None."""
        return self if entry_id is None else self.filter(id__lt=entry_id)

    def kinds(self) -> list[str]:
        """What was done something to: the nouns of the actions there are."""
        return sorted({action.partition(".")[0] for action in self.order_by().values_list("action", flat=True).distinct()})
