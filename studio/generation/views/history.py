"""What somebody wrote before, to write on from it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import require
from accounts.models import Team, User
from accounts.requests import SignedInRequest
from studio.generation.models import Job
from studio.prompts import tidy

LOOKED_AT = 400
"""The newest presses that are looked through."""
SHOWN = 60
MAX_WORDS = 8
"""Words of a search that count."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A prompt as it was typed, and the newest job that was asked for with it."""

    job: uuid.UUID
    prompt: str
    negative: str


@login_required
@require_GET
def prompt_history(request: SignedInRequest) -> HttpResponse:
    """The person's own prompts in this team, the newest first, each once; those that have all words of `q`."""
    require(request.user, request.team, "generate")
    text = tidy.line(request.GET.get("q", ""))[:200]
    context = {"prompts": typed_before(request.user, request.team, text), "text": text}
    return render(request, "generation/_history.html" if request.htmx else "generation/history.html", context)


def typed_before(user: User, team: Team, text: str = "") -> list[Typed]:
    """One query."""
    jobs = Job.objects.of_team(team).typed_by(user)
    for word in text.split()[:MAX_WORDS]:
        jobs = jobs.filter(Q(prompt__icontains=word) | Q(written__prompt__icontains=word))
    rows = jobs.values_list("pk", "written", "request__prompt", "request__negative_prompt")[:LOOKED_AT]
    found: dict[tuple[str, str], Typed] = {}
    for key, written, prompt, negative in rows:
        as_typed = (written["prompt"], written.get("negative_prompt", "")) if written else (prompt or "", negative or "")
        if as_typed[0] and as_typed not in found:
            found[as_typed] = Typed(key, *as_typed)
    return list(found.values())[:SHOWN]
