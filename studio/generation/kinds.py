"""Pictures, models and sounds: how their files end, what people call them and say of them, how large what stands for them is drawn."""

from __future__ import annotations

from studio.backends.base import Kind

SUFFIX = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "model/gltf-binary": "glb",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
}
"""The media types of what is delivered, and how their files end."""

NOUNS: dict[Kind, str] = {"image": "picture", "model": "model", "audio": "sound"}
POSTER_SIZES: dict[Kind, tuple[int, int]] = {"model": (1024, 1024), "audio": (1024, 512)}
"""Width and height, in pixels, of the picture that stands for what is none."""


def kind_of(mime: str) -> Kind:
    """What a file of one of the media types in `SUFFIX` is."""
    kind: Kind = mime.partition("/")[0]  # type: ignore[assignment]
    return kind


def clock(seconds: float | None) -> str:
    """How long a sound is, as players say it: `0:45`, `3:10`; empty for what is none."""
    return "" if seconds is None else f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
