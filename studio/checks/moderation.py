"""Rules for what may be asked for."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from studio.backends.diffusers.classifier import inspect
from studio.backends.errors import ModelUnusable
from studio.checks.rule import Finding, Rule
from studio.moderation.words import studio_words


def _word_list() -> Finding | None:
    try:
        studio_words()
    except OSError as error:
        return f"STUDIO_WORD_LIST: {settings.WORD_LIST} cannot be read ({error.strerror}).", "Name a text file, or leave it out."
    except ValueError as error:
        return f"STUDIO_WORD_LIST: {error}", "studio/moderation/words.txt shows how lines are written."
    return None


def _classifier() -> Finding | None:
    if not settings.IMAGE_CLASSIFIER:
        return None
    try:
        reading = inspect(Path(settings.IMAGE_CLASSIFIER).expanduser())
    except ModelUnusable as error:
        return (
            f"STUDIO_IMAGE_CLASSIFIER: {error.message}",
            "Name the folder of a classifier, or leave it out.",
        )
    wanted = {label.strip().casefold() for label in settings.IMAGE_CLASSIFIER_LABELS}
    if wanted.isdisjoint(label.casefold() for label in reading.labels):
        known = ", ".join(reading.labels[:20])
        return f"STUDIO_IMAGE_CLASSIFIER knows none of STUDIO_IMAGE_CLASSIFIER_LABELS; it knows {known}.", "Name some of those."
    return None


def _threshold() -> Finding | None:
    if 0 < settings.IMAGE_CLASSIFIER_THRESHOLD <= 1:
        return None
    return f"STUDIO_IMAGE_CLASSIFIER_THRESHOLD is {settings.IMAGE_CLASSIFIER_THRESHOLD:g}.", "Give a number above 0, up to 1."


RULES: tuple[Rule, ...] = (
    Rule("STUDIO_WORD_LIST", _word_list),
    Rule("STUDIO_IMAGE_CLASSIFIER", _classifier),
    Rule("STUDIO_IMAGE_CLASSIFIER_THRESHOLD", _threshold),
)
