"""What is answered: a result of the studio as the client asked for it, in size and format, and headers that tell what became of it."""

from __future__ import annotations

import io
from collections.abc import Mapping

from PIL import Image, ImageOps

from studio.api.stability.asks.wishes import Wanted
from studio.generation import files
from studio.generation.images import decoded
from studio.generation.models import Artifact, Job

QUALITY = 95
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
ENGINE, RESAMPLED, IGNORED = "x-atelier-engine", "x-atelier-resampled", "x-atelier-ignored"


def answer_bytes(artifact: Artifact, wanted: Wanted) -> tuple[bytes, dict[str, str]]:
    """The bytes of the answer and its own headers: `x-atelier-engine`, `x-atelier-resampled` with the size that was made where that was
    another one, `x-atelier-ignored` with the fields that the engine had no use for. Decodes and encodes: call it off the event loop.

    What comes in the right size and format is handed on byte by byte. Raises OSError when the file is gone.
    """
    data = files.read(artifact.variant("original"))
    headers = {ENGINE: artifact.engine} | ({IGNORED: ", ".join(wanted.ignored)} if wanted.ignored else {})
    if artifact.kind != "image":
        return data, headers
    size = (artifact.width or 0, artifact.height or 0)
    resampled = wanted.size is not None and wanted.size != size
    if not (resampled or wanted.keeps or artifact.mime != wanted.mime):
        return data, headers
    picture = decoded(data)
    if wanted.size and (resampled or wanted.keeps):
        picture = _at(picture, wanted, artifact.job)
    if resampled:
        headers[RESAMPLED] = f"{size[0]}x{size[1]}"
    return encoded(picture, wanted.mime), headers


def _at(picture: Image.Image, wanted: Wanted, job: Job | None) -> Image.Image:
    """The result at the size that is wanted. It shows all of a frame round that which has the engine's shape."""
    assert wanted.size
    if not (wanted.keeps and job and job.image and job.mask_image):
        return ImageOps.fit(picture, wanted.size, Image.Resampling.LANCZOS)
    try:
        kept, mask = (decoded(files.read(one.file)) for one in (job.image, job.mask_image))
    except OSError:  # somebody erased what it started from: the result is all that there is
        return ImageOps.fit(picture, wanted.size, Image.Resampling.LANCZOS)
    made = picture.resize(kept.size, Image.Resampling.LANCZOS).convert(kept.mode)
    whole = Image.composite(made, kept, mask.convert("L"))
    left, top = (kept.width - wanted.size[0]) // 2, (kept.height - wanted.size[1]) // 2
    return whole.crop((left, top, left + wanted.size[0], top + wanted.size[1]))


def encoded(picture: Image.Image, mime: str) -> bytes:
    """In one of the contract's three formats; JPEG knows no transparency, so that white shows there, as on paper."""
    if mime == "image/jpeg" and picture.mode == "RGBA":
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture).convert("RGB")
    how: Mapping[str, int] = {"image/png": {"compress_level": 3}, "image/webp": {"quality": QUALITY, "method": 2}}.get(
        mime, {"quality": QUALITY}
    )
    buffer = io.BytesIO()
    picture.save(buffer, FORMATS[mime], **how)
    return buffer.getvalue()
