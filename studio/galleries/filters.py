"""The bar over a library: what its menus and its panel offer, and what is set, each with the way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from accounts.models import Team, User
from studio.backends.base import Kind, Mode
from studio.galleries import library as shelves
from studio.galleries.criteria import KINDS, NAMES, NEWEST, SHAPES, SORTS, UPLOADED, Criteria, query_of
from studio.galleries.models import Tag
from studio.galleries.shelf import open_to

TAGS_OFFERED, GALLERIES_OFFERED = 300, 200
"""How many the panel knows; any other tag can be typed."""
UPLOADED_LABEL = "Uploaded"
SELECTED, CURRENT = mark_safe(" selected"), mark_safe(' aria-current="true"')
RATINGS = [("5", "5 stars"), *((str(stars), f"{stars} or more") for stars in (4, 3, 2, 1))]


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter and what it may be set to: words of an address and what people call them, the first of which takes the filter away.

    The menus are drawn here and not in a template: they are a fair part of what a page costs.
    """

    criteria: Criteria
    field: str
    title: str
    offered: Sequence[tuple[str, str]]
    chosen: str

    @property
    def name(self) -> str:
        """The parameter of an address."""
        return NAMES.get(self.field, self.field)

    @property
    def is_set(self) -> bool:
        return self.chosen != self.offered[0][0]

    @property
    def label(self) -> str:
        return dict(self.offered)[self.chosen]

    @property
    def options(self) -> str:
        """Of a `<select>`."""
        rows = ((word, SELECTED if word == self.chosen else "", label) for word, label in self.offered)
        return format_html_join("", '<option value="{}"{}>{}</option>', rows)

    @property
    def links(self) -> str:
        """Of a menu."""
        page = reverse("library")
        rows = ((page, self.with_(word), CURRENT if word == self.chosen else "", label) for word, label in self.offered)
        return format_html_join("", '<a href="{}{}"{}>{}</a>', rows)

    @property
    def without(self) -> str:
        return self.with_("")

    def with_(self, word: str) -> str:
        """The query string with another choice."""
        words = self.criteria.words()
        words[self.name] = "" if word == self.offered[0][0] else word
        return query_of(words)


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
    open_galleries = list(open_to(viewer, team).order_by("-updated_at", "-id").only("name")[:GALLERIES_OFFERED])
    galleries = [(str(one.pk), one.name) for one in open_galleries]
    return {
        "open_galleries": open_galleries,
        "choices": choices,
        "menus": [one for one in choices if len(one.offered) > 2 or one.is_set or one.field == "mode"],
        "sorts": _choice(criteria, "sort", "Order", SORTS[NEWEST], [(sort, label) for sort, label in SORTS.items() if sort != NEWEST]),
        "kinds": _choice(criteria, "kind", "What it is", "Anything", [(kind, f"{kind.capitalize()}s") for kind in KINDS]),
        "shapes": _choice(criteria, "shape", "Shape", "Any shape", list(SHAPES.items())),
        "ratings": _choice(criteria, "rating", "My rating", "Any rating", RATINGS),
        "galleries": _choice(criteria, "gallery", "Gallery", "In any or none", galleries, unknown=lambda key: "One that is gone"),
        "tags": format_html_join(
            "", '<option value="{}"></option>', Tag.objects.filter(team=team).order_by("key").values_list("name")[:TAGS_OFFERED]
        ),
        "chips": _chips(team, criteria, dict(galleries)),
        "has_kinds": len({mode.makes for mode in modes} | ({"image"} if has_uploads else set())) > 1,
        "noun": noun,
        "count": page.count and page.count.of(noun),
    }


def _choice(
    criteria: Criteria, field: str, title: str, nothing: str, values: Sequence[tuple[str, str]], unknown: Callable[[str], str] = str
) -> Choice:
    """A filter and what it may be set to; what it is set to and nobody offers is offered under the name that `unknown` gives it."""
    current = _parameter(criteria, field)
    if current and current not in dict(values):
        values = [*values, (current, unknown(current))]
    return Choice(criteria, field, title, [("", nothing), *values], current)


def _parameter(criteria: Criteria, field: str) -> str:
    """The word of a field in addresses."""
    return criteria.words().get(NAMES.get(field, field), "")


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


def _chips(team: Team, criteria: Criteria, galleries: dict[str, str]) -> list[Chip]:
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
        "key": f"With the key {_key(team, criteria.key)}" if criteria.key else "",
    }
    return [Chip(label, criteria.but(**{field: ""}).query()) for field, label in labels.items() if _parameter(criteria, field)]


def _key(team: Team, key: str) -> str:
    """What a key is called that something here was made with; any other has no name here."""
    name = team.artifacts.filter(api_key__public_id=key).order_by().values_list("api_key__name", flat=True).first()
    return name or f"sk-{key}…"


def _on(day: date | None) -> str:
    return date_format(day, "j F Y") if day else ""
