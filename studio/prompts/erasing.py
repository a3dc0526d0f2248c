"""Away for good: what a team kept of its craft, with the covers of its templates."""

from __future__ import annotations

from django.core.files.storage import default_storage

from accounts.models import Team
from studio.prompts.models import BrandRule, PromptTemplate, Wildcard


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`."""
    covers = list(PromptTemplate.objects.of_team(team).exclude(cover="").values_list("cover", flat=True))
    for model in (PromptTemplate, Wildcard, BrandRule):
        model._default_manager.filter(team=team).delete()
    for name in covers:
        default_storage.delete(name)
