"""The templates to pick from on Create. Their own pages are in `prompts.pages`."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from accounts.access import require
from accounts.models import Team, User
from accounts.requests import SignedInRequest
from studio.generation.models import Job
from studio.prompts import tidy
from studio.prompts.models import PromptTemplate
from studio.prompts.querysets import PromptTemplateQuerySet

SHOWN = 60
RECENT = 6
LOOKED_AT = 200
"""The person's newest presses with a template that are looked through for the recent ones."""


@login_required
@require_GET
def create_templates(request: SignedInRequest) -> HttpResponse:
    """In a dialog: the person's favourites and recent ones, and all of the team; or what has the words of `q`. Five queries at most."""
    require(request.user, request.team, "generate")
    if not request.htmx:
        return redirect("templates")
    text = tidy.line(request.GET.get("q", ""))[:200]
    usable = PromptTemplate.objects.of_team(request.team).visible_to(request.user).usable().marked_for(request.user)
    found = list(usable.search(text).select_related("published").order_by(F("is_favorite").desc(), "-changed_at", "-id")[: SHOWN + 1])
    favorites = [] if text else [one for one in found[:SHOWN] if one.is_favorite]  # type: ignore[attr-defined]  # of `marked_for`
    recent = [] if text else _recent(request.user, request.team, usable)
    context = {
        "text": text,
        "recent": recent,
        "favorites": favorites,
        "others": [one for one in found[:SHOWN] if one not in favorites],
        "has_more": len(found) > SHOWN,
    }
    return render(request, "generation/_template_picker.html", context)


def _recent(user: User, team: Team, usable: PromptTemplateQuerySet) -> list[PromptTemplate]:
    """Those of them that this person used last, however far back in the list they stand."""
    jobs = Job.objects.of_team(team).filter(user=user, template_version__isnull=False).order_by("-id")
    used = dict.fromkeys(jobs.values_list("template_version__template", flat=True)[:LOOKED_AT])
    by_id = usable.in_bulk(used)
    return [by_id[key] for key in used if key in by_id][:RECENT]
