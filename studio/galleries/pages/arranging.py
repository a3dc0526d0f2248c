"""What is in a gallery: add, order, choose a cover, take out and put back."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import current_team, require
from accounts.models import Team
from accounts.requests import SignedInRequest
from studio.galleries import curating, shelf
from studio.galleries.criteria import as_id
from studio.galleries.forms import NewGalleryForm
from studio.galleries.models import Gallery, GalleryItem, Review
from studio.generation.access import artifact_for
from studio.generation.models import Artifact

UNDO_SALT = "studio.galleries.removed"
UNDO_SECONDS = 3600
TARGETS = 8
CHOICES = 30
"""Galleries that are offered at once; others are found by name."""


def _said(
    request: SignedInRequest, gallery: Gallery, message: str, *, undo: str = "", at: uuid.UUID | None = None, event: str = ""
) -> HttpResponse:
    """A toast for htmx, and an `event` of the picture `at`; else the message on the gallery's page, there."""
    action = {"label": "Undo", "url": undo, "method": "post"} if undo else None
    if request.htmx:
        response = render(request, "_toast.html", {"message": message, "level": "success", "action": action, "oob": True})
        if event:
            response["HX-Trigger"] = json.dumps({event: {"id": str(at)}})
        return response
    words = render_to_string("galleries/_undo.html", {"message": message, "action": action}, request) if action else message
    messages.success(request, mark_safe(words) if action else words)  # noqa: S308 - our template
    return redirect(reverse("gallery", args=[gallery.pk]) + (f"#p-{at}" if at else ""))


def _item(request: SignedInRequest, gallery_id: uuid.UUID) -> GalleryItem:
    """The item that the form names, of a gallery that the person may change. Raises Http404."""
    gallery = shelf.gallery_for(request.user, gallery_id, "curate")
    artifact = as_id(request.POST.get("artifact", ""))
    item = GalleryItem.objects.filter(gallery=gallery, artifact=artifact).select_related("artifact").first() if artifact else None
    if item is None:
        raise Http404
    item.gallery = gallery
    return item


@login_required
@require_POST
def gallery_move(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """`to` is `front`, `end`, `earlier` or `later`; without it, `behind` names a picture, and nothing means the front."""
    item = _item(request, gallery_id)
    to, behind = request.POST.get("to", ""), as_id(request.POST.get("behind", ""))
    if to in ("earlier", "later"):
        behind = curating.step(item, later=to == "later")
    elif to not in ("", "front", "end"):
        return HttpResponseBadRequest("A picture cannot be moved there.")
    if not curating.move(item.gallery, item.artifact_id, behind=None if to == "front" else behind, last=to == "end"):
        raise Http404
    if request.htmx:
        return HttpResponse(status=204)
    return redirect(reverse("gallery", args=[gallery_id]) + f"#p-{item.artifact_id}")


@login_required
@require_POST
def gallery_cover(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """The picture that stands for the gallery."""
    item = _item(request, gallery_id)
    curating.set_cover(item.gallery, item.artifact)
    return _said(request, item.gallery, f"This {item.artifact.noun} is the cover now.", at=item.artifact_id)


@login_required
@require_POST
def gallery_remove(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """Out of the gallery, with a way back; it stays in the library."""
    item = _item(request, gallery_id)
    was = [str(item.artifact_id), item.position, item.review, item.reason, item.artifact_id == item.gallery.cover_id]
    curating.remove(item.gallery, [item.artifact], by=request.user)
    token = signing.dumps([str(gallery_id), *was], salt=UNDO_SALT)
    undo = f"{reverse('gallery_put_back', args=[gallery_id])}?{urlencode({'undo': token})}"
    return _said(request, item.gallery, f"{item.artifact.noun.capitalize()} taken out. It is still in the library.", undo=undo)


@login_required
@require_POST
def gallery_put_back(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """Undo of `gallery_remove`, for an hour."""
    gallery = shelf.gallery_for(request.user, gallery_id, "curate")
    try:
        told = signing.loads(request.GET.get("undo", ""), salt=UNDO_SALT, max_age=UNDO_SECONDS)
        of, artifact_id, position, review, reason, was_cover = told
    except (signing.BadSignature, ValueError):
        return HttpResponseBadRequest("This can no longer be undone.")
    if of != str(gallery_id):
        return HttpResponseBadRequest("This was undone for another gallery.")
    artifact = artifact_for(request.user, uuid.UUID(artifact_id))
    back = {"position": position, "review": Review(review), "reason": reason, "was_cover": was_cover}
    curating.put_back(gallery, artifact, by=request.user, **back)
    return _said(request, gallery, f"{artifact.noun.capitalize()} put back.", at=artifact.pk, event="place:back")


@login_required
@require_safe
@never_cache
def gallery_targets(request: SignedInRequest) -> HttpResponse:
    """The latest galleries as a bar of targets to drop pictures on: a fragment for the library."""
    team = current_team(request)
    require(request.user, team, "curate")
    return render(request, "galleries/_drop_targets.html", {"targets": shelf.galleries_for(request.user, team)[:TARGETS]})


@login_required
@require_POST
def gallery_add(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """Put pictures in (`artifact`, any number), as when tiles are dropped on the gallery."""
    gallery = shelf.gallery_for(request.user, gallery_id, "curate")
    wanted = [pk for text in request.POST.getlist("artifact")[:500] if (pk := as_id(text))]
    found = Artifact.objects.of_team(gallery.team).visible().in_bulk(wanted)
    added = curating.add(gallery, [found[pk] for pk in wanted if pk in found], by=request.user)
    return _said(request, gallery, _added(gallery, added, len(found)))


def _added(gallery: Gallery, added: int, found: int) -> str:
    if not added:
        return f"{'They are' if found > 1 else 'It is'} in “{gallery.name}” already." if found else "There was nothing to add."
    return f"{f'{added} added' if added > 1 else 'Added'} to “{gallery.name}”."


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def picture_galleries(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """In which galleries a picture is: a menu for htmx, else a page. POST puts it in (`gallery`), out (`out`), or makes a new one."""
    artifact = artifact_for(request.user, artifact_id, "curate")
    said, form = "", NewGalleryForm(team=artifact.team)
    if request.method == "POST" and ("gallery" in request.POST or "out" in request.POST):
        said = _toggle(request, artifact)
    elif request.method == "POST":
        form = NewGalleryForm(request.POST, team=artifact.team)
        if form.is_valid():
            gallery = curating.create(artifact.team, by=request.user, name=form.cleaned_data["name"], visibility=form.visibility)
            curating.add(gallery, [artifact], by=request.user)
            said, form = f"Added to “{gallery.name}”, which is new.", NewGalleryForm(team=artifact.team)
    if said and not request.htmx:
        messages.success(request, said)
        return redirect("picture_galleries", artifact.pk)
    context = {"artifact": artifact, "form": form, "said": said, **_offered(request, artifact.team, artifact)}
    page = "galleries/_choose_gallery.html" if request.htmx else "galleries/choose_gallery.html"
    return render(request, page, context, status=422 if form.errors else 200)


def _toggle(request: SignedInRequest, artifact: Artifact) -> str:
    named = request.POST.get("gallery") or request.POST.get("out", "")
    gallery = shelf.gallery_for(request.user, as_id(named) or uuid.UUID(int=0), "curate")
    if "out" in request.POST:
        curating.remove(gallery, [artifact], by=request.user)
        return f"Taken out of “{gallery.name}”."
    return _added(gallery, curating.add(gallery, [artifact], by=request.user), 1)


def _offered(request: SignedInRequest, team: Team, artifact: Artifact) -> dict[str, Any]:
    """The galleries to choose from: those that hold it and those of that name, the latest first."""
    require(request.user, team, "curate")
    text = (request.POST.get("q") or request.GET.get("q", "")).replace("\0", "").strip()[:120]
    mine = shelf.galleries_for(request.user, team)
    found = list((mine.filter(name__icontains=text) if text else mine)[: CHOICES + 1])
    return {
        "text": text,
        "offered": found[:CHOICES],
        "more": len(found) > CHOICES,
        "holding": shelf.holding(request.user, team, artifact.pk),
        "has_galleries": bool(found) or bool(text),
    }
