"""A zip that is written while it is sent: no file on a disk, and never more of it in memory than a piece.

What lies in it is stored, not packed: pictures and sounds are packed already. Sizes come after each file's bytes (APPNOTE 4.3.9), in the
64-bit form, for nobody knows them before.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, cast

from django.utils import timezone

PIECE = 256 * 1024
"""Bytes that are sent at once, about."""
NAME_LENGTH = 80
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    """One file of a zip. `folder` is ours; `pieces` are read when its turn comes."""

    name: str
    pieces: Iterable[bytes]
    folder: str = ""
    at: datetime | None = None


class _Sink:
    """Takes what `zipfile` writes. It cannot be sought in, and so the sizes go behind the bytes."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def write(self, data: bytes) -> int:
        self.taken += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def give(self) -> bytes:
        data, self.taken = bytes(self.taken), bytearray()
        return data


def zipped(files: Iterable[File]) -> Iterator[bytes]:
    """The bytes of a zip with these files. Two of one name get a number."""
    sink = _Sink()
    seen: set[str] = set()
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            moment = timezone.localtime(file.at) if file.at else timezone.localtime()
            info = zipfile.ZipInfo(_once(f"{file.folder}{safe_name(file.name)}", seen), max(moment.timetuple()[:6], (1980, 1, 1, 0, 0, 0)))
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=True) as entry:
                for piece in file.pieces:
                    entry.write(piece)
                    if len(sink.taken) >= PIECE:
                        yield sink.give()
    yield sink.give()


def safe_name(name: str) -> str:
    """A name that is a file in its folder wherever it is unpacked: no path, no control characters, nothing that a system reserves."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or not suffix.isalnum() or len(suffix) > 8:
        stem, suffix = name, ""
    plain = "".join(c if c.isalnum() or c in " -_()" else " " for c in unicodedata.normalize("NFC", stem))
    words = " ".join(plain.split())[:NAME_LENGTH].strip(" -_")
    if not words or _RESERVED.match(words):
        words = f"file {words}".strip()
    return f"{words}.{suffix}" if suffix else words


def _once(name: str, seen: set[str]) -> str:
    stem, dot, suffix = name.rpartition(".")
    number, free = 1, name
    while free.casefold() in seen:
        number += 1
        free = f"{stem} ({number}){dot}{suffix}" if dot else f"{name} ({number})"
    seen.add(free.casefold())
    return free
