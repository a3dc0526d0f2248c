"""A template outside its team: over its link, to look at, to take along as a file, or into a team of one's own."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_team, require
from accounts.requests import SignedInRequest
from studio.generation import files
from studio.prompts.access import shared_template, template_for, token_of
from studio.prompts.colouring import numbers, typed
from studio.prompts.content import Content
from studio.prompts.errors import PromptsError
from studio.prompts.exchange import Format, write
from studio.prompts.fields import TYPES
from studio.prompts.models import PromptTemplate, Visibility
from studio.prompts.services import copies, templates

COVER_CACHE = "private, max-age=3600"
"""What is shown no more is gone from browsers within the hour, and no cache in between keeps it."""


def link_of(template: PromptTemplate) -> str:
    """The whole address of a template's public link; empty where there is none."""
    return f"{settings.STUDIO_URL}{reverse('shared_template', args=[token_of(template)])}" if template.link_key else ""


@login_required
@require_POST
def template_link(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """Open a template to whoever has its link, or end that link."""
    template = template_for(request.user, template_id, "publish")
    opens = request.POST.get("open") == "1"
    try:
        if opens and not template.published_id:
            messages.error(request, "Publish a version first: people outside see only what is published.")
            return redirect("template", template.pk)
        templates.set_visibility(template, Visibility.LINK if opens else Visibility.TEAM, by=request.user)
    except PromptsError as error:
        messages.error(request, error.message)
    else:
        said = "Whoever has the link can see this template and take a copy." if opens else "The link shows nothing any more."
        messages.success(request, said)
    return redirect(f"{reverse('template', args=[template.pk])}#link")


@require_safe
@never_cache
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """What people outside see: the published version, its cover, its fields; no name of a person, no picture of the team."""
    try:
        template = shared_template(token)
    except Http404:
        return _outside(render(request, "prompts/shared_gone.html", status=404))
    content = Content.from_json(template.published.content)  # type: ignore[union-attr]
    colours = numbers(content.fields)
    negative = content.negative
    context = {
        "template": template,
        "content": content,
        "token": token,
        "shown_by": "" if template.team.is_personal else template.team.name,
        "sections": [(one, typed(one.text, colours, locked=one.locked)) for one in content.sections if one.text],
        "negative": typed(negative.text, colours, locked=negative.locked) if negative.text else None,
        "fields": [(one, colours.get(one.name), TYPES[one.type].lower()) for one in content.fields],
    }
    return _outside(render(request, "prompts/shared.html", context))


@require_safe
def shared_cover(request: HttpRequest, token: str) -> HttpResponse:
    template = shared_template(token)
    if not template.cover:
        raise Http404
    try:
        data = files.read(template.cover)
    except FileNotFoundError:
        raise Http404 from None
    return _outside(HttpResponse(data, content_type="image/webp", headers={"Cache-Control": COVER_CACHE}))


@require_safe
@never_cache
def shared_file(request: HttpRequest, token: str) -> HttpResponse:
    """The template as a file of Atelier, with its cover and without what came before the published version."""
    return _outside(as_file([shared_template(token)], Format.ATELIER, with_versions=False))


@login_required
@require_POST
def shared_take(request: SignedInRequest, token: str) -> HttpResponse:
    """A copy of what a link shows, in the team that the person works in."""
    template, team = shared_template(token), current_team(request)
    require(request.user, team, "generate")
    try:
        made = copies.copy(template, team, by=request.user)
    except PromptsError as error:
        messages.error(request, error.message)
        return redirect("shared_template", token)
    messages.success(request, f"“{made.name}” is among the templates of {team} now.")
    if missing := copies.missing_lists(made):
        names = ", ".join(f"__{name}__" for name in missing)
        messages.warning(request, f"It draws from word lists that {team} does not have: {names}. Make them under “Word lists”.")
    return redirect("template", made.pk)


def as_file(chosen: list[PromptTemplate], format: Format, *, with_versions: bool = True) -> HttpResponse:
    """Templates as a download."""
    records = [copies.as_record(one, with_versions=with_versions) for one in chosen]
    name = format.filename if len(chosen) != 1 or format is not Format.ATELIER else f"{_slug(chosen[0].name)}.json"
    return HttpResponse(write(format, records), content_type=format.mime, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _slug(name: str) -> str:
    words = "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split())
    return words[:60] or "template"


def _outside(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response
