"""How often somebody may try a code: whoever guesses soon has to wait."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

RATE = "10/hour"
"""Tries of one person."""


def seconds_to_wait(user_id: int) -> int:
    """Count one try of a person; 0 when it may be made, else the whole seconds until it may."""
    return int(import_string(settings.RATE_LIMIT)("code", str(user_id), RATE))
