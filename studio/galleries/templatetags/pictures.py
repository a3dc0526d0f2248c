"""`{% load pictures %}`: what the pages of pictures say and cannot compute themselves."""

from __future__ import annotations

from django import template
from django.template import Context

from studio.galleries import shelf
from studio.galleries.criteria import Criteria
from studio.galleries.filters import GALLERIES_OFFERED
from studio.galleries.models import Gallery
from studio.galleries.tiles import alt
from studio.generation.images import LARGE
from studio.generation.models import Artifact

register = template.Library()
register.filter("alt", alt)


@register.filter
def large_width(artifact: Artifact) -> int:
    """Pixels across of the `large` variant, for a srcset."""
    width, height = artifact.looks
    return max(1, round(width * min(1, LARGE / max(width, height))))


@register.simple_tag(takes_context=True)
def galleries_here(context: Context) -> list[Gallery]:
    """The galleries of the team that somebody works in, as far as they see them, the latest first; the first `GALLERIES_OFFERED`.

    Where the filters offer them too, they are read already.
    """
    if "open_galleries" in context:
        return list(context["open_galleries"])
    request = context["request"]
    return list(shelf.galleries_for(request.user, request.team).only("id", "name")[:GALLERIES_OFFERED])


@register.simple_tag
def query(criteria: Criteria, **more: object) -> str:
    """A query string with these filters and others set: `{% query criteria engine="" %}`."""
    changes = {name: str(more.pop(name)) for name in list(more) if name in Criteria.__slots__}
    return criteria.but(**changes).query(**more)
