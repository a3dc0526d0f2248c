"""The page on which a team's admins say which words prompts may have."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import current_team, require
from accounts.requests import SignedInRequest
from studio.moderation import words
from studio.moderation.forms import SampleForm, WordsForm
from studio.moderation.models import WordList


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def team_words(request: SignedInRequest) -> HttpResponse:
    """The lists of the team; `?sample=` tries a prompt on them as they stand."""
    team = current_team(request)
    require(request.user, team, "administer")
    own = WordList.objects.filter(team=team).select_related("changed_by").first()
    form = WordsForm(request.POST or None, initial={"blocked": own.blocked, "allowed": own.allowed} if own else {})
    if request.method == "POST" and form.is_valid():
        words.change_words(team, **form.cleaned_data, by=request.user)
        messages.success(request, "Saved. It holds for what is asked for from now on.")
        return redirect("team_words")
    trial = SampleForm(request.GET if "sample" in request.GET else None)
    found = words.refused_words(team, {"sample": trial.cleaned_data["sample"]}) if trial.is_valid() else {}
    context = {
        "form": form,
        "trial": trial,
        "found": found.get("sample", []),
        "own": own,
        "is_on": settings.WORD_FILTER,
        "shipped": len(words.studio_words()),
    }
    return render(request, "moderation/words.html", context, status=422 if form.errors else 200)
