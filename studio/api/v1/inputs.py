"""Files that work starts from."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpResponse
from ninja import Router
from ninja.files import UploadedFile
from ninja.params.functions import File, Form

from studio.api.auth import Key, ProgramRequest
from studio.api.problems import statuses
from studio.api.v1.answers import answer
from studio.api.v1.schemas import InputOut
from studio.generation import files
from studio.generation.models import InputFile
from studio.generation.uploads import clean_file

router = Router()


@router.post("/inputs", auth=Key("generate"), response={201: InputOut, **statuses()})
def upload_input(
    request: ProgramRequest,
    file: Annotated[UploadedFile, File(description="A picture (PNG, JPEG, WebP), a mask (white is what changes) or a sound (MP3, WAV).")],
    kind: Annotated[str, Form(max_length=10, description="`audio` for a sound: then anything else is refused at once.")] = "",
) -> HttpResponse:
    """Upload a file, and get the id that `inputs` of a job take. It is kept without EXIF and other data about whoever made it.

    The same file twice is kept once, and gives the same id.
    """
    clean = clean_file(file, size=file.size or 0, kind=kind)  # type: ignore[arg-type]
    row = files.save_input(clean, team=request.caller.team, user=request.caller.user)
    return answer(input_facts(row), 201)


@router.get("/inputs/{uuid:input_id}", auth=Key("generate"), response={200: InputOut, **statuses()})
def show_input(request: ProgramRequest, input_id: UUID) -> HttpResponse:
    """A file that the key's person uploaded, as it is kept."""
    row = InputFile.objects.filter(team=request.caller.team, user=request.caller.user, pk=input_id).first()
    if row is None:
        raise Http404
    return answer(input_facts(row))


def input_facts(row: InputFile) -> dict[str, Any]:
    same = {name: getattr(row, name) for name in ("mime", "width", "height", "seconds")}
    return {"id": str(row.pk), "object": "input", **same}
