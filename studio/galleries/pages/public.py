"""What people see without an account: a gallery over a link, or a public one. Every view takes a `token` or a `gallery_id`."""

from __future__ import annotations

import uuid
from typing import Any

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from studio.galleries import files, outside, publishing, visitors
from studio.galleries.forms import ReportForm, UnlockForm
from studio.galleries.outside import Show
from studio.galleries.pages.galleries import number
from studio.generation.images import LARGE
from studio.generation.models import Artifact

FILE_CACHE = "private, max-age=3600"
"""What was taken off the page is gone from browsers within the hour, and no cache in between keeps it."""


class Locked(Exception):
    """The password was not given yet."""

    def __init__(self, show: Show) -> None:
        self.show = show


def _show(request: HttpRequest, token: str = "", gallery_id: uuid.UUID | None = None) -> Show:
    """Raises Http404; Locked when it asks for a password first."""
    show = outside.in_public(gallery_id) if gallery_id else outside.by_link(token)
    if not visitors.has_opened(request, show):
        raise Locked(show)
    return show


def _page(request: HttpRequest, template: str, show: Show | None, status: int = 200, **context: Any) -> HttpResponse:
    """A page outside; only what is public is for search engines."""
    is_open = bool(show and not show.link)
    words = {"show": show, "is_indexed": is_open, "report_url": show and show.url("report"), **context}
    response = render(request, template, words, status=status)
    if not words["is_indexed"] or status != 200:
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


def _gone(request: HttpRequest) -> HttpResponse:
    return _page(request, "galleries/public_gone.html", None, 404)


def _ask(request: HttpRequest, show: Show, form: UnlockForm | None = None, status: int = 200) -> HttpResponse:
    return _page(request, "galleries/public_locked.html", show, status, form=form or UnlockForm(), unlock_url=show.url("unlock"))


@require_safe
@never_cache
def wall(request: HttpRequest, **of: Any) -> HttpResponse:
    """The pictures of a gallery in their order."""
    try:
        show = _show(request, **of)
    except Locked as error:
        return _ask(request, error.show)
    except Http404:
        return _gone(request)
    response = _page(request, "galleries/public_wall.html", show, **_wall(show, number(request.GET.get("page", ""))))
    if show.link and visitors.counts(request, show):
        publishing.count_view(show.link)
        visitors.remember_view(response, show)
    return response


def _wall(show: Show, page: int) -> dict[str, Any]:
    total = show.items.count()
    start = (page - 1) * outside.PAGE
    items = list(show.items.select_related("artifact")[start : start + outside.PAGE])
    frames = outside.frames(show, items, first=start + 1, total=total)
    return {
        "frames": frames,
        "total": total,
        "page": page,
        "more": page + 1 if start + outside.PAGE < total else None,
        "is_even": outside.is_even(frames),
        "is_indexed": not show.link and total > 0,
        **_preview(show, show.url(), show.cover() if total else None),
    }


def _preview(show: Show, path: str, artifact: Artifact | None) -> dict[str, Any]:
    """What an address looks like where it is sent; no picture of a gallery that asks for a password."""
    if artifact is None or show.is_locked:
        return {"og_image": "", "card_url": show.absolute(path)}
    width, height = artifact.looks
    scale = min(1, LARGE / max(width, height))
    return {
        "card_url": show.absolute(path),
        "og_image": show.absolute(show.url("file", artifact.pk, "large")),
        "og_width": max(1, round(width * scale)),
        "og_height": max(1, round(height * scale)),
    }


@sensitive_post_parameters("password")
@require_http_methods(["POST"])
@never_cache
def unlock(request: HttpRequest, token: str) -> HttpResponse:
    """The password of a link; tries are few."""
    try:
        show = outside.by_link(token)
    except Http404:
        return _gone(request)
    form = UnlockForm(request.POST)
    if form.is_valid():
        if wait := visitors.seconds_to_try(request, show):
            form.add_error("password", f"Too many tries. Wait {_minutes(wait)}, then try again.")
            return _ask(request, show, form, 429)
        if show.opens_with(form.cleaned_data["password"]):
            response = redirect(show.url())
            visitors.remember_opening(response, show)
            return response
        form.add_error("password", "That is not the password. Ask whoever sent you the link.")
    return _ask(request, show, form, 422)


def _minutes(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"


@require_safe
@never_cache
def picture(request: HttpRequest, artifact_id: uuid.UUID, **of: Any) -> HttpResponse:
    """One picture, as large as the screen, with the ways to its neighbours."""
    try:
        show = _show(request, **of)
        item = show.item(artifact_id)
    except Locked as error:
        return _ask(request, error.show)
    except Http404:
        return _gone(request)
    total, place = show.items.count(), show.place(item)
    earlier, later = show.neighbours(item)
    [frame] = outside.frames(show, [item], first=place, total=total)
    context: dict[str, Any] = {
        "frame": frame,
        "artifact": item.artifact,
        "place": place,
        "total": total,
        "earlier": earlier and show.url("picture", earlier),
        "later": later and show.url("picture", later),
        "back": show.url() + (f"?page={(place - 1) // outside.PAGE + 1}" if place > outside.PAGE else ""),
    }
    return _page(request, "galleries/public_picture.html", show, **context, **_preview(show, frame.href, item.artifact))


@require_safe
async def file(request: HttpRequest, artifact_id: uuid.UUID, variant: str, **of: Any) -> HttpResponseBase:
    """`thumb` or `large`, never the original."""
    asked = await sync_to_async(_wanted)(request, artifact_id, variant, **of)
    response = await files.respond(request, asked)
    if of.get("token"):
        response["X-Robots-Tag"] = "noindex"
    if response.status_code in (200, 206, 304):
        response["Cache-Control"] = FILE_CACHE
    return response


def _wanted(request: HttpRequest, artifact_id: uuid.UUID, variant: str, **of: Any) -> outside.WantedOutside:
    try:
        show = _show(request, **of)
    except Locked:
        raise Http404 from None
    return outside.wanted(show.item(artifact_id).artifact, variant)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def report(request: HttpRequest, **of: Any) -> HttpResponse:
    """Say that a picture (`picture`), or the whole gallery, should not be on show."""
    try:
        show = _show(request, **of)
        item = show.item(uuid.UUID(request.GET["picture"])) if request.GET.get("picture") else None
    except Locked as error:
        return _ask(request, error.show)
    except (Http404, ValueError):
        return _gone(request)
    if not show.items.exists():
        return _gone(request)
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if wait := visitors.seconds_to_report(request):
            form.add_error(None, f"You have sent several reports. Wait {_minutes(wait)}, then try again.")
            return _report_page(request, show, item, form, 429)
        said = form.cleaned_data
        if not said["website"]:
            publishing.report(show.gallery, item, reason=said["reason"], text=said["text"], email=said["email"])
        return _page(request, "galleries/public_thanks.html", show)
    return _report_page(request, show, item, form, 422 if form.errors else 200)


def _report_page(request: HttpRequest, show: Show, item: Any, form: ReportForm, status: int) -> HttpResponse:
    [frame] = outside.frames(show, [item], first=show.place(item), total=show.items.count()) if item else [None]
    return _page(request, "galleries/public_report.html", show, status, form=form, frame=frame, item=item, is_indexed=False)
