"""Reads over templates and their versions. Writes are in `services`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User
    from studio.prompts.models import PromptTemplate, PromptTemplateVersion  # noqa: F401 - named in strings


class PromptTemplateQuerySet(models.QuerySet["PromptTemplate"]):
    def of_team(self, team: Team) -> PromptTemplateQuerySet:
        return self.filter(team=team)

    def visible_to(self, user: User) -> PromptTemplateQuerySet:
        """Those of the person's teams, without what others keep to themselves."""
        return self.filter(~Q(visibility="private") | Q(author=user), team__memberships__user=user, team__deleted_at=None)

    def in_use(self) -> PromptTemplateQuerySet:
        """Not put away."""
        return self.filter(archived_at=None)

    def usable(self) -> PromptTemplateQuerySet:
        """With a version that somebody published."""
        return self.in_use().filter(published__isnull=False)

    def marked_for(self, user: User) -> PromptTemplateQuerySet:
        """Each with `is_favorite`, whether this person keeps it at hand."""
        from studio.prompts.models import TemplateFavorite

        return self.annotate(is_favorite=Exists(TemplateFavorite.objects.filter(template=OuterRef("pk"), user=user)))

    def search(self, words: str) -> PromptTemplateQuerySet:
        """Those whose name, description or tags have every one of the words."""
        found = self
        for word in words.split():
            found = found.filter(Q(name__icontains=word) | Q(description__icontains=word) | _in_tags(word.casefold()))
        return found

    def tagged(self, tag: str) -> PromptTemplateQuerySet:
        """Those with just this tag."""
        return self.filter(_in_tags(tag, is_whole=True))


def _in_tags(words: str, *, is_whole: bool = False) -> Q:
    """Databases keep JSON with letters as they are, or with those beyond ASCII written out: what is looked for is either."""
    forms = {json.dumps(words, ensure_ascii=is_ascii) for is_ascii in (False, True)}
    found = Q()
    for form in forms:
        found |= Q(tags__icontains=form if is_whole else form[1:-1])
    return found


class PromptTemplateVersionQuerySet(models.QuerySet["PromptTemplateVersion"]):
    def visible_to(self, user: User) -> PromptTemplateVersionQuerySet:
        from studio.prompts.models import PromptTemplate

        return self.filter(template__in=PromptTemplate.objects.visible_to(user))

    def newest_first(self) -> PromptTemplateVersionQuerySet:
        return self.order_by("-number")
