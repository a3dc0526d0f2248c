"""What becomes of the templates that somebody kept to themselves when they leave a team: they stay with it, as galleries do."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import Team, User
from studio.prompts.models import PromptTemplate, Visibility


def hand_to_team(team: Team, user: User) -> None:
    """One of `settings.DEPARTURE_LISTENERS`."""
    named = private_templates(team, user)
    kept(user).filter(team=team).update(visibility=Visibility.TEAM, changed_at=timezone.now())
    if named:
        audit.record(team, None, "template.handed", f"gave the team what {user} had alone: {named}")


def private_templates(team: Team, user: User) -> str:
    """One of `settings.DEPARTURE_WARNINGS`: "3 private templates"; empty for none."""
    return _named(kept(user).filter(team=team))


def private_templates_in_teams(user: User) -> str:
    """The same over all teams that are not theirs alone."""
    return _named(kept(user).filter(team__is_personal=False))


def kept_in_teams(user: User) -> QuerySet[Team]:
    """The teams in which somebody keeps templates to themselves."""
    return Team.objects.filter(pk__in=kept(user).values("team"))


def _named(templates: QuerySet[PromptTemplate]) -> str:
    number = templates.count()
    return f"{number} private template{'' if number == 1 else 's'}" if number else ""


def kept(user: User) -> QuerySet[PromptTemplate]:
    """The templates that only this person sees."""
    return PromptTemplate.objects.filter(author=user, visibility=Visibility.PRIVATE)
