"""What is read about teams and invitations, in one place, so that every reader means the same by "open" or "mine"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from accounts.models import Invitation, Membership, Team, User  # noqa: F401 - named in strings


class TeamQuerySet(models.QuerySet["Team"]):
    def of(self, user: User) -> TeamQuerySet:
        """The teams that somebody works in, their own first."""
        return self.filter(memberships__user=user).order_by("-is_personal", "name", "id")


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of(self, user: User) -> MembershipQuerySet:
        """The person's places, with their teams, their own first."""
        return self.filter(user=user).select_related("team").order_by("-team__is_personal", "team__name", "team_id")


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Those that can still be accepted."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())

    def meant_for(self, user: User) -> InvitationQuerySet:
        """Those that this person may accept: open to anybody, or naming an address that is theirs."""
        return self.filter(Q(email="") | Q(email__iexact=user.email))
