"""From the library: what a team made, to be chosen as a file to start from."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.access import require
from accounts.requests import SignedInRequest
from studio.backends import registry
from studio.galleries.criteria import Criteria, Place, Span
from studio.galleries.library import stretch

PAGE = 60


@login_required
@require_GET
def input_choose(request: SignedInRequest) -> HttpResponse:
    """The newest of the team that fit into a slot and have the words of `q`, older ones by `before`; in a dialog, or as a page."""
    require(request.user, request.team, "generate")
    query = request.GET.dict()
    is_sound = _wants_sound(query)
    criteria = Criteria.from_query({"q": query.get("q", ""), "kind": "sound" if is_sound else "picture"})
    shown = stretch(request.team, criteria, Span(below=Place.read(query.get("before", ""))), PAGE + 1)
    context = {
        "artifacts": shown[:PAGE],
        "older": shown[PAGE - 1].pk if len(shown) > PAGE else None,
        "is_sound": is_sound,
        "text": criteria.text,
        "slot": {name: query.get(name, "") for name in ("slot", "engine", "mode")},
    }
    return render(request, "galleries/_choose.html" if request.htmx else "galleries/choose.html", context)


def _wants_sound(query: dict[str, str]) -> bool:
    try:
        engine = registry.engine(query.get("engine", ""))
    except registry.UnknownEngine:
        return False
    kind = next((one.kind for one in engine.inputs if one.name == query.get("slot")), None)
    return kind == "audio" if kind else query.get("slot") == "audio"
