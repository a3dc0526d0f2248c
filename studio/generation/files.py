"""Where the bytes of pictures, models and sounds go: the storage, under the id of the row they belong to, before the row exists."""

from __future__ import annotations

import errno
import uuid
from collections.abc import Mapping

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import Team, User
from studio.generation.errors import StorageFull
from studio.generation.images import CleanImage
from studio.generation.kinds import SUFFIX
from studio.generation.models import Artifact, InputFile
from studio.generation.sounds import CleanSound
from studio.ids import uuid7

INPUT_SUFFIX = {"image/png": "png", "audio/mpeg": "mp3", "audio/wav": "wav"}
"""What people give is kept as one of these, and how its file ends."""


def save(name: str, data: bytes) -> None:
    """Write one file. Raises `StorageFull` when there is no room, OSError for everything else that a disk does."""
    try:
        written = default_storage.save(name, ContentFile(data))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("There is no room left to save the result. Ask your operator to make room.") from error
        raise
    if written != name:  # names are made of fresh ids: a second file of that name is a bug, not something to store aside
        default_storage.delete(written)
        raise FileExistsError(name)


def read(name: str) -> bytes:
    """Raises OSError (FileNotFoundError) when it is gone."""
    with default_storage.open(name) as file:
        data: bytes = file.read()
    return data


def is_there(name: str) -> bool:
    return bool(default_storage.exists(name))


def save_artifact(artifact_id: uuid.UUID, mime: str, original: bytes, variants: Mapping[str, bytes]) -> None:
    folder = Artifact.folder(artifact_id)
    save(f"{folder}/original.{SUFFIX[mime]}", original)
    for name, data in variants.items():
        save(f"{folder}/{name}.webp", data)


def delete_artifact(artifact_id: uuid.UUID) -> None:
    """Remove every file of an artifact; what is not there is not missed."""
    folder = Artifact.folder(artifact_id)
    for name in (*(f"original.{suffix}" for suffix in SUFFIX.values()), "large.webp", "thumb.webp"):
        default_storage.delete(f"{folder}/{name}")


def save_input(clean: CleanImage | CleanSound, *, team: Team, user: User, artifact: Artifact | None = None) -> InputFile:
    """Keep a file that somebody gave; the same one twice is kept once. Raises `StorageFull`, OSError."""
    same = InputFile.objects.filter(team=team, user=user, sha256=clean.sha256, artifact=artifact).first()
    if same and default_storage.exists(same.file):
        return same
    row = InputFile(id=uuid7(), team=team, user=user, mime=clean.mime, sha256=clean.sha256, artifact=artifact)
    row.width, row.height, row.seconds = clean.width, clean.height, clean.seconds
    row.file = f"inputs/{row.id.hex[-2:]}/{row.id}.{INPUT_SUFFIX[clean.mime]}"
    save(row.file, clean.data)
    row.save(force_insert=True)
    return row
