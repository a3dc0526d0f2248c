"""The templates of a team, and what is done to one as a whole: its words, its cover, who sees it, whether it is put away."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import allows, current_team, require
from accounts.models import Team
from accounts.requests import SignedInRequest
from studio.generation import files
from studio.generation.access import artifact_for
from studio.generation.errors import UnusableFile
from studio.generation.images import clean_upload
from studio.generation.models import Artifact
from studio.prompts.access import template_for
from studio.prompts.errors import PromptsError, Unfit
from studio.prompts.exchange import Template
from studio.prompts.models import PromptTemplate, Visibility
from studio.prompts.pages import drafts, shelf
from studio.prompts.pages.editor import template_page
from studio.prompts.services import templates as services
from studio.prompts.starters import starters

FEW, SOME = 3, 3
"""A list of fewer templates shows some starters, too."""
A_YEAR = 365 * 24 * 3600


@login_required
@require_safe
@never_cache
def templates(request: SignedInRequest) -> HttpResponse:
    """The templates that the person sees, what changed last first. htmx gets the cards with their filters alone."""
    team = current_team(request)
    require(request.user, team, "see")
    criteria = shelf.Criteria.of(request.GET)
    start = (criteria.page - 1) * shelf.PAGE
    cards = list(shelf.templates_for(request.user, team, criteria)[start : start + shelf.PAGE + 1])
    shelf.show_pictures(cards, team)
    can_edit = allows(request.user, team, "generate")
    is_short = len(cards) < FEW and criteria == shelf.Criteria()
    context = {
        "criteria": criteria,
        "cards": cards[: shelf.PAGE],
        "next": criteria.address(page=criteria.page + 1) if len(cards) > shelf.PAGE else "",
        "views": [(name, label, criteria.address(show=name)) for name, label in shelf.VIEWS.items()],
        "tags": [
            (tag, number, criteria.address(tag="" if tag == criteria.tag else tag))
            for tag, number in shelf.tags_of(request.user, team, criteria)
        ],
        "can_edit": can_edit,
        "starters": _some_starters(team) if is_short and can_edit else [],
        "starters_there": len(starters()),
    }
    response = render(request, "prompts/_cards.html" if request.htmx else "prompts/templates.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _some_starters(team: Team) -> list[tuple[str, Template]]:
    """The first that the team has not taken."""
    taken = set(PromptTemplate.objects.of_team(team).in_use().exclude(starter="").values_list("starter", flat=True))
    return [(slug, one) for slug, one in starters().items() if slug not in taken][:SOME]


@login_required
@require_POST
def template_describe(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """Another name, description or tags."""
    template = template_for(request.user, template_id, "generate")
    about = {name: request.POST.get(name, "") for name in ("name", "description", "tags")}
    try:
        services.describe(template, by=request.user, **{**about, "tags": drafts.tags_in(about["tags"])})  # type: ignore[arg-type]
    except Unfit as error:
        return template_page(request, template, about=about, about_problems=error.fields, status=422)
    messages.success(request, "Saved.")
    return redirect("template", template.pk)


@login_required
@require_POST
def template_favorite(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """Keep a template at hand, or no more: `on` is 1 or 0. htmx gets the star."""
    template = template_for(request.user, template_id)
    services.favor(request.user, template, request.POST.get("on") == "1")
    if request.htmx:
        return render(request, "prompts/_star.html", {"template": template_for(request.user, template_id)})
    is_list = request.POST.get("next") == reverse("templates")
    return redirect("templates") if is_list else redirect("template", template.pk)


@login_required
@require_POST
def template_archive(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """Put a template away, with a way back; `back`: take it out again."""
    template = template_for(request.user, template_id, "generate")
    if "back" in request.POST:
        services.bring_back(template, by=request.user)
        messages.success(request, f"“{template.name}” is back.")
        return redirect("template", template.pk)
    services.archive(template, by=request.user)
    undo = {"label": "Undo", "url": reverse("template_archive", args=[template.pk])}
    words = render_to_string("prompts/_put_away.html", {"template": template, "action": undo}, request)
    messages.success(request, mark_safe(words))  # noqa: S308 - our template
    return redirect("templates")


@login_required
@require_POST
def template_visibility(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """Who sees it: its author alone, or the team."""
    template = template_for(request.user, template_id, "generate")
    wanted = request.POST.get("visibility", "")
    if wanted not in (Visibility.PRIVATE, Visibility.TEAM):
        return template_page(request, template, visibility_problem="Choose who sees it.", status=422)
    try:
        services.set_visibility(template, wanted, by=request.user)
    except PromptsError as error:
        return template_page(request, template, visibility_problem=error.message, status=422)
    messages.success(request, "Only you see it now." if wanted == Visibility.PRIVATE else f"Everybody in {template.team} sees it now.")
    return redirect("template", template.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def template_cover(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """The picture on it; POST puts another there: an upload (`file`), one of the library (`picture`), or the `newest` made with it."""
    if request.method != "POST":
        return _cover(template_for(request.user, template_id))
    template = template_for(request.user, template_id, "generate")
    try:
        services.set_cover(template, _wanted(request, template), by=request.user)
    except (PromptsError, UnusableFile) as error:
        return template_page(request, template, cover_problem=error.message, status=422)
    except OSError as error:
        problem = files.told(error, "The file of that picture is gone. Choose another.")
        return template_page(request, template, cover_problem=problem, status=422)
    messages.success(request, "The cover is changed." if template.cover else "The cover is gone.")
    return redirect("template", template.pk)


def _cover(template: PromptTemplate) -> HttpResponse:
    """Its address changes with every new one (`v`), so a browser may keep it."""
    try:
        response = HttpResponse(files.read(template.cover) if template.cover else b"", content_type="image/webp")
    except FileNotFoundError:
        raise Http404 from None
    if not response.content:
        raise Http404
    response["Cache-Control"] = f"private, max-age={A_YEAR}, immutable"
    return response


def _wanted(request: SignedInRequest, template: PromptTemplate) -> bytes | None:
    """The bytes of what was chosen; None to take the cover away. Raises `UnusableFile` with a sentence, OSError,
    Http404 for another's picture."""
    if "remove" in request.POST:
        return None
    if upload := request.FILES.get("file"):
        return clean_upload(upload, size=upload.size).data
    if "newest" in request.POST:
        made = Artifact.objects.visible().filter(job__template_version__template=template, team=template.team).order_by("-id")
        picture = next((one for one in made[:20] if one.kind == "image"), None)
        if picture is None:
            raise UnusableFile("Nothing has been made with this template yet. Make a picture first, or choose one of your library.")
    else:
        picture = artifact_for(request.user, _picture_id(request.POST.get("picture", "")))
    return files.read(picture.variant("thumb" if picture.kind != "image" else "original"))


def _picture_id(text: str) -> uuid.UUID:
    """Of an id, or of the address of a picture's page. Raises `UnusableFile`."""
    found = next((part for part in reversed(text.strip().split("/")) if part), "")
    try:
        return uuid.UUID(found)
    except ValueError:
        raise UnusableFile("Choose a file, or paste the address of a picture of your library.") from None
