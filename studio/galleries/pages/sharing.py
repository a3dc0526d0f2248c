"""Who sees a gallery, and the links that show it to people outside."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.requests import SignedInRequest
from studio.galleries import publishing, shelf
from studio.galleries.errors import GalleryError
from studio.galleries.forms import LinkForm, VisibilityForm
from studio.galleries.models import Gallery, Visibility
from studio.galleries.pages.galleries import gallery_page


def _back(gallery: Gallery) -> HttpResponse:
    """To the gallery's page, with the panel about sharing open."""
    return redirect(f"{reverse('gallery', args=[gallery.pk])}?share=1#share")


@login_required
@require_POST
def gallery_visibility(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """For me, for the team, for whoever has a link, for everybody."""
    gallery = shelf.gallery_for(request.user, gallery_id, "curate")
    form = VisibilityForm(request.POST)
    if not form.is_valid():
        return gallery_page(request, gallery, share_error=form.errors["visibility"][0])
    visibility = Visibility(form.cleaned_data["visibility"])
    try:
        waiting = publishing.show_to(gallery, visibility, by=request.user)
    except GalleryError as error:
        return gallery_page(request, gallery, share_error=str(error))
    messages.success(request, _said(gallery, waiting))
    return _back(gallery)


def _said(gallery: Gallery, waiting: int) -> str:
    said = {
        Visibility.PRIVATE: "Only you see it now.",
        Visibility.TEAM: "Only you see it now." if gallery.team.is_personal else f"Everybody in {gallery.team.name} sees it now.",
        Visibility.LINK: "Whoever has a link sees it now.",
        Visibility.PUBLIC: "Everybody can see it now.",
    }[Visibility(gallery.visibility)]
    if not waiting:
        return said
    them = "One picture waits" if waiting == 1 else f"{waiting} pictures wait"
    return f"{them} for a review. People outside see what was approved."


@sensitive_post_parameters("password")
@login_required
@require_POST
def gallery_link_new(request: SignedInRequest, gallery_id: uuid.UUID) -> HttpResponse:
    """A link to send to people: for how long, with which password, with or without prompts."""
    gallery = shelf.gallery_for(request.user, gallery_id, "curate")
    form = LinkForm(request.POST)
    if not form.is_valid():
        return gallery_page(request, gallery, link_form=form)
    fields = {"password": form.cleaned_data["password"], "shows_prompts": form.cleaned_data["shows_prompts"]}
    try:
        publishing.make_link(gallery, by=request.user, days=form.lifetime, **fields)
    except GalleryError as error:
        return gallery_page(request, gallery, share_error=str(error))
    messages.success(request, "The link is made. Copy it and send it.")
    return _back(gallery)


@login_required
@require_POST
def gallery_link_revoke(request: SignedInRequest, link_id: uuid.UUID) -> HttpResponse:
    """A link ends at once."""
    link = shelf.link_for(request.user, link_id)
    publishing.revoke(link, by=request.user)
    messages.success(request, "The link is taken back. It shows nothing any more.")
    return _back(link.gallery)
