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
from studio.generation.errors import GenerationError, StorageFailed, StorageFull
from studio.generation.models import InputFile
from studio.generation.uploads import clean_file

LONGEST_ADDRESS = 12_000
"""Characters of a query that any server in front of us lets through."""


def refusal(error: GenerationError) -> JsonResponse:
    return JsonResponse({"error": error.message, "code": error.code}, status=status_of(error))


def status_of(error: GenerationError) -> int:
    """422 for what was given, 507 and 503 for what the studio's storage does not do."""
    return 507 if isinstance(error, StorageFull) else 503 if isinstance(error, StorageFailed) else 422


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
    """Read the settings in a dropped picture; answers the address of Create with them filled in, and in a sentence what was found."""
    if wait := throttle.seconds_to_wait("upload", request.user.pk):
        return too_fast(wait)
    upload = request.FILES.get("file")
    if upload is None:
        return JsonResponse({"error": "No file came with this. Choose a picture.", "code": "no_file"}, status=422)
    try:
        record = metadata.record_of(upload)
    except GenerationError as error:
        return refusal(error)
    settings = dict(record.settings)
    if settings.get("width") and settings.get("height"):
        settings["size"] = f"{settings['width']}x{settings['height']}"
    values = {name: value for name, value in settings.items() if value not in (None, "")}
    query, is_cut = _address(values)
    said = f"{record.sentence} Its prompt is too long for the panel, and was cut." if is_cut else record.sentence
    return JsonResponse({"url": f"{reverse('create')}?{query}", "settings": values, "tool": record.tool, "said": said})


def _address(values: dict[str, Any]) -> tuple[str, bool]:
    """A query with the values, and whether texts had to be cut for it: servers refuse longer addresses."""
    query, share = urlencode(values), 2_000
    while len(query) > LONGEST_ADDRESS and share:
        query = urlencode({name: value[:share] if isinstance(value, str) else value for name, value in values.items()})
        share //= 2
    return query, query != urlencode(values)


@login_required
@require_GET
@cache_control(private=True, max_age=86400, immutable=True)
def input_file(request: SignedInRequest, input_id: uuid.UUID) -> HttpResponse:
    row = input_for(request.user, input_id)
    try:
        data = files.read(row.file)
    except FileNotFoundError:
        raise Http404 from None
    return HttpResponse(data, content_type=row.mime)
