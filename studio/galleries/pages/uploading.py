"""Bringing files into the library: one at a time for a script that shows its progress, several at once from a plain form."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.base import File
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access import current_team, require
from accounts.models import Team
from accounts.requests import SignedInRequest
from studio.galleries.taking_in import NAME_LENGTH, Taken, take_in
from studio.galleries.tiles import alt
from studio.generation import throttle
from studio.generation.errors import GenerationError, StorageFailed, StorageFull

NO_FILE = "No file came with this. Choose one."
NOT_SAVED = "This file could not be saved. Try again; if it happens again, tell your operator."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: `taken`, or the sentence that says why not, with the status that goes with it."""

    name: str
    taken: Taken | None = None
    problem: str = ""
    code: str = ""
    status: int = 201
    wait: int = 0


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def library_upload(request: SignedInRequest) -> HttpResponse:
    """The page with its form; a POST that wants JSON brings one `file` and gets what became of it, another one may bring several."""
    team = current_team(request)
    require(request.user, team, "generate")
    require(request.user, team, "edit")
    if request.method != "POST":
        return render(request, "galleries/upload.html")
    given = request.FILES.getlist("file")
    if not request.accepts("text/html"):
        return _answer(_take(request, team, given[0]) if given else Outcome("", problem=NO_FILE, code="no_file", status=422))
    outcomes = [_take(request, team, one) for one in given]
    if not outcomes or any(one.problem for one in outcomes):
        problem = "" if outcomes else NO_FILE
        return render(request, "galleries/upload.html", {"outcomes": outcomes, "problem": problem}, status=422)
    messages.success(request, _summary(outcomes))
    return redirect("library")


def _take(request: SignedInRequest, team: Team, file: File[bytes]) -> Outcome:
    name = str(file.name or "")[:NAME_LENGTH]
    if wait := throttle.seconds_to_wait("library_upload", request.user.pk):
        return Outcome(name, problem=f"That was a lot at once. Try again in {wait} s.", code="too_fast", status=429, wait=wait)
    try:
        taken = take_in(file.read(), name=name, team=team, user=request.user)
    except GenerationError as error:
        return Outcome(name, problem=error.message, code=error.code, status=_status(error))
    except OSError:
        return Outcome(name, problem=NOT_SAVED, code="storage_failed", status=507)
    return Outcome(name, taken, status=201 if taken.is_new else 200)


def _status(error: GenerationError) -> int:
    return 507 if isinstance(error, StorageFull) else 503 if isinstance(error, StorageFailed) else 422


def _answer(outcome: Outcome) -> JsonResponse:
    """`{id, url, thumb, alt, is_new, said}` or `{error, code}`."""
    if outcome.taken is None:
        headers = {"Retry-After": str(outcome.wait)} if outcome.wait else {}
        return JsonResponse({"error": outcome.problem, "code": outcome.code}, status=outcome.status, headers=headers)
    artifact = outcome.taken.artifact
    address = reverse("picture", args=[artifact.pk])
    shown = {"url": address, "thumb": reverse("picture_file", args=[artifact.pk, "thumb"]), "alt": alt(artifact)}
    return JsonResponse({"id": str(artifact.pk), **shown, **_told(outcome.taken)}, status=outcome.status)


def _told(taken: Taken) -> dict[str, object]:
    if not taken.is_new:
        return {"is_new": False, "said": "Is in the library already."}
    tool = taken.artifact.info["source"].get("tool")
    return {"is_new": True, "said": f"Uploaded, with the settings that {tool} wrote." if tool else "Uploaded."}


def _summary(outcomes: list[Outcome]) -> str:
    new = sum(1 for one in outcomes if one.taken and one.taken.is_new)
    old = len(outcomes) - new
    said = [f"{new} file{'' if new == 1 else 's'} uploaded."] if new else []
    return " ".join(said + ([f"{old} {'was' if old == 1 else 'were'} in the library already."] if old else []))
