"""From the library: what a team made, taken as a file to start from. Where it is chosen is `galleries.pages.choosing`."""

from __future__ import annotations

import io
import uuid
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import require
from accounts.requests import SignedInRequest
from studio.generation import files, throttle
from studio.generation.access import artifact_for
from studio.generation.errors import GenerationError
from studio.generation.models import InputFile
from studio.generation.uploads import clean_file
from studio.generation.views.inputs import described, refusal, too_fast


@login_required
@require_POST
def input_from_library(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """Take a picture or sound of the library as an input; answers as an upload does or, without JavaScript, leads back to Create."""
    require(request.user, request.team, "generate")
    artifact = artifact_for(request.user, artifact_id)
    row = InputFile.objects.filter(artifact=artifact).first()
    if row is None and (wait := throttle.seconds_to_wait("upload", request.user.pk)):
        return too_fast(wait)
    try:
        if row is None:
            data = files.read(artifact.variant("original"))
            clean = clean_file(io.BytesIO(data), size=len(data))
            row = files.save_input(clean, team=artifact.team, user=request.user, artifact=artifact)
    except GenerationError as error:
        return refusal(error)
    except FileNotFoundError:
        return refusal(GenerationError("The file of that one is gone. Choose another."))
    if request.accepts("text/html"):
        kept = {name: value for name, value in request.POST.items() if name in ("engine", "mode")}
        return redirect(f"{reverse('create')}?{urlencode({**kept, request.POST.get('slot', 'image'): row.pk})}")
    return JsonResponse(described(row), status=201)
