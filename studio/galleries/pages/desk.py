"""What is done to many pictures at once, and its way back; the tags that the studio suggests; tiles read anew."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_team, require
from accounts.requests import SignedInRequest
from studio.galleries import bulk as actions
from studio.galleries import sorting, undoing
from studio.galleries.access import picture_for
from studio.galleries.bulk import Order
from studio.galleries.criteria import Criteria
from studio.galleries.errors import BulkRefused, GalleryError
from studio.galleries.tiles import tiles as as_tiles
from studio.generation.models import Artifact

READ_AT_ONCE = 200


@login_required
@require_POST
def bulk(request: SignedInRequest, action: str) -> HttpResponse:
    """Do one of `bulk.ACTIONS` to the pictures in `ids`. The answer is a toast that offers to undo it; without htmx it leads back."""
    if action not in actions.ACTIONS:
        raise Http404
    try:
        done = actions.perform(request.user, action, _order(request.POST))
    except GalleryError as error:
        return _refused(request, error)
    undo = {"label": "Undo", "url": reverse("bulk_undo"), "method": "post", "fields": {"token": done.undo}} if done.undo else None
    return _said(request, done.sentence, done.ids, undo)


@login_required
@require_POST
def bulk_undo(request: SignedInRequest) -> HttpResponse:
    """Take back what `token` says, as far as nobody has changed it again since."""
    try:
        sentence, ids = undoing.undo(request.user, request.POST.get("token", ""))
    except GalleryError as error:
        return _refused(request, error)
    return _said(request, sentence, ids)


@login_required
@require_safe
@never_cache
def tags(request: SignedInRequest) -> JsonResponse:
    """The team's tags that begin with `q`, most used first, each with how many pictures have it; with `picture` those of its team."""
    picked = request.GET.get("picture")
    team = picture_for(request.user, _picture(picked)).team if picked else current_team(request)
    require(request.user, team, "see")
    found = sorting.tags_of(team, request.GET.get("q", "").replace("\0", "")[: sorting.MAX_NAME], limit=12)
    return JsonResponse({"tags": [{"name": name, "count": count} for name, count in found]})


def _picture(word: str) -> uuid.UUID:
    """Raises Http404."""
    try:
        return uuid.UUID(word)
    except ValueError:
        raise Http404 from None


@login_required
@require_safe
@never_cache
def tiles(request: SignedInRequest) -> HttpResponse:
    """Some tiles of the wall as they are now; those that the team has no more are not among them, nor with `finals` what has a final."""
    team = current_team(request)
    require(request.user, team, "see")
    try:
        ids = _ids(request.GET.getlist("ids"))[:READ_AT_ONCE]
    except BulkRefused:
        ids = []
    pictures = Artifact.objects.of_team(team).visible().as_on_walls().filter(pk__in=ids).order_by("-pk")
    if request.GET.get("finals"):
        pictures = pictures.exclude(pk__in=Artifact.objects.all().with_a_final(team))
    marks = sorting.marks_of(request.user, pictures)
    criteria = Criteria.from_query(request.GET.dict())
    return render(request, "galleries/_tiles.html", {"tiles": as_tiles(pictures, criteria, marks)})


def _ids(words: Iterable[str]) -> list[uuid.UUID]:
    try:
        return list(dict.fromkeys(uuid.UUID(word) for word in words))
    except ValueError:
        raise BulkRefused("The selection could not be read. Reload the page and select again.") from None


def _order(form: QueryDict) -> Order:
    """Raises `BulkRefused` for what is no id and no number of stars. Tags may stand in one field, with commas between them."""
    stars = form.get("rating")
    if stars is not None and stars not in map(str, sorting.STARS):
        raise BulkRefused("Give 1 to 5 stars, or 0 to take them away.")
    add, remove = ([name for field in form.getlist(key) for name in field.split(",") if name.strip()] for key in ("add", "remove"))
    picked = str(form.get("gallery") or "")
    return Order(
        _ids(form.getlist("ids")),
        add=add,
        remove=remove,
        rating=int(stars) if stars else None,
        on=form.get("on", "1") != "0",
        gallery=_ids([picked])[0] if picked else None,
        new_gallery=form.get("new_gallery", ""),
    )


def _said(request: SignedInRequest, sentence: str, ids: Iterable[uuid.UUID], undo: Mapping[str, object] | None = None) -> HttpResponse:
    if request.htmx:
        toast = {"message": sentence, "level": "success", "action": undo}
        return render(request, "galleries/_done_here.html", {"toast": toast, "ids": ids})
    said = render_to_string("galleries/_done.html", {"sentence": sentence, "action": undo}, request)
    messages.success(request, mark_safe(said))  # noqa: S308 - our template
    return _back(request)


def _refused(request: SignedInRequest, error: GalleryError) -> HttpResponse:
    """The sentence, and everything as it was."""
    if request.htmx:
        return render(request, "_toast.html", {"message": str(error), "level": "error", "oob": True}, status=400)
    messages.error(request, str(error))
    return _back(request)


def _back(request: SignedInRequest) -> HttpResponse:
    """To the page that says so in `next`, or that sent the form, if it is one of ours; else to the library."""
    for address in (request.POST.get("next", ""), request.headers.get("referer", "")):
        if address and url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
            return redirect(address)
    return redirect("library")
