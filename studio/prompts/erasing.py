"""Away for good: what a team kept of its craft, with the covers of its templates."""

from __future__ import annotations

from django.core.files.storage import default_storage

from accounts.models import Team, User
from studio.prompts.leaving import kept
from studio.prompts.models import BrandRule, PromptTemplate, Wildcard


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`."""
    covers = list(PromptTemplate.objects.of_team(team).exclude(cover="").values_list("cover", flat=True))
    for model in (PromptTemplate, Wildcard, BrandRule):
        model._default_manager.filter(team=team).delete()
    for name in covers:
        default_storage.delete(name)


def erase_private(user: User) -> None:
    """What somebody kept to themselves, in whatever team, with its covers."""
    covers = list(kept(user).exclude(cover="").values_list("cover", flat=True))
    kept(user).delete()
    for name in covers:
        default_storage.delete(name)
