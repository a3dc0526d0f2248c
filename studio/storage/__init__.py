"""What every room does with stored files, whichever storage they lie in: a folder, or a bucket (`studio.storage.s3`).

A storage of Django says OSError when it fails: FileNotFoundError for a file that is not there, `errno.ENOSPC` where there is no room.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.core.files.storage import default_storage

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the storage, or a folder with nothing in it: a file system keeps it, and a bucket may be given one by other tools."""

    name: str
    modified_at: datetime
    bytes: int = 0
    is_folder: bool = False


def stored(folder: str = "") -> Iterator[Stored]:
    """Every file below a folder, or all. A bucket is read page by page, a thousand files each; what goes meanwhile is passed over.

    Raises OSError when the storage does not answer.
    """
    walk = getattr(default_storage, "walk", None)
    if walk:
        for name, modified_at, size in walk(folder):
            yield Stored(name, modified_at, size, is_folder=name.endswith("/"))
    else:
        yield from _below(folder)


def _below(folder: str) -> Iterator[Stored]:
    try:
        folders, names = default_storage.listdir(folder)
        for name in sorted(names) or ([] if folders else [""]):
            path = posixpath.join(folder, name).rstrip("/")
            try:
                yield Stored(path, default_storage.get_modified_time(path), default_storage.size(path) if name else 0, is_folder=not name)
            except FileNotFoundError:
                continue
    except FileNotFoundError:
        return
    for name in sorted(folders):
        yield from _below(posixpath.join(folder, name))


def delete(names: Iterable[str]) -> None:
    """Delete files, all at once where the storage can; what is not there is not missed. Raises OSError."""
    delete_many = getattr(default_storage, "delete_many", None)
    if delete_many:
        delete_many(list(names))
        return
    for name in names:
        default_storage.delete(name)


def discard(names: Iterable[str]) -> None:
    """Delete files that no row needs any more. It never fails: what the storage does not delete now, `prune_files` does later."""
    doomed = list(names)
    try:
        delete(doomed)
    except OSError as error:
        log.warning("files_not_deleted", files=len(doomed), reason=error.strerror or type(error).__name__)


def pieces(name: str, size: int) -> Iterator[bytes]:
    """A file, up to `size` bytes at a time. The first piece is read at once, so that who asks hears that there is no such file.

    Raises OSError (FileNotFoundError), here and with every piece.
    """
    file = default_storage.open(name)
    try:
        first = file.read(size)
    except BaseException:
        file.close()
        raise

    def rest() -> Iterator[bytes]:
        with file:
            piece = first
            while piece:
                yield piece
                piece = file.read(size)

    return rest()
