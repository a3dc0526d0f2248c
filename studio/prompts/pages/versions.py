"""The versions of a template: the list with what came of each, one of them, two side by side; published and brought back."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import allows
from accounts.models import User
from accounts.requests import SignedInRequest
from studio.generation.engines import available
from studio.generation.models import Artifact
from studio.prompts import brand
from studio.prompts.access import template_for
from studio.prompts.content import Content
from studio.prompts.errors import PromptsError
from studio.prompts.models import PromptTemplate, PromptTemplateVersion
from studio.prompts.pages import comparing, figures
from studio.prompts.pages.reading import reading
from studio.prompts.services import templates as services

LATEST = 12
"""How many versions the page of a template lists before somebody asks for all of them."""
CHOICES = 12
"""Pictures that are offered as a cover."""


def newest(template: PromptTemplate) -> PromptTemplateVersion:
    version = template.versions.select_related("author", "restored_from").newest_first()[0]
    version.template = template
    return version


def about(user: User, template: PromptTemplate, latest: PromptTemplateVersion, *, every: bool = False) -> dict[str, Any]:
    """What every page of a template says of it; `versions` are (version, its figures)."""
    rows = template.versions.select_related("author", "restored_from").newest_first()
    listed = list(rows if every else rows[:LATEST])
    published = template.published
    counted = figures.of_versions([*listed, *([published] if published and published not in listed else [])])
    return {
        "template": template,
        "newest": latest,
        "published": published,
        "published_figures": counted[published.pk] if published else None,
        "versions": [(version, counted[version.pk]) for version in listed],
        "more": latest.number - len(listed),
        "can_edit": allows(user, template.team, "generate"),
        "is_mine": template.author_id == user.pk,
    }


def cover_choices(template: PromptTemplate) -> list[Artifact]:
    """Pictures to take a cover from: those made with the template, then what the team made last."""
    pictures = Artifact.objects.visible().filter(team=template.team, mime__startswith="image/").order_by("-id")
    found = list(pictures.filter(job__template_version__template=template)[:CHOICES])
    if len(found) < CHOICES:
        found += pictures.exclude(pk__in=[one.pk for one in found])[: CHOICES - len(found)]
    return found


def warn(request: SignedInRequest, version: PromptTemplateVersion) -> None:
    """Say which brand rules the words of a version break: it is kept, but whoever uses it as it is is refused."""
    for problem in brand.problems_of(version.template.team, Content.from_json(version.content)):
        messages.warning(request, f"Pictures with this version will be refused: {problem.message}")


def _version(template: PromptTemplate, number: int) -> PromptTemplateVersion:
    version = get_object_or_404(template.versions.select_related("author", "restored_from"), number=number)
    version.template = template
    return version


@login_required
@require_safe
@never_cache
def template_version(request: SignedInRequest, template_id: uuid.UUID, number: int) -> HttpResponse:
    """One version, to read."""
    template = template_for(request.user, template_id)
    version = _version(template, number)
    context = {**about(request.user, template, newest(template)), **reading(request.user, template.team, version), "is_alone": True}
    return render(request, "prompts/version.html", context)


@login_required
@require_safe
@never_cache
def template_diff(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """Two versions side by side: `from` and `to`, without them the newest and the one in use, or the one before."""
    template = template_for(request.user, template_id)
    after = _named(template, request.GET.get("to", "")) or newest(template)
    before = _named(template, request.GET.get("from", "")) or _compared_with(template, after)
    engines = {engine.id: engine.label for engine in available()}
    context = {
        "template": template,
        "before": before,
        "after": after,
        "difference": comparing.compare(Content.from_json(before.content), Content.from_json(after.content), engines),
        "numbers": list(template.versions.newest_first().values_list("number", "status")[:200]),
        "left": f"Version {before.number}",
        "right": f"Version {after.number}",
    }
    return render(request, "prompts/diff.html", context)


def _named(template: PromptTemplate, number: str) -> PromptTemplateVersion | None:
    """Raises Http404 for a number that there is none of."""
    if not number:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        raise Http404
    return _version(template, int(number))


def _compared_with(template: PromptTemplate, after: PromptTemplateVersion) -> PromptTemplateVersion:
    """The version in use where that is another one, else the one before, else itself."""
    if template.published and template.published_id != after.pk:
        return _version(template, template.published.number)
    return _version(template, max(1, after.number - 1))


@login_required
@require_POST
def template_publish(request: SignedInRequest, template_id: uuid.UUID, number: int) -> HttpResponse:
    """Make a version the one that people use."""
    template = template_for(request.user, template_id, "generate")
    try:
        if services.publish(_version(template, number), by=request.user):
            messages.success(request, f"Version {number} is published: it is what people use from now on.")
            warn(request, _version(template, number))
        else:
            messages.info(request, f"Version {number} is published already.")
    except PromptsError as error:
        messages.error(request, error.message)
    return redirect("template", template.pk)


@login_required
@require_POST
def template_restore(request: SignedInRequest, template_id: uuid.UUID, number: int) -> HttpResponse:
    """A new draft that says what an older version said."""
    template = template_for(request.user, template_id, "generate")
    try:
        again = services.restore(_version(template, number), by=request.user)
        messages.success(request, f"Version {number} is back, as version {again.number}: a draft until somebody publishes it.")
    except PromptsError as error:
        messages.error(request, error.message)
    return redirect("template", template.pk)
