"""The trash of a team: what is in it, and its end."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import allows, current_team, require
from accounts.requests import SignedInRequest
from studio.galleries import trashing
from studio.galleries.criteria import Criteria
from studio.galleries.tiles import tiles
from studio.galleries.wording import counted


@login_required
@require_safe
@never_cache
def trash(request: SignedInRequest) -> HttpResponse:
    """What lies in the trash, what came last first; for those who may take it out again."""
    team = current_team(request)
    require(request.user, team, "edit")
    before = request.GET.get("before", "")
    pictures, older = trashing.lying_in(team, int(before) if before.isdecimal() and len(before) < 18 else None)
    rows = [
        {"tile": tile, "picture": picture, "by": picture.trashing.user, "gone_on": trashing.gone_on(picture)}
        for tile, picture in zip(tiles(pictures, Criteria()), pictures, strict=True)
    ]
    context = {
        "rows": rows,
        "older": older,
        "is_first": not before,
        "days": settings.TRASH_DAYS,
        "can_administer": allows(request.user, team, "administer"),
    }
    return render(request, "galleries/trash.html", context)


@login_required
@require_POST
def trash_empty(request: SignedInRequest) -> HttpResponse:
    """Everything in it goes for good."""
    team = current_team(request)
    require(request.user, team, "administer")
    emptied = trashing.empty(team, by=request.user)
    messages.success(request, f"{counted(emptied)} deleted for good." if emptied else "The trash was empty already.")
    return redirect("trash")
