"""The files of the storage and their mirror in a folder, and which files the database expects."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils.module_loading import import_string

from studio.storage import Stored, stored

ABSENT = "absent.json"
"""In the backup folder: files of the mirror that the storage has no more, and since when they were missed."""


@dataclass(slots=True)
class Copied:
    """What a walk over all files did."""

    new: int = 0
    known: int = 0
    bytes: int = 0


def copy_out(mirror: Path) -> Copied:
    """Bring the mirror everything that the storage has and it has not. Deletes nothing. Raises OSError.

    A file that was still being written when it was copied has another size by the next time, and is copied again.
    """
    done = Copied()
    for one in _stored():
        name, target = one.name, mirror / one.name
        if target.exists() and target.stat().st_size == one.bytes:
            done.known += 1
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        try:
            with default_storage.open(name) as source, part.open("wb") as file:
                shutil.copyfileobj(source, file, 1024 * 1024)
        except FileNotFoundError:  # erased between the list and now
            part.unlink(missing_ok=True)
            continue
        done.bytes += part.stat().st_size
        part.replace(target)
        done.new += 1
    return done


def copy_in(mirror: Path) -> Copied:
    """Bring the storage everything that the mirror has and it has not. Raises OSError."""
    done = Copied()
    for name in _mirrored(mirror):
        if default_storage.exists(name):
            done.known += 1
            continue
        with (mirror / name).open("rb") as source:
            default_storage.save(name, File(source))
            done.bytes += source.tell()
        done.new += 1
    return done


def forget(mirror: Path, now: datetime, keep: timedelta) -> int:
    """Delete what the storage has had no more for `keep`: by then no dump that is kept names it. Returns how many files."""
    path = mirror.parent / ABSENT
    since: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    there = {one.name for one in _stored()}
    absent = {name: since.get(name, now.isoformat()) for name in _mirrored(mirror) if name not in there}
    over = [name for name, seen in absent.items() if datetime.fromisoformat(seen) <= now - keep]
    for name in over:
        (mirror / name).unlink()
        del absent[name]
    part = path.with_suffix(".part")
    part.write_text(json.dumps(absent, indent=0))
    part.rename(path)
    return len(over)


def expected() -> Iterator[str]:
    """The name of every file that a row of the database says is there."""
    for dotted in settings.FILE_OWNERS:
        yield from import_string(dotted)()


def missing() -> Iterator[str]:
    """Those of them that the storage has not."""
    there = {one.name for one in _stored()}
    return (name for name in expected() if name not in there)


def _stored() -> Iterator[Stored]:
    """Every file of the storage, but what a probe writes to see whether it can."""
    return (one for one in stored() if not (one.is_folder or one.name.startswith("readyz/")))


def _mirrored(mirror: Path) -> Iterator[str]:
    for folder, _, names in os.walk(mirror):
        for name in names:
            if not name.endswith(".part"):
                yield (Path(folder) / name).relative_to(mirror).as_posix()
