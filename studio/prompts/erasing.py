"""Away for good: what a team kept of its craft, with the covers of its templates."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Team, User
from studio.prompts.leaving import kept
from studio.prompts.models import BrandRule, PromptTemplate, Wildcard
from studio.storage import discard


@transaction.atomic
def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`."""
    _erase(PromptTemplate.objects.of_team(team))
    for model in (Wildcard, BrandRule):
        model._default_manager.filter(team=team).delete()


@transaction.atomic
def erase_private(user: User) -> None:
    """What somebody kept to themselves, in whatever team, with its covers."""
    _erase(kept(user))


def _erase(templates: QuerySet[PromptTemplate]) -> None:
    """The files go once it is sure that the rows have gone."""
    covers = list(templates.exclude(cover="").values_list("cover", flat=True))
    templates.delete()
    if covers:
        transaction.on_commit(partial(discard, covers))
