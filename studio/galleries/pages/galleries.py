"""The galleries of a team, and the page of one."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import allows, current_team, require
from accounts.models import User
from accounts.requests import SignedInRequest
from studio.galleries import curating, places, publishing, shelf
from studio.galleries.forms import GalleryForm, LinkForm, NewGalleryForm, visibilities
from studio.galleries.models import Gallery, Review, Visibility

PAGE = 48


def number(text: str) -> int:
    """A page's number as an address gives it; 1 for what makes no sense."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


@login_required
@require_safe
@never_cache
def galleries(request: SignedInRequest) -> HttpResponse:
    """The galleries that the person sees, what changed last first; by name with `q`, those thrown away with `deleted`."""
    team = current_team(request)
    require(request.user, team, "see")
    can_curate = allows(request.user, team, "curate")
    text = request.GET.get("q", "").replace("\0", "").strip()[:120]
    wants_deleted = can_curate and "deleted" in request.GET
    found = shelf.deleted_for(request.user, team) if wants_deleted else shelf.galleries_for(request.user, team)
    if text:
        found = found.filter(name__icontains=text)
    page = number(request.GET.get("page", ""))
    cards = list(shelf.with_faces(found)[(page - 1) * PAGE : page * PAGE + 1])
    context = {
        "text": text,
        "cards": [(card, places.faces(card)) for card in cards[:PAGE]],
        "next": page + 1 if len(cards) > PAGE else None,
        "wants_deleted": wants_deleted,
        "can_curate": can_curate,
        "can_publish": allows(request.user, team, "publish"),
    }
    response = render(request, "galleries/_gallery_cards.html" if request.htmx else "galleries/galleries.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def gallery_new(request: SignedInRequest) -> HttpResponse:
    """Make a gallery."""
    team = current_team(request)
    require(request.user, team, "curate")
    form = NewGalleryForm(request.POST or None, team=team)
    if request.method == "POST" and form.is_valid():
        words = {name: form.cleaned_data[name] for name in ("name", "description")}
        gallery = curating.create(team, by=request.user, visibility=form.visibility, **words)
        return redirect("gallery", gallery.pk)
    return render(request, "galleries/gallery_new.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_safe
@never_cache
def gallery(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """One gallery in its order. htmx gets the next stretch of its wall alone."""
    one = shelf.gallery_for(request.user, gallery_id)
    return gallery_page(request, one)


def gallery_page(request: SignedInRequest, one: Gallery, **forms: Any) -> HttpResponse:
    """The page of a gallery; `forms` are bound ones that did not validate (`form`, `link_form`, `share_error`)."""
    stretch = places.stretch(one, number(request.GET.get("page", "")))
    context: dict[str, Any] = {"gallery": one, "stretch": stretch, **_rights(request.user, one)}
    if request.htmx and not forms:
        response = render(request, "galleries/_places.html", context)
    else:
        context |= {"size": shelf.items_of(one).count(), "form": GalleryForm(instance=one), **forms}
        if context["can_curate"]:
            context |= _sharing(one, **forms)
        response = render(request, "galleries/gallery.html", context, status=422 if forms else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _rights(user: User, one: Gallery) -> dict[str, bool]:
    return {"can_curate": allows(user, one.team, "curate"), "can_publish": allows(user, one.team, "publish")}


def _sharing(one: Gallery, **forms: Any) -> dict[str, Any]:
    """What the panel says in which one decides who sees it."""
    reviews = dict.fromkeys(Review.values, 0)
    for review in shelf.items_of(one).values_list("review", flat=True):
        reviews[review] += 1
    return {
        "choices": visibilities(one.team, one.visibility),
        "is_shown": one.visibility in shelf.OUTSIDE,
        "is_public": one.visibility == Visibility.PUBLIC,
        "public_url": publishing.public_url(one),
        "public_path": reverse("public_gallery", args=[one.pk]),
        "links": [(link, publishing.link_url(link), publishing.is_over(link)) for link in shelf.links_of(one)],
        "link_form": LinkForm(),
        "waiting": reviews[Review.WAITING],
        "rejected": reviews[Review.REJECTED],
        "approved": reviews[Review.APPROVED],
        **forms,
    }


@login_required
@require_POST
def gallery_edit(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """Another name, another description."""
    one = shelf.gallery_for(request.user, gallery_id, "curate")
    form = GalleryForm(request.POST, instance=shelf.gallery_for(request.user, gallery_id, "curate"))
    if not form.is_valid():
        return gallery_page(request, one, form=form)
    curating.describe(one, name=form.cleaned_data["name"], description=form.cleaned_data["description"], by=request.user)
    messages.success(request, "Saved.")
    return redirect("gallery", one.pk)


@login_required
@require_POST
def gallery_delete(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """Away with a gallery, with a way back; what is in it stays in the library."""
    one = shelf.gallery_for(request.user, gallery_id, "curate")
    curating.delete(one, by=request.user)
    undo = {"label": "Undo", "url": reverse("gallery_restore", args=[one.pk])}
    words = render_to_string("galleries/_undo.html", {"message": f"“{one.name}” deleted.", "action": undo}, request)
    messages.success(request, mark_safe(words))  # noqa: S308 - our template
    return redirect("galleries")


@login_required
@require_POST
def gallery_restore(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    one = shelf.gallery_for(request.user, gallery_id, "curate", in_trash=True)
    curating.restore(one, by=request.user)
    messages.success(request, f"“{one.name}” is back.")
    return redirect("gallery", one.pk)
