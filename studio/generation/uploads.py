"""What people give: a picture or a sound, told apart by what is in the file and not by its name."""

from __future__ import annotations

from typing import IO

from django.conf import settings

from studio.generation.errors import UnusableFile, UnusableSound
from studio.generation.images import CleanImage, clean_upload
from studio.generation.sounds import CleanSound, clean_sound, looks_like_sound

MEBIBYTE = 2**20


def clean_file(file: IO[bytes], *, size: int, kind: str = "") -> CleanImage | CleanSound:
    """Check a file of `size` bytes and keep only what is needed of it; `kind` "audio": it was given where a sound belongs.

    Raises `UnusableFile` with a sentence that says what is wrong and what to do.
    """
    head = file.read(16)
    file.seek(0)
    if not looks_like_sound(head):
        if kind == "audio":
            raise UnusableSound("This file is not a sound we can read. Choose an MP3 or WAV file.")
        return clean_upload(file, size=size)
    if size > settings.MAX_UPLOAD_BYTES:
        most = settings.MAX_UPLOAD_BYTES // MEBIBYTE
        raise UnusableFile(f"This file has {size / MEBIBYTE:.1f} MB; {most} MB is the most. Save it as MP3, or make it shorter.")
    return clean_sound(file.read())
