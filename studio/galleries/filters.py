"""The bar over a library: what its menus and its panel offer, and what is set, each with the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format

from accounts.models import Team, User
from studio.backends.base import Kind, Mode
from studio.galleries import library as shelves
from studio.galleries.criteria import KINDS, NAMES, NEWEST, SHAPES, SORTS, UPLOADED, Criteria
from studio.galleries.models import Tag
from studio.galleries.relations import open_to

TAGS_OFFERED, GALLERIES_OFFERED = 300, 200
"""How many the panel knows; any other tag can be typed."""
UPLOADED_LABEL = "Uploaded"
RATINGS = [("5", "5 stars"), *((str(stars), f"{stars} or more") for stars in (4, 3, 2, 1))]


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a filter as an address has it, and what people call it."""

    value: str
    label: str
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter with its options, the first of which takes it away. `label` is what is chosen now; `name` is its parameter."""

    field: str
    name: str
    title: str
    label: str
    is_set: bool
    options: Sequence[Option]
    without: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the address without it."""

    label: str
    without: str


def bar(team: Team, criteria: Criteria, viewer: User, page: shelves.Page) -> dict[str, Any]:
    """What the templates of the library's filters and counts need."""
    modes, has_uploads = shelves.modes(team)
    made = [(mode.value, mode.label) for mode in modes] + ([(UPLOADED, UPLOADED_LABEL)] if has_uploads else [])
    people = [(str(user.pk), str(user)) for user in User.objects.filter(memberships__team=team).order_by("name", "pk")]
    choices = [
        _choice(criteria, "person", "Made by", "Anybody", people, unknown=lambda key: _somebody(team, key)),
        _choice(criteria, "engine", "Engine", "Any engine", shelves.engines(team)),
        _choice(criteria, "mode", "Made from", "Any kind", made),
    ]
    kinds = _kinds(criteria, modes, has_uploads)
    noun = shelves.noun(kinds)
    galleries = [(str(one.pk), one.name) for one in open_to(viewer, team).order_by("-updated_at").only("name")[:GALLERIES_OFFERED]]
    return {
        "choices": choices,
        "menus": [one for one in choices if len(one.options) > 2 or one.is_set or one.field == "mode"],
        "sorts": _choice(criteria, "sort", "Order", SORTS[NEWEST], list(SORTS.items())),
        "kinds": _choice(criteria, "kind", "What it is", "Anything", [(kind, f"{kind.capitalize()}s") for kind in KINDS]),
        "shapes": _choice(criteria, "shape", "Shape", "Any shape", list(SHAPES.items())),
        "ratings": _choice(criteria, "rating", "My rating", "Any rating", RATINGS),
        "galleries": _choice(criteria, "gallery", "Gallery", "In any or none", galleries, unknown=lambda key: "One that is gone"),
        "tags": list(Tag.objects.filter(team=team).order_by("key").values_list("name", flat=True)[:TAGS_OFFERED]),
        "chips": _chips(criteria, dict(galleries)),
        "noun": noun,
        "count": page.count and page.count.of(noun),
    }


def _choice(
    criteria: Criteria, field: str, title: str, nothing: str, values: Sequence[tuple[str, str]], unknown: Any = lambda value: value
) -> Choice:
    """A filter and what it may be set to; what it is set to and nobody offers is offered under the name that `unknown` gives it."""
    name, current = _parameter(criteria, field)
    if current and current not in dict(values):
        values = [*values, (current, unknown(current))]
    offered = [("", nothing), *values] if field != "sort" else list(values)
    chosen = current or (NEWEST if field == "sort" else "")
    options = [Option(value, label, criteria.but(**{field: value}).query(), value == chosen) for value, label in offered]
    return Choice(field, name, title, dict(offered)[chosen], bool(current), options, criteria.but(**{field: ""}).query())


def _parameter(criteria: Criteria, field: str) -> tuple[str, str]:
    """The name of a field in addresses, and its word there."""
    name = NAMES.get(field, field)
    return name, criteria.words().get(name, "")


def _somebody(team: Team, key: str) -> str:
    """A person who made something here and has left; whoever else is asked for has no name here."""
    made = team.artifacts.filter(user_id=int(key)).select_related("user").order_by().first()
    return str(made.user) if made and made.user else "Somebody else"


def _kinds(criteria: Criteria, modes: Sequence[Mode], has_uploads: bool) -> list[Kind]:
    if criteria.kind:
        return [KINDS[criteria.kind]]
    if criteria.mode and criteria.mode != UPLOADED:
        return [Mode(criteria.mode).makes]
    return [*(mode.makes for mode in modes if not criteria.mode), *(["image"] if has_uploads else [])]  # type: ignore[list-item]


def _chips(criteria: Criteria, galleries: dict[str, str]) -> list[Chip]:
    """What is set in the panel alone; what a menu shows has its way back beside the menu."""
    labels = {
        "kind": f"{criteria.kind.capitalize()}s",
        "since": f"From {_on(criteria.since)}",
        "until": f"Until {_on(criteria.until)}",
        "rating": f"Rated {'5' if criteria.rating == 5 else f'{criteria.rating} or more'} by me",
        "favourite": "My favourites",
        "tag": f"Tag: {criteria.tag}",
        "size": f"{criteria.size[0]} × {criteria.size[1]}" if criteria.size else "",
        "shape": SHAPES.get(criteria.shape, ""),
        "seed": f"Seed {criteria.seed}",
        "gallery": f"Gallery: {galleries.get(str(criteria.gallery), 'one that is gone')}",
    }
    return [Chip(label, criteria.but(**{field: ""}).query()) for field, label in labels.items() if _parameter(criteria, field)[1]]


def _on(day: date | None) -> str:
    return date_format(day, "j F Y") if day else ""
