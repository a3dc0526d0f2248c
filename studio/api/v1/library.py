"""The library by program: search, look, download, upload, tag, delete and bring back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from asgiref.sync import async_to_sync
from django.http import Http404, HttpRequest, HttpResponseBase
from ninja import Field, Form, Query, Router, Schema, Status
from ninja.files import UploadedFile
from ninja.params import functions as params

from accounts.access import require
from accounts.keys import Caller
from studio.api.auth import Key, ProgramRequest
from studio.api.errors import FieldsRefused, NotPossible, TooMany
from studio.api.problems import statuses
from studio.api.v1 import paging
from studio.api.v1.asked import Asked
from studio.api.v1.paging import NEXT, Day, Paged
from studio.api.v1.things import ITEM, Item, base_of, in_full, item_facts
from studio.backends.base import Mode
from studio.galleries import bulk, files, sorting, trashing
from studio.galleries import library as shelves
from studio.galleries.access import picture_for
from studio.galleries.criteria import KINDS, MAX_TEXT, SHAPES, SORTS, UPLOADED, Criteria, Place, Span
from studio.galleries.taking_in import take_in
from studio.generation import throttle
from studio.generation.models import Artifact

router = Router()

READS, WRITES = Key("library:read"), Key("library:write")

MANY = f"Up to {bulk.MOST} ids; one that is not there refuses all of them."


class Search(Paged):
    """What of the library is wanted; the same words as in the address of the library's page."""

    q: str = Field(
        "", max_length=MAX_TEXT, description="Words that prompts or tags must all have; beginnings are enough.", examples=["red sail"]
    )
    kind: Literal["", *KINDS] = Field("", description="Only pictures, 3D models or sounds.", examples=["picture"])  # type: ignore[valid-type]
    engine: str = Field("", max_length=80, description="The id of the engine that made it.", examples=["storybook"])
    mode: Literal["", UPLOADED, *(one.value for one in Mode)] = Field(  # type: ignore[valid-type]
        "", description="What was done, or `uploaded` for what was brought from outside.", examples=["text-to-image"]
    )
    by: str = Field("", pattern=r"^[0-9]{0,18}$", description="The id of the person who made or uploaded it.", examples=["7"])
    since: Day | None = Field(None, alias="from", description="The first day, in the studio's time zone.", examples=["2026-11-01"])
    until: Day | None = Field(None, alias="to", description="The last day.", examples=["2026-11-27"])
    tag: str = Field("", max_length=sorting.MAX_NAME, description="A tag of the team.", examples=["boats"])
    gallery: uuid.UUID | None = Field(None, description="Only what is in this gallery.", examples=["0193f5c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a"])
    size: str = Field(
        "", pattern=r"^([1-9][0-9]{0,5}x[1-9][0-9]{0,5})?$", description="Width and height in pixels.", examples=["1024x1024"]
    )
    shape: Literal["", *SHAPES] = Field("", description="Which way a picture is longer.", examples=["landscape"])  # type: ignore[valid-type]
    seed: int | None = Field(None, ge=0, lt=1 << 63, description="The seed that it was made with.", examples=[1234])
    key: str = Field(
        "",
        pattern=r"^([0-9A-Za-z]{8})?$",
        description="The id of the API key that it was made or uploaded with.",
        examples=["h4rb0ur1"],
    )
    rating: int = Field(0, ge=0, le=5, description="Stars at least, as the key's person gave them.", examples=[4])
    favourite: bool = Field(False, description="Only favourites of the key's person.", examples=[True])
    sort: Literal["", *SORTS] = Field("", description="`newest` first where nothing is said.", examples=["oldest"])  # type: ignore[valid-type]

    def criteria(self) -> Criteria:
        """Raises `FieldsRefused` for days that make no sense."""
        if self.since and self.until and self.since > self.until:
            said = "“from” is after “to”. Swap them."
            raise FieldsRefused(said, {"from": said})
        given = self.dict(by_alias=True, exclude={"limit", "cursor"}, exclude_defaults=True)
        words = {name: "1" if value is True else str(value) for name, value in given.items()}
        return Criteria.from_query(words)


class Items(Schema):
    items: list[Item] = Field(description="What was found, in the order asked for.")
    next: str | None = Field(description=NEXT, examples=[paging.EXAMPLE])


class How(Asked):
    download: bool = Field(False, description="Answer with a name to save it under, made of the prompt.", examples=[True])
    strip: bool = Field(False, description="The original without a word in it: no prompt, no settings, no place.", examples=[True])


class Given(Asked):
    tags: list[str] = Field([], description="Tags to give it. Repeat the field for several.", examples=[["boats"]])


class Uploaded(Schema):
    item: Item = Field(description="The thing in the library.")
    is_new: bool = Field(description="False when the team had the very same file already: this is it.", examples=[True])


class Beginning(Asked):
    starting_with: str = Field("", max_length=sorting.MAX_NAME, description="How the names begin.", examples=["bo"])


class TagCount(Schema):
    name: str = Field(description="As the team writes it.", examples=["boats"])
    count: int = Field(description="How many things in the library have it.", examples=[12])


class Tags(Schema):
    items: list[TagCount] = Field(description="The most used first.")


class Retag(Asked):
    """Tags are given first by name; one that is not there yet is made."""

    add: list[str] = Field([], max_length=sorting.MAX_TAGS, description="Tags to give.", examples=[["boats", "approved"]])
    remove: list[str] = Field([], max_length=sorting.MAX_AT_ONCE, description="Tags to take away.", examples=[["draft"]])


class Ids(Asked):
    ids: list[uuid.UUID] = Field(min_length=1, max_length=bulk.MOST, description=MANY, examples=[[ITEM]])


class RetagMany(Retag):
    ids: list[uuid.UUID] = Field(min_length=1, max_length=bulk.MOST, description=MANY, examples=[[ITEM]])


class Done(Schema):
    message: str = Field(description="What was done, in a sentence.", examples=["1 picture deleted."])
    ids: list[uuid.UUID] = Field(description="What it was about.", examples=[[ITEM]])


# --- reaching --------------------------------------------------------------------------------------------------------


def item_of(caller: Caller, item_id: uuid.UUID, right: Any = "see") -> Artifact:
    """A thing of the team that the key works in. Raises Http404 for one of any other team, also where the key's person is in it."""
    artifact = picture_for(caller.user, item_id, right)
    if artifact.team_id != caller.team.pk:
        raise Http404
    return artifact


def require_own(caller: Caller, ids: Sequence[uuid.UUID]) -> None:
    """Raises Http404 where one of these is not of the team that the key works in."""
    wanted = set(ids)
    if Artifact.objects.of_team(caller.team).filter(pk__in=wanted).count() < len(wanted):
        raise Http404


def _told(request: HttpRequest, artifact: Artifact) -> dict[str, Any]:
    found = in_full([artifact])
    if not found:
        raise Http404
    return item_facts(found[0], base_of(request))


# --- reads -----------------------------------------------------------------------------------------------------------


@router.get("/library", auth=READS, response={200: Items, **statuses()}, summary="Search the library")
def library_search(request: ProgramRequest, search: Query[Search]) -> dict[str, Any]:
    """What the team made and uploaded, without its trash, page by page. All words of the search must fit.

    A preview in whose place there is a final is left out, as it is on the library's page.
    """
    caller, criteria = request.caller, search.criteria()
    place = paging.opened(search.cursor, _place)
    found = shelves.stretch(caller.team, criteria, Span(below=place), search.limit + 1, viewer=caller.user)
    full = {one.pk: one for one in in_full(found[: search.limit])}
    base = base_of(request)
    told = paging.page(
        found,
        search.limit,
        lambda one: item_facts(full[one.pk], base) if one.pk in full else None,
        lambda one: Place(one.pk, getattr(one, "rated", None)),
    )
    return {**told, "items": [one for one in told["items"] if one]}


def _place(text: str) -> Place:
    found = Place.read(text)
    if found is None:
        raise ValueError(text)
    return found


@router.get("/library/tags", auth=READS, response={200: Tags, **statuses()}, summary="List tags")
def library_tags(request: ProgramRequest, beginning: Query[Beginning]) -> dict[str, Any]:
    """The team's tags and how often each is used, the most used first; 50 at most, so say how they begin."""
    return {"items": [{"name": name, "count": count} for name, count in sorting.tags_of(request.caller.team, beginning.starting_with)]}


@router.get("/library/trash", auth=WRITES, response={200: Items, **statuses()}, summary="List the trash")
def library_trash(request: ProgramRequest, paged: Query[Paged]) -> dict[str, Any]:
    """What lies in the trash, what came last first. After some weeks it goes for good."""
    caller = request.caller
    require(caller.user, caller.team, "edit")
    rows, older = trashing.lying_in(caller.team, paging.opened(paged.cursor, paging.number), paged.limit)
    base = base_of(request)
    return {"items": [item_facts(one, base) for one in in_full(rows)], "next": paging.sealed(older) if older else None}


@router.get("/library/{uuid:item_id}", auth=READS, response={200: Item, **statuses()}, summary="Look at one thing")
def library_item(request: ProgramRequest, item_id: uuid.UUID) -> dict[str, Any]:
    """A picture, 3D model or sound, with how it was made. One in the trash is there for those who may edit."""
    return _told(request, item_of(request.caller, item_id))


_MIMES = ("image/png", "image/jpeg", "image/webp", "model/gltf-binary", "audio/mpeg", "audio/wav")
_FILE = {
    200: {"description": "The file.", "content": {mime: {"schema": {"type": "string", "format": "binary"}} for mime in _MIMES}},
    206: {"description": "The part that `Range` asked for."},
    302: {"description": "The storage itself serves it: `Location` works for a while, and without a key."},
    304: {"description": "What `If-None-Match` or `If-Modified-Since` names is still the file."},
    416: {"description": "`Range` lies outside the file."},
}


@router.get(
    "/library/{uuid:item_id}/files/{variant}",
    auth=READS,
    response={**statuses()},
    url_name="library_file",
    summary="Download a file",
    openapi_extra={"responses": _FILE},
)
def library_file(
    request: ProgramRequest,
    item_id: uuid.UUID,
    variant: Literal["original", "large", "thumb"],
    how: Query[How],
) -> HttpResponseBase:
    """The bytes of the original, or of a smaller WebP that stands for it.

    `Range`, `If-None-Match` and `If-Modified-Since` are understood.
    """
    artifact = item_of(request.caller, item_id)
    asked = files.wanted(artifact, variant, attachment=how.download)
    if how.strip and variant == "original":
        return async_to_sync(files.respond_bare)(asked)
    return async_to_sync(files.respond)(request, asked, may_lead_away=False)


# --- writes ----------------------------------------------------------------------------------------------------------

NOT_SAVED = "This file could not be saved. Try again; if it happens again, tell your operator."


@router.post("/library", auth=WRITES, response={200: Uploaded, 201: Uploaded, **statuses()}, summary="Upload a file")
def library_upload(
    request: ProgramRequest,
    file: Annotated[UploadedFile, params.File(..., description="PNG, JPEG, WebP, HEIC, GLB, MP3 or WAV. Its bytes say what it is.")],
    given: Form[Given],
) -> Status[dict[str, Any]]:
    """Bring a picture, 3D model or sound into the library, for nothing. 201 when it is new, 200 when the team had the very same file.

    What the file says of how it was made (prompt, seed, settings) is kept; where it was taken is not.
    """
    caller = request.caller
    require(caller.user, caller.team, "generate")
    require(caller.user, caller.team, "edit")
    for tag in given.tags:
        sorting.normalised(tag)  # before anything is kept
    if wait := throttle.seconds_to_wait("library_upload", caller.user.pk):
        raise TooMany(f"That was a lot at once. Try again in {wait} s.", retry_after=wait)
    try:
        taken = take_in(file.read(), name=str(file.name or ""), team=caller.team, user=caller.user, api_key=caller.key)
    except OSError as error:
        raise NotPossible("storage_failed", NOT_SAVED, status=507) from error
    if given.tags:
        sorting.set_tags([taken.artifact], add=given.tags, by=caller.user)
    told = {"item": _told(request, taken.artifact), "is_new": taken.is_new}
    return Status(201 if taken.is_new else 200, told)


def _all(caller: Caller, action: str, ids: Sequence[uuid.UUID], **order: Any) -> dict[str, Any]:
    require_own(caller, ids)
    done = bulk.perform(caller.user, action, bulk.Order(ids, **order))
    return {"message": done.sentence, "ids": done.ids}


@router.post("/library/tags", auth=WRITES, response={200: Done, **statuses()}, summary="Tag several")
def library_tag_several(request: ProgramRequest, body: RetagMany) -> dict[str, Any]:
    """Give and take tags of many things at once: of all of them, or of none where one is not there."""
    return _all(request.caller, "tag", body.ids, add=body.add, remove=body.remove)


@router.post("/library/trash", auth=WRITES, response={200: Done, **statuses()}, summary="Delete several")
def library_trash_several(request: ProgramRequest, body: Ids) -> dict[str, Any]:
    """Put many things into the trash at once: all of them, or none where one is not there. They can be brought back."""
    return _all(request.caller, "trash", body.ids)


@router.post("/library/restore", auth=WRITES, response={200: Done, **statuses()}, summary="Bring several back")
def library_restore_several(request: ProgramRequest, body: Ids) -> dict[str, Any]:
    """Take many things out of the trash at once, to their old places."""
    return _all(request.caller, "restore", body.ids)


@router.post("/library/{uuid:item_id}/tags", auth=WRITES, response={200: Item, **statuses()}, summary="Tag one thing")
def library_tag(request: ProgramRequest, item_id: uuid.UUID, body: Retag) -> dict[str, Any]:
    """Give and take tags. A tag that it has already, or has not, is no mistake."""
    artifact = item_of(request.caller, item_id, "edit")
    if artifact.deleted_at:
        raise NotPossible("in_trash", "It lies in the trash. Bring it back first.")
    if body.add or body.remove:
        sorting.set_tags([artifact], add=body.add, remove=body.remove, by=request.caller.user)
    return _told(request, artifact)


@router.delete("/library/{uuid:item_id}", auth=WRITES, response={200: Item, **statuses()}, summary="Delete one thing")
def library_delete(request: ProgramRequest, item_id: uuid.UUID) -> dict[str, Any]:
    """Into the trash, from where it can be brought back for some weeks. Programs delete nothing for good."""
    item_of(request.caller, item_id, "edit")
    _all(request.caller, "trash", [item_id])
    return _told(request, item_of(request.caller, item_id))


@router.post("/library/{uuid:item_id}/restore", auth=WRITES, response={200: Item, **statuses()}, summary="Bring one thing back")
def library_restore(request: ProgramRequest, item_id: uuid.UUID) -> dict[str, Any]:
    """Out of the trash, to its old place."""
    item_of(request.caller, item_id, "edit")
    _all(request.caller, "restore", [item_id])
    return _told(request, item_of(request.caller, item_id))
