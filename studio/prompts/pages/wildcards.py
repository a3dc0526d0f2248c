"""The lists of words of a team, and those that ship: everybody in the team reads them, whoever makes pictures writes."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import allows, current_team, require
from accounts.models import Team
from accounts.requests import SignedInRequest
from studio.prompts.access import wildcard_for
from studio.prompts.errors import Unfit
from studio.prompts.models import Wildcard
from studio.prompts.services.wildcards import MOST, change_list, delete_list, make_list
from studio.prompts.wildcard_forms import ListForm
from studio.prompts.wildcards import WordList, lists, missing, shipped, word_list, word_lists


@login_required
@require_safe
@never_cache
def wildcards(request: SignedInRequest) -> HttpResponse:
    team = current_team(request)
    require(request.user, team, "see")
    found = word_lists(team)
    own = [one for one in found if one.own]
    context = {
        "own": own,
        "shipped": [one for one in found if not one.own],
        "may_edit": allows(request.user, team, "generate"),
        "is_full": len(own) >= MOST,
        "most": MOST,
    }
    return render(request, "prompts/wildcards.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def wildcard_new(request: SignedInRequest) -> HttpResponse:
    """Empty, or with the lines of one that ships (`?from=colour`), to be made one's own."""
    team = current_team(request)
    require(request.user, team, "generate")
    if request.method == "POST":
        return _kept(request, team, ListForm(request.POST, request.FILES))
    origin = request.GET.get("from", "")
    start = {"name": origin, "lines": shipped()[origin]} if origin in shipped() else {}
    return _form(request, team, ListForm(initial=start))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def wildcard(request: SignedInRequest, name: str) -> HttpResponse:
    """A list: to be read by everybody; the team's own is changed here by whoever makes pictures."""
    team = current_team(request)
    if request.method == "POST":
        own = wildcard_for(request.user, team, name, "generate")
        return _kept(request, team, ListForm(request.POST, request.FILES), WordList(own.name, own.lines, own, hides=name in shipped()))
    require(request.user, team, "see")
    shown = word_list(team, name)
    if shown is None:
        raise Http404
    if shown.own and allows(request.user, team, "generate"):
        return _form(request, team, ListForm(initial={"name": shown.name, "lines": shown.text}), shown)
    return render(request, "prompts/wildcard.html", {"shown": shown, "may_edit": allows(request.user, team, "generate")})


@login_required
@require_POST
def wildcard_delete(request: SignedInRequest, name: str) -> HttpResponse:
    own = wildcard_for(request.user, current_team(request), name, "generate")
    if delete_list(own, by=request.user):
        back = " The studio’s own list of this name is used again." if name in shipped() else ""
        messages.success(request, f"The list __{name}__ is gone.{back}")
    return redirect("wildcards")


def _kept(request: SignedInRequest, team: Team, form: ListForm, shown: WordList | None = None) -> HttpResponse:
    if not form.is_valid():
        return _form(request, team, form, shown)
    name, text = form.cleaned_data["name"], form.cleaned_data["lines"]
    try:
        if shown and shown.own:
            kept = change_list(shown.own, name=name, text=text, by=request.user)
        else:
            kept = make_list(team, name=name, text=text, by=request.user)
    except Unfit as error:
        for field, problem in error.by_field:
            form.add_error(field, problem)
        return _form(request, team, form, shown)
    messages.success(request, _said(team, kept))
    return redirect("wildcards")


def _said(team: Team, kept: Wildcard) -> str:
    """What was saved, and what it draws from that is not there (yet)."""
    there = lists(team)
    count = len(there[kept.name])
    absent = ", ".join(f"__{one}__" for one in missing(kept.lines, there))
    gap = f" There is no list {absent} yet: until there is, a prompt that draws it is refused." if absent else ""
    return f"__{kept.name}__ is saved, with {count:,} line{'' if count == 1 else 's'}.{gap}"


def _form(request: SignedInRequest, team: Team, form: ListForm, shown: WordList | None = None) -> HttpResponse:
    context = {"form": form, "shown": shown, "shipped": sorted(shipped())}
    return render(request, "prompts/wildcard_form.html", context, status=422 if form.errors else 200)
