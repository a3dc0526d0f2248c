"""Writing a template: a new one, or the next version of one that is there; and what it would come to meanwhile."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import allows, current_team, require
from accounts.requests import SignedInRequest
from studio.prompts.access import template_for
from studio.prompts.content import Content
from studio.prompts.errors import ChangedMeanwhile, NothingChanged, PromptsError, Unfit
from studio.prompts.fields import TYPES
from studio.prompts.models import PromptTemplate, PromptTemplateVersion, Visibility
from studio.prompts.pages import comparing, drafts, versions
from studio.prompts.pages.drafts import Draft
from studio.prompts.pages.reading import reading
from studio.prompts.pages.sharing import link_of
from studio.prompts.pages.trying import attempt
from studio.prompts.services import templates as services

SAVES = ("save", "publish")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def template_new(request: SignedInRequest) -> HttpResponse:
    """Write a template: from nothing, or from one that is there (`from`)."""
    team = current_team(request)
    require(request.user, team, "generate")
    if request.method != "POST":
        return _new_page(request, _start(request))
    does = request.POST.get("do", "save")
    draft = drafts.of_post(request.user, request.POST, saves=does in SAVES)
    if does not in SAVES:
        drafts.change(draft, does)
        return _new_page(request, draft)
    try:
        template = services.create(
            team,
            author=request.user,
            content=draft.content(),
            name=draft.about["name"],
            description=draft.about["description"],
            tags=drafts.tags_in(draft.about["tags"]),
            note=draft.note,
            visibility=Visibility.PRIVATE if request.POST.get("visibility") == Visibility.PRIVATE else Visibility.TEAM,
        )
    except Unfit as error:
        draft.problems = draft.problems | error.fields
        return _new_page(request, draft, problem=error.message, status=422)
    return _saved(request, versions.newest(template), publishes=does == "publish")


def _start(request: SignedInRequest) -> Draft:
    try:
        other = template_for(request.user, uuid.UUID(request.GET.get("from", "")))
    except ValueError:
        return drafts.blank(request.user)
    draft = drafts.of_version(request.user, other.published or versions.newest(other))
    draft.after, draft.about = 0, {**drafts.about_of(other), "name": f"{other.name[:110]}, copy"}
    return draft


def _new_page(request: SignedInRequest, draft: Draft, *, problem: str = "", status: int = 200) -> HttpResponse:
    context = _writing(request, draft) | {"problem": problem, "visibility": request.POST.get("visibility", Visibility.TEAM)}
    return render(request, "prompts/new.html", context, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def template(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """One template, its newest version open to be written on; POST saves the next one, or changes the form where no script does."""
    if request.method != "POST":
        return template_page(request, template_for(request.user, template_id))
    one = template_for(request.user, template_id, "generate")
    does = request.POST.get("do", "save")
    draft = drafts.of_post(request.user, request.POST, saves=does in SAVES)
    if does not in SAVES:
        drafts.change(draft, does)
        return template_page(request, one, draft=draft)
    try:
        version = services.save_version(one, author=request.user, content=draft.content(), note=draft.note, after=draft.after)
    except ChangedMeanwhile as error:
        return _both(request, one, draft, error)
    except NothingChanged as error:
        newest = versions.newest(one)
        if does == "publish" and newest.status != newest.Status.PUBLISHED:
            return _saved(request, newest, publishes=True)
        return template_page(request, one, draft=draft, notice=error.message)
    except PromptsError as error:
        draft.problems = draft.problems | error.fields
        return template_page(request, one, draft=draft, problem=error.message, status=422)
    return _saved(request, version, publishes=does == "publish")


def _saved(request: SignedInRequest, version: PromptTemplateVersion, *, publishes: bool) -> HttpResponse:
    try:
        publishes = publishes and services.publish(version, by=request.user)
    except PromptsError as error:  # put away in this very moment
        messages.error(request, error.message)
        return redirect("template", version.template_id)
    said = "is published: it is what people use from now on" if publishes else "is saved, as a draft"
    messages.success(request, f"Version {version.number} {said}.")
    versions.warn(request, version)
    return redirect("template", version.template_id)


def _both(request: SignedInRequest, one: PromptTemplate, draft: Draft, error: ChangedMeanwhile) -> HttpResponse:
    """Somebody was quicker: theirs beside what was typed, which the next press saves on top."""
    draft.after = error.newest.number
    theirs, engines = Content.from_json(error.newest.content), {engine.id: engine.label for engine in draft.defaults.engines}
    both = {"newest": error.newest, "difference": comparing.compare(theirs, draft.content(), engines)}
    return template_page(request, one, draft=draft, problem=error.message, both=both, status=409)


def template_page(
    request: SignedInRequest, one: PromptTemplate, *, draft: Draft | None = None, status: int = 200, **extra: Any
) -> HttpResponse:
    """The page of a template; `extra` says what a form of it was refused for. Who may not write reads it."""
    newest = versions.newest(one)
    context = versions.about(request.user, one, newest, every="versions" in request.GET)
    if not context["can_edit"] or one.archived_at:
        return render(request, "prompts/version.html", context | reading(request.user, one.team, newest) | extra, status=status)
    context |= _writing(request, draft or drafts.of_version(request.user, newest))
    context |= {"can_publish": allows(request.user, one.team, "publish"), "link_url": link_of(one)}
    context |= {"about": drafts.about_of(one), "cover_choices": versions.cover_choices(one), **extra}
    return render(request, "prompts/template.html", context, status=status)


def _writing(request: SignedInRequest, draft: Draft) -> dict[str, Any]:
    """Everything that the editor and "Try it" beside it read."""
    content = draft.as_far_as_it_goes()
    return {
        "draft": draft,
        "defaults": draft.defaults,
        "types": TYPES,
        "trial": attempt(current_team(request), content, draft.defaults, starts=draft.start_problems),
    }


# --- while somebody writes -------------------------------------------------------------------------------------------
@login_required
@require_POST
def template_settings(request: SignedInRequest) -> HttpResponse:
    """The settings drawn for another engine or mode, with everything that still applies: a fragment."""
    require(request.user, current_team(request), "generate")
    draft = drafts.of_post(request.user, request.POST, saves=False)
    return render(request, "prompts/_settings.html", {"draft": draft, "defaults": draft.defaults})


@login_required
@require_POST
def template_new_preview(request: SignedInRequest) -> HttpResponse:
    """What a template that nobody saved yet would come to: a fragment, or without a script the page of a new one."""
    team = current_team(request)
    require(request.user, team, "generate")
    draft = drafts.of_post(request.user, request.POST, saves=False)
    if not request.htmx:
        return _new_page(request, draft)
    trial = attempt(team, draft.as_far_as_it_goes(), draft.defaults, request.POST, starts=draft.start_problems)
    return render(request, "prompts/_try.html", {"trial": trial})


@login_required
@require_POST
def template_preview(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """What a template comes to with the values that were filled in: of what stands in its editor, else of its newest version."""
    one = template_for(request.user, template_id)
    is_written = "after" in request.POST and allows(request.user, one.team, "generate")
    draft = drafts.of_post(request.user, request.POST, saves=False) if is_written else drafts.of_version(request.user, versions.newest(one))
    trial = attempt(one.team, draft.as_far_as_it_goes(), draft.defaults, request.POST, starts=draft.start_problems)
    if request.htmx:
        context = {"trial": trial, "template": one, "newest": versions.newest(one), "can_edit": allows(request.user, one.team, "generate")}
        return render(request, "prompts/_try.html", context)
    return template_page(request, one, draft=draft if is_written else None, trial=trial)
