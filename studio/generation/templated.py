"""The template that the panel is drawn with: which version, what it lets people change, and what it sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import Http404
from django.utils.functional import SimpleLazyObject

from accounts.models import Team, User
from studio.generation.forms.inputs import as_id
from studio.prompts import wildcards
from studio.prompts.access import template_for, version_for
from studio.prompts.content import Content
from studio.prompts.filling import Wildcards
from studio.prompts.models import PromptTemplate, PromptTemplateVersion

SHAPES = ("size", "width", "height", "aspect_ratio")
"""What is one setting to people, and another to each engine."""


class NotToBeUsed(Exception):
    """The template cannot be used here; the sentence says why. `is_gone`: it is not there, or not for this person."""

    def __init__(self, message: str, *, is_gone: bool = False) -> None:
        super().__init__(message)
        self.is_gone = is_gone


@dataclass(frozen=True)
class Chosen:
    """A version of a template on the panel."""

    version: PromptTemplateVersion

    @cached_property
    def content(self) -> Content:
        return Content.from_json(self.version.content)

    @property
    def template(self) -> PromptTemplate:
        return self.version.template

    @property
    def newer(self) -> PromptTemplateVersion | None:
        """The version that was published since this one, if there is one."""
        published = self.template.published
        return published if published and published.number > self.version.number else None

    def may_change(self, setting: str) -> bool:
        return any(map(self.content.may_change, SHAPES if setting in SHAPES else (setting,)))

    def sets(self, setting: str) -> bool:
        """Whether the version has a value for it."""
        return any(one in self.content.parameters for one in (SHAPES if setting in SHAPES else (setting,)))

    def settings(self, values: Mapping[str, Any], *, is_redraw: bool) -> dict[str, Any]:
        """The values of a panel that begins with this version; in a redraw they are there already, but for what may not be changed."""
        own = {"engine": self.content.engine, "mode": self.content.mode}
        fixed = {name: value for name, value in own.items() if value and not self.may_change(name)}
        begin = {} if is_redraw else {**{name: value for name, value in own.items() if value}, **self.content.parameters}
        return {**begin, **values, **fixed}


def chosen(user: User, team: Team, wanted: str, number: str = "") -> Chosen:
    """The version that is wanted: by its own id, or by the template's, then the one numbered `number`, else the published one, else the
    newest draft. Raises `NotToBeUsed`.
    """
    gone = NotToBeUsed("The template is gone, or somebody keeps it to themselves now.", is_gone=True)
    found = as_id(wanted)
    if found is None:
        raise gone
    try:
        version = version_for(user, found)
    except Http404:
        try:
            version = _of_template(template_for(user, found), number)
        except Http404:
            raise gone from None
    if version.template.team_id != team.pk:
        raise NotToBeUsed(f"The template “{version.template}” belongs to {version.template.team}. Switch to that team to use it.")
    return Chosen(version)


def _of_template(template: PromptTemplate, number: str) -> PromptTemplateVersion:
    """Raises Http404 for a number that there is not."""
    versions = template.versions.select_related("template__team", "template__published", "author")
    if number:
        version = versions.filter(number=int(number)).first() if number.isdecimal() and len(number) < 10 else None
    elif template.published_id:
        version = versions.filter(pk=template.published_id).first()
    else:
        version = versions.newest_first().first()
    if version is None:
        raise Http404
    return version


def lists_of(team: Team) -> Wildcards:
    """The wildcards of a team, read when a prompt names one."""
    return SimpleLazyObject(lambda: wildcards.lists(team))  # type: ignore[return-value]
