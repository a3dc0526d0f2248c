"""Galleries by program: list, make, fill, empty and put away. Showing one to the world stays with people."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from django.db.models import Q
from django.http import Http404
from ninja import Field, Query, Router, Schema, Status

from accounts.access import Right, require
from accounts.keys import Caller
from accounts.names import tidy
from studio.api.auth import ProgramRequest
from studio.api.errors import FieldsRefused
from studio.api.problems import statuses
from studio.api.v1 import paging
from studio.api.v1.asked import Asked
from studio.api.v1.library import READS, WRITES, Ids, require_own
from studio.api.v1.paging import NEXT, Paged
from studio.api.v1.things import ITEM, Item, Person, base_of, in_full, item_facts, person_facts
from studio.galleries import curating, shelf
from studio.galleries.bulk import LONGEST_NAME
from studio.galleries.models import Gallery, GalleryItem, Visibility
from studio.generation.access import artifacts_for

router = Router()

GALLERY = "0193f5c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a"
LONGEST_TEXT = 4000
"""Characters of what is said of a gallery."""


class GalleryOut(Schema):
    """A set of things in an order that somebody gave them."""

    id: uuid.UUID = Field(description="Stays the same for good.", examples=[GALLERY])
    object: Literal["gallery"] = Field(description="What kind of object this is.", examples=["gallery"])
    name: str = Field(description="What it is called.", examples=["Spring campaign"])
    description: str = Field(description="What is said of it.", examples=["Everything that the client has seen."])
    visibility: Literal["private", "team", "link", "public"] = Field(
        description="Who sees it: its owner, the team, whoever has a link, or everybody.", examples=["team"]
    )
    size: int = Field(description="How many things are in it.", examples=[24])
    cover: uuid.UUID | None = Field(description="The thing that stands for it; null: its first one.", examples=[ITEM])
    owner: Person | None = Field(description="Who made it; null once they have left.")
    created_at: datetime = Field(description="When it was made.", examples=["2026-11-20T10:00:00Z"])
    updated_at: datetime = Field(description="When it was changed last.", examples=["2026-11-27T09:30:00Z"])
    deleted_at: datetime | None = Field(description="Since when it is deleted; null while it is not.", examples=[None])


class Galleries(Schema):
    items: list[GalleryOut] = Field(description="The galleries that the key's person sees, the newest first.")
    next: str | None = Field(description=NEXT, examples=[None])


class Placed(Schema):
    """A thing at its place in a gallery."""

    item: Item = Field(description="The thing itself.")
    added_at: datetime = Field(description="When it was put there.", examples=["2026-11-27T09:30:00Z"])
    review: Literal["waiting", "approved", "rejected"] = Field(
        description="Whether people outside may see it, where the gallery is shown to them.", examples=["waiting"]
    )


class Places(Schema):
    items: list[Placed] = Field(description="In the order of the gallery.")
    next: str | None = Field(description=NEXT, examples=[paging.EXAMPLE])


class GalleryIn(Asked):
    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="What it is called.", examples=["Spring campaign"])
    description: str = Field(
        "", max_length=LONGEST_TEXT, description="What is said of it.", examples=["Everything that the client has seen."]
    )
    visibility: Literal["private", "team"] = Field(
        "team", description="Whether the team sees it or its owner alone. Links and the public are for people to open.", examples=["team"]
    )


class GalleryChange(Asked):
    """What is left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=LONGEST_NAME, description="A new name.", examples=["Summer campaign"])
    description: str | None = Field(None, max_length=LONGEST_TEXT, description="What is said of it from now on.", examples=["For print."])


class Counted(Schema):
    gallery: GalleryOut = Field(description="The gallery as it is now.")
    changed: int = Field(description="How many things were put in or taken out now.", examples=[1])


def gallery_of(caller: Caller, gallery_id: uuid.UUID, right: Right = "see", *, deleted: bool = False) -> Gallery:
    """A gallery of the team that the key works in, which its person sees. Raises Http404."""
    gallery = shelf.gallery_for(caller.user, gallery_id, right, in_trash=deleted)
    if gallery.team_id != caller.team.pk:
        raise Http404
    return gallery


def gallery_facts(gallery: Gallery, size: int | None = None) -> dict[str, Any]:
    return {
        "id": gallery.pk,
        "object": "gallery",
        "name": gallery.name,
        "description": gallery.description,
        "visibility": gallery.visibility,
        "size": shelf.items_of(gallery).count() if size is None else size,
        "cover": gallery.cover_id,
        "owner": person_facts(gallery.owner),
        "created_at": gallery.created_at,
        "updated_at": gallery.updated_at,
        "deleted_at": gallery.deleted_at,
    }


def _fresh(gallery: Gallery) -> dict[str, Any]:
    gallery.refresh_from_db()
    return gallery_facts(gallery)


class GallerySearch(Paged):
    q: str = Field("", max_length=LONGEST_NAME, description="Only those whose name has these words in it.", examples=["spring"])


@router.get("/galleries", auth=READS, response={200: Galleries, **statuses()}, summary="List galleries")
def galleries(request: ProgramRequest, search: Query[GallerySearch]) -> dict[str, Any]:
    """The team's galleries and the private ones of the key's person, the newest first."""
    caller, before = request.caller, paging.opened(search.cursor, paging.id_of)
    found = shelf.galleries_for(caller.user, caller.team)
    if text := search.q.strip():
        found = found.filter(name__icontains=text)
    if before:
        found = found.filter(pk__lt=before)
    rows: list[Any] = list(shelf.with_faces(found.order_by("-pk"))[: search.limit + 1])
    return paging.page(rows, search.limit, lambda one: gallery_facts(one, one.size))


@router.post("/galleries", auth=WRITES, response={201: GalleryOut, **statuses()}, summary="Make a gallery")
def gallery_make(request: ProgramRequest, body: GalleryIn) -> Status[dict[str, Any]]:
    """An empty gallery that belongs to the key's person."""
    caller = request.caller
    require(caller.user, caller.team, "curate")
    name, visibility = _name(body.name), Visibility(body.visibility)
    gallery = curating.create(caller.team, by=caller.user, name=name, description=body.description.strip(), visibility=visibility)
    return Status(201, gallery_facts(gallery, 0))


def _name(text: str) -> str:
    name = tidy(text)
    if not name:
        raise FieldsRefused("Give it a name.", {"name": "Give it a name."})
    return name


@router.get("/galleries/{uuid:gallery_id}", auth=READS, response={200: GalleryOut, **statuses()}, summary="Look at a gallery")
def gallery_one(request: ProgramRequest, gallery_id: uuid.UUID) -> dict[str, Any]:
    """What it is called, who sees it, how many things are in it."""
    return gallery_facts(gallery_of(request.caller, gallery_id))


@router.patch("/galleries/{uuid:gallery_id}", auth=WRITES, response={200: GalleryOut, **statuses()}, summary="Rename a gallery")
def gallery_change(request: ProgramRequest, gallery_id: uuid.UUID, body: GalleryChange) -> dict[str, Any]:
    """Another name, other words about it."""
    gallery = gallery_of(request.caller, gallery_id, "curate")
    name = gallery.name if body.name is None else _name(body.name)
    description = gallery.description if body.description is None else body.description.strip()
    curating.describe(gallery, name=name, description=description, by=request.caller.user)
    return _fresh(gallery)


@router.delete("/galleries/{uuid:gallery_id}", auth=WRITES, response={200: GalleryOut, **statuses()}, summary="Delete a gallery")
def gallery_delete(request: ProgramRequest, gallery_id: uuid.UUID) -> dict[str, Any]:
    """Away with the gallery; what was in it stays in the library. It can be brought back for some weeks."""
    gallery = gallery_of(request.caller, gallery_id, "curate")
    curating.delete(gallery, by=request.caller.user)
    return _fresh(gallery)


@router.post(
    "/galleries/{uuid:gallery_id}/restore",
    auth=WRITES,
    response={200: GalleryOut, **statuses()},
    summary="Bring a gallery back",
)
def gallery_restore(request: ProgramRequest, gallery_id: uuid.UUID) -> dict[str, Any]:
    """As it was. One that was not deleted stays as it is."""
    gallery = gallery_of(request.caller, gallery_id, "curate", deleted=True)
    curating.restore(gallery, by=request.caller.user)
    return _fresh(gallery)


@router.get(
    "/galleries/{uuid:gallery_id}/items",
    auth=READS,
    response={200: Places, **statuses()},
    summary="List what is in a gallery",
)
def gallery_items(request: ProgramRequest, gallery_id: uuid.UUID, paged: Query[Paged]) -> dict[str, Any]:
    """In its order, without what lies in the trash."""
    gallery = gallery_of(request.caller, gallery_id)
    found = shelf.items_of(gallery).select_related("artifact")
    if after := paging.opened(paged.cursor, _position):
        position, key = after
        found = found.filter(Q(position__gt=position) | Q(position=position, pk__gt=key))
    rows: list[GalleryItem] = list(found[: paged.limit + 1])
    full = {one.pk: one for one in in_full([row.artifact for row in rows])}
    rows = [row for row in rows if row.artifact_id in full]  # somebody may empty the trash meanwhile
    base = base_of(request)
    return paging.page(
        rows,
        paged.limit,
        lambda row: {"item": item_facts(full[row.artifact_id], base), "added_at": row.added_at, "review": row.review},
        lambda row: f"{row.position}.{row.pk}",
    )


def _position(text: str) -> tuple[int, int]:
    """Raises ValueError."""
    position, _, key = text.partition(".")
    found = int(position)
    if abs(found) >= 1 << 63:
        raise ValueError(text)
    return found, paging.number(key)


def _fill(request: ProgramRequest, gallery_id: uuid.UUID, ids: list[uuid.UUID], put: Callable[..., int]) -> dict[str, Any]:
    caller = request.caller
    gallery = gallery_of(caller, gallery_id, "curate")
    require_own(caller, ids)
    changed = put(gallery, artifacts_for(caller.user, ids, "curate"), by=caller.user)
    return {"gallery": _fresh(gallery), "changed": changed}


@router.post(
    "/galleries/{uuid:gallery_id}/items",
    auth=WRITES,
    response={200: Counted, **statuses()},
    summary="Put things into a gallery",
)
def gallery_add(request: ProgramRequest, gallery_id: uuid.UUID, body: Ids) -> dict[str, Any]:
    """At its end, in the order given; what is in it already stays where it is. All of them, or none where one is not there."""
    return _fill(request, gallery_id, body.ids, curating.add)


@router.post(
    "/galleries/{uuid:gallery_id}/items/remove",
    auth=WRITES,
    response={200: Counted, **statuses()},
    summary="Take things out of a gallery",
)
def gallery_remove(request: ProgramRequest, gallery_id: uuid.UUID, body: Ids) -> dict[str, Any]:
    """They stay in the library. What is not in the gallery is no mistake."""
    return _fill(request, gallery_id, body.ids, curating.remove)
