"""What the API says of a thing in the library, and of who made it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.urls import reverse
from ninja import Field, Schema

from accounts.models import ApiKey, User
from studio.api.v1.schemas import KeyName
from studio.generation.facts import decimal
from studio.generation.models import Artifact

ITEM = "0193f5c0-8a1b-7c3d-9e4f-5a6b7c8d9e0f"
"""An id to show in examples."""
KINDS = {"image": "picture", "model": "model", "audio": "sound"}


class Person(Schema):
    """Somebody in the team."""

    id: str = Field(description="What `by` of a search takes.", examples=["7"])
    name: str = Field(description="What people call them here.", examples=["Alice Harbour"])


class Files(Schema):
    """Where its files are, each at an address that needs a key with `library:read`."""

    original: str = Field(
        description="As it was made or uploaded.", examples=[f"https://studio.example/api/v1/library/{ITEM}/files/original"]
    )
    large: str = Field(
        description="A WebP of 1024 pixels at most; of a model or a sound the picture that stands for it.",
        examples=[f"https://studio.example/api/v1/library/{ITEM}/files/large"],
    )
    thumb: str = Field(description="A WebP of 384 pixels at most.", examples=[f"https://studio.example/api/v1/library/{ITEM}/files/thumb"])


class Item(Schema):
    """A picture, 3D model or sound in the library."""

    id: uuid.UUID = Field(description="Stays the same for good. Ids grow with time.", examples=[ITEM])
    object: Literal["item"] = Field(description="What kind of object this is.", examples=["item"])
    kind: Literal["picture", "model", "sound"] = Field(description="What it is.", examples=["picture"])
    mime: str = Field(description="The media type of the original.", examples=["image/png"])
    width: int | None = Field(description="Pixels, of a picture.", examples=[1024])
    height: int | None = Field(description="Pixels, of a picture.", examples=[1024])
    seconds: float | None = Field(description="How long it is, of a sound.", examples=[None])
    bytes: int = Field(description="Size of the original.", examples=[1482211])
    sha256: str = Field(
        description="Of the original, in hex.", examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]
    )
    prompt: str = Field(description="The words it was made with; empty for an upload that does not say.", examples=["a red sailboat"])
    engine: str = Field(description="The id of the engine that made it; empty for an upload.", examples=["storybook"])
    engine_label: str = Field(
        description="What the engine was called then; of an upload the tool that it names, or “Uploaded”.", examples=["Storybook"]
    )
    mode: str = Field(description="What was done; empty for an upload.", examples=["text-to-image"])
    seed: int | None = Field(description="With the same seed and settings most engines make the same again.", examples=[1234])
    tags: list[str] = Field(description="The team's tags on it, by name.", examples=[["boats", "approved"]])
    job: uuid.UUID | None = Field(
        description="The job that made it; null for an upload.", examples=["0193f5bf-11d2-7aa0-8c1e-0f2b3d4c5a69"]
    )
    credits: str = Field(description="What was charged for it, in credits.", examples=["6.5"])
    person: Person | None = Field(description="Who made or uploaded it; null once they have left.")
    api_key: KeyName | None = Field(description="The key that it was made or uploaded with; null for what people did on a page.")
    created_at: datetime = Field(description="When it was made or uploaded.", examples=["2026-11-27T09:30:00Z"])
    deleted_at: datetime | None = Field(description="Since when it lies in the trash; null while it does not.", examples=[None])
    files: Files = Field(description="Where to download it.")


def item_facts(artifact: Artifact, base: str) -> dict[str, Any]:
    """`base` is the studio's own address, without a slash at its end."""
    return {
        "id": artifact.id,
        "object": "item",
        "kind": KINDS[artifact.kind],
        "mime": artifact.mime,
        "width": artifact.width,
        "height": artifact.height,
        "seconds": artifact.seconds,
        "bytes": artifact.bytes,
        "sha256": artifact.sha256,
        "prompt": artifact.prompt,
        "engine": artifact.engine,
        "engine_label": artifact.engine_label,
        "mode": artifact.mode,
        "seed": artifact.seed,
        "tags": artifact.tags.split("\n") if artifact.tags else [],
        "job": artifact.job_id,
        "credits": decimal(artifact.charged),
        "person": person_facts(artifact.user),
        "api_key": key_facts(artifact.api_key),
        "created_at": artifact.created_at,
        "deleted_at": artifact.deleted_at,
        "files": {
            variant: base + reverse("programs:v1:library_file", args=[artifact.id, variant]) for variant in ("original", "large", "thumb")
        },
    }


def person_facts(user: User | None) -> dict[str, str] | None:
    return {"id": str(user.pk), "name": str(user)} if user else None


def key_facts(key: ApiKey | None) -> dict[str, str] | None:
    return {"id": key.public_id, "name": key.name} if key else None


def in_full(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """The same with all that `item_facts` tells, in two queries; what was deleted for good in between is left out."""
    rows = Artifact.objects.select_related("user", "api_key").in_bulk([one.pk for one in artifacts])
    return [rows[one.pk] for one in artifacts if one.pk in rows]


def base_of(request: HttpRequest) -> str:
    """The studio's own address as this program reached it, without a slash at its end."""
    return request.build_absolute_uri("/").rstrip("/")
