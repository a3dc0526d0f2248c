"""`{% load spans %}`: lengths of time in a word or two."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()


@register.filter
def span(seconds: float) -> str:
    """A length of time: "0.4 s", "12 s", "3 min", "2 h", "4 days"."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    for limit, unit, word in ((99.5, 1, "s"), (5_970, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {word}"
    return f"{seconds / 86_400:.0f} days"


@register.filter
def until_now(moment: datetime) -> str:
    """How long ago it was."""
    return span(max(0.0, (timezone.now() - moment).total_seconds()))


@register.filter
def from_now_on(moment: datetime) -> str:
    """How long it still is."""
    return span(max(0.0, (moment - timezone.now()).total_seconds()))
