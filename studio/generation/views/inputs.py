"""Files that people give: upload, look at, read the settings of."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from accounts.access import require
from accounts.requests import SignedInRequest
from studio.generation import files, metadata, throttle
from studio.generation.access import input_for
from studio.generation.errors import GenerationError, StorageFull
from studio.generation.models import InputFile
from studio.generation.uploads import clean_file


def refusal(error: GenerationError) -> JsonResponse:
    return JsonResponse({"error": error.message, "code": error.code}, status=507 if isinstance(error, StorageFull) else 422)


def too_fast(seconds: int) -> JsonResponse:
    message = f"That was a lot at once. Try again in {seconds} s."
    return JsonResponse({"error": message, "code": "too_fast"}, status=429, headers={"Retry-After": str(seconds)})


@login_required
@require_POST
def input_upload(request: SignedInRequest) -> HttpResponse:
    """Take one picture, mask or sound (`kind` says for what); answers `{id, url, mime, width, height, seconds}` or `{error, code}`."""
    require(request.user, request.team, "generate")
    if wait := throttle.seconds_to_wait("upload", request.user.pk):
        return too_fast(wait)
    upload = request.FILES.get("file")
    if upload is None:
        return JsonResponse({"error": "No file came with this. Choose one.", "code": "no_file"}, status=422)
    try:
        clean = clean_file(upload, size=upload.size or 0, kind=request.POST.get("kind", ""))
        row = files.save_input(clean, team=request.team, user=request.user)
    except GenerationError as error:
        return refusal(error)
    return JsonResponse(described(row), status=201)


def described(row: InputFile) -> dict[str, Any]:
    url = reverse("input_file", args=[row.pk])
    return {"id": str(row.pk), "url": url, "mime": row.mime, "width": row.width, "height": row.height, "seconds": row.seconds}


@login_required
@require_POST
def input_read(request: SignedInRequest) -> HttpResponse:
    """Read the settings in a dropped picture; answers the address of Create with them filled in."""
    if wait := throttle.seconds_to_wait("upload", request.user.pk):
        return too_fast(wait)
    upload = request.FILES.get("file")
    if upload is None:
        return JsonResponse({"error": "No file came with this. Choose a picture.", "code": "no_file"}, status=422)
    try:
        settings = metadata.read(upload)
    except GenerationError as error:
        return refusal(error)
    if settings.get("width") and settings.get("height"):
        settings["size"] = f"{settings['width']}x{settings['height']}"
    values = {name: value for name, value in settings.items() if value not in (None, "")}
    return JsonResponse({"url": f"{reverse('create')}?{urlencode(values)}", "settings": values})


@login_required
@require_GET
@cache_control(private=True, max_age=86400, immutable=True)
def input_file(request: SignedInRequest, input_id: uuid.UUID) -> HttpResponse:
    row = input_for(request.user, input_id)
    try:
        data = files.read(row.file)
    except OSError as error:
        raise Http404 from error
    return HttpResponse(data, content_type=row.mime)
