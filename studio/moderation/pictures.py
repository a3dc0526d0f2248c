"""The image classifier, where an operator has given one: it looks, people decide."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from studio.backends.diffusers.classifier import Classifier
from studio.generation.models import Artifact
from studio.moderation.models import Finding


def is_on() -> bool:
    """Whether pictures are looked at before they are shown outside."""
    return bool(settings.IMAGE_CLASSIFIER)


@lru_cache(maxsize=1)
def _classifier(folder: str) -> Classifier:
    return Classifier(Path(folder).expanduser())


def look_at(artifact: Artifact) -> Finding:
    """Look at a picture (of a model or sound: at what is shown for it) and keep what was seen; the second time, what was seen then.

    Needs torch: for the local runner's process. Raises `ModelUnusable`, OSError (its file is gone or broken).
    """
    with default_storage.open(artifact.variant("thumb")) as file:
        scores = _classifier(settings.IMAGE_CLASSIFIER).scores(file.read())
    unwanted = {label.strip().casefold() for label in settings.IMAGE_CLASSIFIER_LABELS}
    flags = [label for label, score in scores.items() if label.casefold() in unwanted and score >= settings.IMAGE_CLASSIFIER_THRESHOLD]
    finding, _ = Finding.objects.get_or_create(artifact=artifact, defaults={"scores": scores, "flags": flags, "is_flagged": bool(flags)})
    return finding
