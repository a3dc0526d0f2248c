"""What becomes of the galleries that somebody kept to themselves when they leave a team: what was made there stays with it, those too.

Nobody else would ever reach them. They lose their owner, for who left can neither show nor hide them any more.
"""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import Team, User
from studio.galleries.models import Gallery, Visibility


def hand_to_team(team: Team, user: User) -> None:
    """One of `settings.DEPARTURE_LISTENERS`. What is in the trash of galleries lies in the team's, as long as it would have."""
    named = private_galleries(team, user)
    _kept(user).filter(team=team).update(visibility=Visibility.TEAM, owner=None, updated_at=timezone.now())
    if named:
        audit.record(team, None, "gallery.handed", f"gave the team what {user} had alone: {named}")


def private_galleries(team: Team, user: User) -> str:
    """One of `settings.DEPARTURE_WARNINGS`: "3 private galleries"; empty for none."""
    return _named(_kept(user).filter(team=team))


def private_galleries_in_teams(user: User) -> str:
    """The same over all teams that are not theirs alone."""
    return _named(_kept(user).filter(team__is_personal=False))


def _named(galleries: QuerySet[Gallery]) -> str:
    number = galleries.filter(deleted_at=None).count()
    return f"{number} private galler{'y' if number == 1 else 'ies'}" if number else ""


def kept_in_teams(user: User) -> QuerySet[Team]:
    """The teams in which somebody keeps galleries to themselves."""
    return Team.objects.filter(pk__in=_kept(user).values("team"))


def _kept(user: User) -> QuerySet[Gallery]:
    return Gallery.objects.filter(owner=user, visibility=Visibility.PRIVATE)
