"""Where the bytes of pictures, models and sounds go: the storage, under the id of the row they belong to, before the row exists."""

from __future__ import annotations

import errno
import uuid
from collections.abc import Iterable, Mapping

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import Team, User
from studio.generation.errors import StorageFailed, StorageFull
from studio.generation.images import CleanImage
from studio.generation.kinds import SUFFIX
from studio.generation.models import Artifact, InputFile
from studio.generation.sounds import CleanSound
from studio.ids import uuid7
from studio.storage import discard

log = structlog.get_logger(__name__)

INPUT_SUFFIX = {"image/png": "png", "audio/mpeg": "mp3", "audio/wav": "wav"}
"""What people give is kept as one of these, and how its file ends."""


NOT_SAVED = "This could not be saved. Try again in a minute; if it happens again, tell your operator."
NOT_READ = "Stored files cannot be read at the moment. Try again in a minute; if it happens again, tell your operator."


def save(name: str, data: bytes) -> None:
    """Write one file. Raises `StorageFull` when there is no room, `StorageFailed` (an OSError) for everything else that a storage does.

    Names are made of fresh ids: a second file of one name is a bug, not something to store aside, and raises FileExistsError.
    """
    try:
        written = default_storage.save(name, ContentFile(data))
    except FileExistsError:
        raise
    except OSError as error:
        log.warning("file_not_saved", reason=error.strerror or type(error).__name__)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("There is no room left to save the result. Ask your operator to make room.") from error
        raise StorageFailed(NOT_SAVED) from error
    if written != name:  # a folder stores it aside; a bucket refuses it
        default_storage.delete(written)
        raise FileExistsError(name)


def read(name: str) -> bytes:
    """Raises FileNotFoundError when it is gone, `StorageFailed` (both are OSErrors) when it cannot be read now."""
    try:
        with default_storage.open(name) as file:
            data: bytes = file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unread(error) from error
    return data


def _unread(error: OSError) -> StorageFailed:
    log.warning("file_not_read", reason=error.strerror or type(error).__name__)
    return StorageFailed(NOT_READ)


def told(error: OSError, gone: str) -> str:
    """What to say to somebody whose file was not read: that it is `gone`, or that the storage does not answer."""
    return error.message if isinstance(error, StorageFailed) else gone


def is_there(name: str) -> bool:
    """Raises `StorageFailed`."""
    try:
        return bool(default_storage.exists(name))
    except OSError as error:
        raise _unread(error) from error


def save_artifact(artifact_id: uuid.UUID, mime: str, original: bytes, variants: Mapping[str, bytes]) -> None:
    folder = Artifact.folder(artifact_id)
    save(f"{folder}/original.{SUFFIX[mime]}", original)
    for name, data in variants.items():
        save(f"{folder}/{name}.webp", data)


def delete_artifacts(ids: Iterable[uuid.UUID]) -> None:
    """Remove every file of artifacts that have no row. It never fails: what the storage does not delete now is pruned later."""
    names = (*(f"original.{suffix}" for suffix in SUFFIX.values()), "large.webp", "thumb.webp")
    discard(f"{Artifact.folder(one)}/{name}" for one in ids for name in names)


def save_input(clean: CleanImage | CleanSound, *, team: Team, user: User, artifact: Artifact | None = None) -> InputFile:
    """Keep a file that somebody gave; the same one twice is kept once. Raises `StorageFull`, `StorageFailed`."""
    same = InputFile.objects.filter(team=team, user=user, sha256=clean.sha256, artifact=artifact).first()
    if same and is_there(same.file):
        return same
    row = InputFile(id=uuid7(), team=team, user=user, mime=clean.mime, sha256=clean.sha256, artifact=artifact)
    row.width, row.height, row.seconds = clean.width, clean.height, clean.seconds
    row.file = f"inputs/{row.id.hex[-2:]}/{row.id}.{INPUT_SUFFIX[clean.mime]}"
    save(row.file, clean.data)
    row.save(force_insert=True)
    return row
