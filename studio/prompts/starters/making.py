"""The covers of the starters, made by Storybook through the studio's own runner, of the values and seeds in `covers.json`."""

from __future__ import annotations

import io
import json
from typing import Any

from PIL import Image

from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.prompts.language import compose, resolve
from studio.prompts.starters import HERE, starter

ENGINE = "storybook"
LONGEST = 512
"""Pixels of a cover's longer side."""
MOST = 40_000
"""Bytes of a cover."""


def recipes() -> dict[str, dict[str, Any]]:
    """Slug -> the values and the seed of its cover. A starter that Storybook cannot draw has none."""
    found: dict[str, dict[str, Any]] = json.loads((HERE / "covers.json").read_text())
    return found


def request_for(slug: str, values: dict[str, Any], seed: int) -> GenerationRequest:
    """What Create would ask for with this template. Raises ValueError when the values do not fit its fields."""
    content = starter(slug).content
    cleaned, problems = content.fill(values)
    if problems:
        raise ValueError(f"{slug}: {problems}")
    prompt = compose([(one.text, one.locked) for one in content.sections], fields=content.by_name)
    text = resolve(prompt, values=content.words(cleaned), seed=seed, wildcards={}).text
    return GenerationRequest(engine=ENGINE, mode=Mode.TEXT_TO_IMAGE, prompt=text, seed=seed)


def drawn(request: GenerationRequest) -> bytes:
    """A cover as WebP. Raises `BackendError`, and `UnknownEngine` where Storybook is switched off."""
    backend = registry.backend(registry.engine(request.engine).backend)
    (media,) = backend.generate(request, on_progress=lambda _: None, is_canceled=lambda: False)
    picture = Image.open(io.BytesIO(media.data)).convert("RGB")
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    for quality in range(88, 40, -4):
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= MOST:
            break
    return out.getvalue()
