"""The review: what wants to leave the team, and what people outside object to. For those who may publish."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import current_team, require
from accounts.requests import SignedInRequest
from studio.galleries import reviewing, shelf
from studio.galleries.errors import GalleryError
from studio.galleries.models import GalleryItem, Report

PAGE = 60


@login_required
@require_safe
@never_cache
def review(request: SignedInRequest) -> HttpResponse:
    """What waits, gallery by gallery, and the reports that nobody has handled."""
    team = current_team(request)
    require(request.user, team, "publish")
    return render(request, "galleries/review.html", _context(request))


def _context(request: SignedInRequest, **more: Any) -> dict[str, Any]:
    team = current_team(request)
    waiting = shelf.to_review(team).select_related("gallery__owner", "artifact__user", "artifact__finding", "added_by")
    items = list(waiting[: PAGE + 1])
    return {
        "groups": [
            (group[0].gallery, group) for _, them in groupby(items[:PAGE], key=lambda item: item.gallery_id) if (group := list(them))
        ],
        "total": waiting.count() if len(items) > PAGE else len(items),
        "shown": min(len(items), PAGE),
        "reports": reviewing.open_reports(team),
        "handled": reviewing.handled_reports(team),
        **more,
    }


@login_required
@require_POST
def review_decide(request: SignedInRequest) -> HttpResponse:
    """`approve` or `reject` holds an item's id, or `chosen` for all that are ticked (`item`); a rejection needs a `reason`."""
    team = current_team(request)
    require(request.user, team, "publish")
    approves = "approve" in request.POST
    which = request.POST.get("approve", "") if approves else request.POST.get("reject", "")
    ids = request.POST.getlist("item") if which == "chosen" else [which]
    wanted = [int(one) for one in ids[:500] if one.isascii() and one.isdigit() and len(one) < 19]
    found = GalleryItem.objects.filter(pk__in=wanted, gallery__team=team, gallery__deleted_at=None, gallery__visibility__in=shelf.OUTSIDE)
    items = list(found.select_related("gallery__team", "artifact"))
    try:
        said = _approve(request, items) if approves else _reject(request, items)
    except GalleryError as error:
        return _answer(request, error=str(error), chosen=wanted, reason=request.POST.get("reason", ""), bad=request.POST.get("gallery", ""))
    return _answer(request, said=said)


def _approve(request: SignedInRequest, items: list[GalleryItem]) -> str:
    count = reviewing.approve(items, by=request.user)
    return f"{count} approved. People outside see {'it' if count == 1 else 'them'} now." if count else "Nothing was chosen."


def _reject(request: SignedInRequest, items: list[GalleryItem]) -> str:
    if not items:
        return "Nothing was chosen."
    count = reviewing.reject(items, reason=request.POST.get("reason", ""), by=request.user)
    return f"{count} rejected. Whoever added {'it' if count == 1 else 'them'} reads why."


def _answer(request: SignedInRequest, *, said: str = "", **more: Any) -> HttpResponse:
    """The queue as it is now for htmx; else back to it. With an error: the page again, with what was ticked and typed."""
    if request.htmx or more:
        template = "galleries/_review.html" if request.htmx else "galleries/review.html"
        return render(request, template, _context(request, said=said, **more), status=422 if more else 200)
    messages.success(request, said)
    return redirect(request.POST["back"] if _is_own(request.POST.get("back", "")) else "review")


def _is_own(path: str) -> bool:
    """A page of a gallery, from which a picture was decided on."""
    return path.startswith("/galleries/") and "//" not in path and "\\" not in path


@login_required
@require_POST
def report_handle(request: SignedInRequest, report_id: int) -> HttpResponse:
    """`do` is `down` (what was reported leaves the sight of people outside) or `dismiss`; `words` is what came of it."""
    team = current_team(request)
    require(request.user, team, "publish")
    report = Report.objects.filter(pk=report_id, gallery__team=team).select_related("gallery__team", "artifact").first()
    if report is None:
        raise Http404
    handle = reviewing.take_down if request.POST.get("do") == "down" else reviewing.dismiss
    try:
        handle(report, words=request.POST.get("words", ""), by=request.user)
    except GalleryError as error:
        return _answer(request, error=str(error))
    if handle is reviewing.dismiss:
        return _answer(request, said="Dismissed.")
    return _answer(request, said="It is off every page that people outside see." if report.artifact_id else "It is off the page.")
