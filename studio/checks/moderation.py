"""Rules for what may be asked for."""

from __future__ import annotations

from django.conf import settings

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


RULES: tuple[Rule, ...] = (Rule("STUDIO_WORD_LIST", _word_list),)
