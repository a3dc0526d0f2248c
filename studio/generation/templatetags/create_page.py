"""`{% load create_page %}`: small sums that the templates of Create cannot do themselves."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.forms import BoundField
from django.utils import timezone

from studio.backends import registry, weights
from studio.generation import finals, onward
from studio.generation.models import Artifact, Job
from studio.pricing.prices import priced
from studio.prompts.colouring import Stretch, resolved
from studio.prompts.language import Part

register = template.Library()

SHAPE_BOX = (30, 22)
"""Width and height, in user units, of the drawing on a shape button."""


@register.filter
def seconds_until(start: datetime | None, end: datetime | None) -> str:
    """How long something took: "0.8 s", "8 s", "3 min"; nothing when a moment is missing."""
    if not start or not end:
        return ""
    spent = max(0.0, (end - start).total_seconds())
    if spent < 1.95:
        return f"{spent:.1f} s"
    return f"{spent:.0f} s" if spent < 90 else f"{spent / 60:.0f} min"


@register.filter
def of_key(values: Mapping[str, Any], key: str) -> Any:
    """What a mapping holds under a key that is itself a variable; empty for nothing."""
    return values.get(key, "")


@register.simple_tag
def shape_box(ratio: float) -> dict[str, float]:
    """The rectangle of width over height `ratio` in the middle of a shape button's drawing: x, y, width, height."""
    wide, high = SHAPE_BOX
    width = min(wide - 4.0, (high - 4.0) * ratio)
    height = width / ratio
    return {"x": round((wide - width) / 2, 2), "y": round((high - height) / 2, 2), "width": round(width, 2), "height": round(height, 2)}


@register.simple_tag
def ways_on(artifact: Artifact) -> onward.Onward:
    """What can be made of it next: `{% ways_on artifact as ways %}`, then `ways.usual` and `ways.more`."""
    return onward.onward(artifact, registry.engines())


@register.simple_tag
def final_offer(artifact: Artifact | None) -> finals.Offer | None:
    """What "Make final" would do with a preview: `{% final_offer artifact as final %}`; nothing for what is no preview."""
    return finals.offer(artifact, priced(registry.engines())) if artifact and artifact.job and artifact.job.intended else None


@register.filter
def made_elsewhere(job: Job) -> bool:
    """Whether a provider makes it, who says nothing of steps."""
    try:
        return not registry.engine(job.engine).local
    except registry.UnknownEngine:
        return False


@register.filter
def chosen(field: BoundField | str, value: Any) -> bool:
    """Whether the field holds this value, whatever the types: `{% if form.size|chosen:"512x512" %}`."""
    return not isinstance(field, str) and str(field.value()) == str(value)


@register.filter
def ticked(field: BoundField) -> bool:
    """Whether a checkbox is on: an address and a form say it in text."""
    return str(field.value()).lower() in ("true", "on", "1")


@register.filter
def from_now(seconds: float) -> datetime:
    """The moment in so many seconds."""
    return timezone.now() + timedelta(seconds=seconds)


@register.filter
def whole_seconds(seconds: float) -> int:
    """Seconds that are still to wait, never too few."""
    return math.ceil(seconds)


@register.filter
def up_to(numbers: str, most: int) -> list[int]:
    """The whole numbers of a list in words that are at most `most`: `"1 2 4 8"|up_to:4` is 1, 2, 4."""
    return [int(number) for number in numbers.split() if int(number) <= most]


@register.filter
def words_for_seconds(seconds: float | None) -> str:
    """An engine's pace for one picture: "about 2 s"."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "under 1 s"
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


@register.filter
def mostly_not_latin(text: str | None) -> bool:
    """Whether more than half of the letters are of another script, as `panel.js` counts them while somebody types."""
    letters = [letter for letter in text or "" if letter.isalpha()]
    return 2 * sum("LATIN" in unicodedata.name(letter, "") for letter in letters) < len(letters)


@register.filter
def weighs(text: str | None) -> bool:
    """Whether a prompt has weights, as `create/weights.js` reads them while somebody types."""
    return weights.weighs(text or "")


@register.filter
def coloured(parts: Sequence[Part]) -> list[Stretch]:
    """The parts of a resolved prompt, for `prompts/_stretches.html`."""
    return resolved(parts)


@register.filter
def size_words(value: Any) -> str:
    """A size as people read it: `512x512` is "512 × 512"."""
    return " × ".join(str(value).split("x"))


@register.filter
def times(count: int) -> range:
    """Something to loop over `count` times."""
    return range(count)
