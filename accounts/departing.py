"""What a person has to themselves in a team becomes the team's when they go; what that is, the rooms above say."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import Team, User


def hand_to_team(team: Team, person: User) -> None:
    """Within the transaction that takes them out (`settings.DEPARTURE_LISTENERS`)."""
    for path in settings.DEPARTURE_LISTENERS:
        import_string(path)(team, person)


def becomes_the_teams(team: Team, person: User) -> str:
    """What that would be now, in words (`settings.DEPARTURE_WARNINGS`); empty when it is nothing."""
    told = [import_string(path)(team, person) for path in settings.DEPARTURE_WARNINGS]
    return ", ".join(filter(None, told))
