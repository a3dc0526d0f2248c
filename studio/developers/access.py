"""The only door to a key: its person, while they are in its team, and whoever may administer that team."""

from __future__ import annotations

from django.db.models import Q
from django.http import Http404

from accounts.access import RIGHTS
from accounts.models import ApiKey, Membership, Team, User


def keys_of(user: User, team: Team) -> list[ApiKey]:
    """The person's own keys in a team; for who may administer it everybody's. The newest first."""
    keys = ApiKey.objects.filter(team=team).select_related("user", "revoked_by", "replaces")
    mine = keys if "administer" in _rights(user, team.pk) else keys.filter(user=user)
    return list(mine.prefetch_related("replaced_by").order_by("-id"))


def key_for(user: User, public_id: str) -> ApiKey:
    """A key by its public part, whichever team the person works in now. Raises Http404 for whoever has nothing to do with it."""
    keys = ApiKey.objects.select_related("team", "user", "revoked_by", "replaces").prefetch_related("replaced_by")
    key = keys.filter(Q(user=user) | Q(team__memberships__user=user), public_id=public_id, team__deleted_at=None).distinct().first()
    if key is None:
        raise Http404
    rights = _rights(user, key.team_id)
    if not rights or (key.user_id != user.pk and "administer" not in rights):
        raise Http404
    return key


def _rights(user: User, team_id: int) -> frozenset[str]:
    place = Membership.objects.filter(user=user, team_id=team_id, team__deleted_at=None).first()
    return RIGHTS[place.role] if place and user.is_active else frozenset()
