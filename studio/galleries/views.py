"""Library, picture, its files, and the trash."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import RIGHTS, Right, current_team, membership_for, rights_here
from accounts.models import Team, User
from accounts.requests import SignedInRequest
from studio.backends import registry
from studio.galleries import facts, files, filters, notices, sorting
from studio.galleries import library as shelves
from studio.galleries.access import picture_for
from studio.galleries.criteria import Criteria, Place
from studio.galleries.difference import difference
from studio.galleries.lineage import family
from studio.galleries.pages.comparing import mark_of
from studio.galleries.remarks import CommentForm, talk
from studio.galleries.search.words import words
from studio.galleries.services import restore, restore_job, trash
from studio.galleries.tiles import fingerprint, tiles
from studio.generation.access import artifact_for, job_for
from studio.generation.models import Artifact
from studio.generation.onward import can_repeat


@login_required
@require_safe
@never_cache
def library(request: SignedInRequest) -> HttpResponse:
    """What the team made. htmx gets the results alone: the next stretch in either direction, or what a changed search finds.

    A page that names the fingerprint of what it shows is told when that is still so, without a drawing.
    """
    team = current_team(request)
    rights = rights_here(request)
    asked = request.GET.dict()
    criteria = Criteria.from_query(asked)
    after, above, until = (Place.read(asked.get(name, "")) for name in ("after", "above", "until"))
    page = shelves.page(team, criteria, after=after, above=above, until=until, viewer=request.user)
    marks = sorting.marks_of(request.user, [one for _, pictures in page.groups for one in pictures])
    walls = [(heading, tiles(pictures, criteria, marks)) for heading, pictures in page.groups]
    shown = fingerprint(walls)
    if request.htmx and request.headers.get("X-Fingerprint") == shown:
        return HttpResponse(status=204)
    context: dict[str, Any] = {
        "criteria": criteria,
        "query": criteria.query(),
        "kept": {name: word for name, word in criteria.words().items() if name != "q"},
        "has_words": bool(words(criteria.text)),
        "page": page,
        "walls": walls,
        "fingerprint": shown,
        "is_empty": not (page.groups or criteria or after or above),
        "can_edit": "edit" in rights,
        "can_generate": "generate" in rights,
    }
    if not (request.htmx and (after or above)):
        context |= filters.bar(team, criteria, request.user, page)
    else:
        context["noun"] = shelves.noun(one.kind for _, pictures in page.groups for one in pictures)
    response = render(request, "galleries/_results.html" if request.htmx else "galleries/library.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _rights(user: User, team: Team) -> frozenset[Right]:
    """What the person may do here. Raises Http404 for a stranger."""
    membership = membership_for(user, team)
    if membership is None:
        raise Http404
    return RIGHTS[membership.role]


@login_required
@require_safe
@never_cache
def picture(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """One result with everything about it; one in the trash is shown, with the way out of it, to those who may take it."""
    artifact = picture_for(request.user, artifact_id)
    notices.seen(request.user, artifact)
    criteria = Criteria.from_query(request.GET.dict())
    newer, older = shelves.neighbours(artifact.team, criteria, artifact, request.user)
    engines = registry.engines()
    rights = _rights(request.user, artifact.team)
    siblings = artifact.job.artifacts.visible().order_by("index") if artifact.job and artifact.deleted_at is None else []
    context = {
        **_about(request.user, artifact),
        **_said(request.user, artifact),
        "newer": newer,
        "older": older,
        "query": criteria.query(),
        "back": f"{reverse('library')}{criteria.query(until=artifact.id)}#p-{artifact.id}",
        "siblings": list(siblings),
        "preview": _preview(artifact),
        "tags": artifact.tags.split("\n") if artifact.tags else [],
        "can_generate": "generate" in rights,
        "can_repeat": can_repeat(artifact, engines),
        "engine_is_here": any(engine.id == artifact.engine for engine in engines),
        "can_edit": "edit" in rights,
        "can_curate": "curate" in rights,
    }
    return render(request, "galleries/picture.html", context)


def _preview(artifact: Artifact) -> Artifact | None:
    """The preview that this is the final of, while it can be looked at."""
    return Artifact.objects.visible().filter(pk=artifact.job.final_of_id).first() if artifact.job and artifact.job.final_of_id else None


def _about(user: User, artifact: Artifact) -> dict[str, Any]:
    """What the facts beside it say."""
    relatives = family(artifact)
    return {
        "artifact": artifact,
        "written": facts.written(artifact, user),
        "own_name": facts.name_outside(artifact),
        "made_on": facts.moment(artifact.created_at),
        "took": facts.duration(artifact.job),
        "gone_on": artifact.deleted_at and artifact.deleted_at + timedelta(days=settings.TRASH_DAYS),
        "parameters": facts.parameters(artifact),
        "technical": facts.technical(artifact),
        "cost": facts.cost(artifact),
        "family": relatives,
        "difference": difference(*relatives.pair) if relatives and relatives.pair else None,
    }


def _said(user: User, artifact: Artifact) -> dict[str, Any]:
    """What one person thinks of it, and what all said."""
    return {"mark": mark_of(user, artifact), "talk": talk(artifact, user), "comment_form": CommentForm()}


@login_required
@require_safe
async def picture_file(request: SignedInRequest, artifact_id: uuid.UUID, variant: str) -> HttpResponseBase:
    """`original`, `large` (1024 px at most) or `thumb` (384 px at most)."""
    artifact = await sync_to_async(picture_for)(await request.auser(), artifact_id)  # type: ignore[arg-type]
    return await files.respond(request, files.wanted(artifact, variant))


@login_required
@require_safe
async def picture_download(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponseBase:
    """The original as it was delivered, with its settings in it, named after the prompt; `strip=1`: without a word in it."""
    artifact = await sync_to_async(picture_for)(await request.auser(), artifact_id)  # type: ignore[arg-type]
    asked = files.wanted(artifact, "original", attachment=True)
    return await (files.respond_bare(asked) if request.GET.get("strip") == "1" else files.respond(request, asked))


@login_required
@require_POST
def picture_delete(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """Into the trash. The answer offers to undo it; without htmx it leads to the next picture, or back to the library."""
    artifact = artifact_for(request.user, artifact_id, "edit", in_trash=True)
    trash(artifact, by=request.user)
    undo = {"label": "Undo", "url": reverse("picture_restore", args=[artifact.id]), "method": "post"}
    if request.htmx:
        return render(
            request, "_toast.html", {"message": f"{artifact.noun.capitalize()} deleted.", "level": "success", "action": undo, "oob": True}
        )
    messages.success(request, mark_safe(render_to_string("galleries/_deleted.html", {"artifact": artifact, "action": undo}, request)))  # noqa: S308 - our template
    return _next(request, artifact)


def _next(request: SignedInRequest, artifact: Artifact) -> HttpResponseRedirect:
    criteria = Criteria.from_query(request.GET.dict())
    newer, older = shelves.neighbours(artifact.team, criteria, artifact, request.user)
    onward = older or newer
    if onward is None:
        return redirect("library")
    return redirect(reverse("picture", args=[onward.id]) + criteria.query())


@login_required
@require_POST
def picture_restore(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """Out of the trash again."""
    artifact = artifact_for(request.user, artifact_id, "edit", in_trash=True)
    restore(artifact)
    if request.htmx:
        response = render(request, "_toast.html", {"message": f"{artifact.noun.capitalize()} restored.", "level": "success", "oob": True})
        response["HX-Trigger"] = f'{{"picture:restored": {{"id": "{artifact.id}"}}}}'
        return response
    messages.success(request, f"{artifact.noun.capitalize()} restored.")
    return redirect("picture", artifact.id)


@login_required
@require_POST
def job_restore(request: SignedInRequest, job_id: uuid.UUID) -> HttpResponse:
    """Every picture of a job out of the trash again, and back to the stage."""
    job = job_for(request.user, job_id, "edit")
    restore_job(job)
    return redirect(f"{reverse('create')}?job={job.pk}")
