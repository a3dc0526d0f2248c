"""Programs to copy: what for, and in which language, are words of the address."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import keys
from accounts.access import current_team, require
from accounts.requests import SignedInRequest
from studio.developers import access, programs, standing


@require_safe
@login_required
@never_cache
def examples(request: SignedInRequest) -> HttpResponse:
    """`?task=`, `?in=` a language, and `?key=` the public part of the key that is filled in; the newest of the person's at first."""
    team = current_team(request)
    require(request.user, team, "see")
    mine = [key for key in access.keys_of(request.user, team) if key.user_id == request.user.pk and standing.of_key(key).works]
    key = next((one for one in mine if one.public_id == request.GET.get("key")), mine[0] if mine else None)
    task = request.GET.get("task", "") if request.GET.get("task") in programs.TASKS else "picture"
    chosen = programs.TASKS[task]
    language = request.GET.get("in", "") if request.GET.get("in") in chosen.languages else chosen.languages[0]
    public_id = key.public_id if key else ""
    context = {
        "keys": mine,
        "key": key,
        "task": chosen,
        "example": programs.example(request, task, language, key),
        "tasks": [(_query(name, language, public_id), one.label, name == task) for name, one in programs.TASKS.items()],
        "languages": [(_query(task, one, public_id), programs.LANGUAGES[one].label, one == language) for one in chosen.languages],
        "words": {"task": task, "in": language},
        "missing": [scope.label for scope in keys.SCOPES if key and scope.name in chosen.scopes and scope.name not in key.scopes],
        "host": programs.host(request),
        "organization": keys.organization_id(team),
        "is_webhook": task == "webhook",
    }
    return render(request, "developers/examples.html", context)


def _query(task: str, language: str, key: str) -> str:
    return "?" + urlencode({"task": task, "in": language, **({"key": key} if key else {})})
