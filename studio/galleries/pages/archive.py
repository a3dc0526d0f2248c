"""Downloads of many pictures."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable, Iterator

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import current_team, require
from accounts.models import User
from accounts.requests import SignedInRequest
from studio.galleries import archive
from studio.galleries.zips import File, zipped
from studio.generation.models import Artifact


@login_required
@require_POST
async def pictures_zip(request: SignedInRequest) -> HttpResponseBase:
    """The pictures named by `ids` (fields, or with commas between them) as one zip; of the team that the person works in."""
    try:
        ids = list(dict.fromkeys(uuid.UUID(one) for text in request.POST.getlist("ids") for one in text.split(",") if one))
    except ValueError:
        ids = []
    if not ids or len(ids) > archive.MOST:
        message = f"Choose between one and {archive.MOST:,} pictures to download."
        return await sync_to_async(_refused)(request, message)
    found = await sync_to_async(_theirs)(request, await request.auser(), ids)  # type: ignore[arg-type]
    if not found:
        return await sync_to_async(_refused)(request, "None of these pictures is there any more.")
    return streamed(archive.contents(found), f"atelier-{timezone.localdate():%Y-%m-%d}.zip")


def _refused(request: SignedInRequest, message: str) -> HttpResponse:
    return render(request, "400.html", {"message": message}, status=422)


def _theirs(request: SignedInRequest, user: User, ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """Those of the ids that the team has and that are not in the trash, in their order."""
    team = current_team(request)
    require(user, team, "see")
    there = set(Artifact.objects.of_team(team).visible().filter(pk__in=ids).values_list("pk", flat=True))
    return [one for one in ids if one in there]


def streamed(files: Iterable[File], name: str) -> StreamingHttpResponse:
    """A zip that is made while it is sent, a piece at a time, in the request's own thread; nothing is kept when the browser goes away."""
    response = StreamingHttpResponse(_pieces(zipped(files)), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _pieces(made: Iterator[bytes]) -> AsyncIterator[bytes]:
    step = sync_to_async(lambda: next(made, None))
    while (piece := await step()) is not None:
        if piece:
            yield piece
