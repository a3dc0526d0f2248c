"""What a person looks for in a library, and in which order, as it stands in an address."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from studio.backends.base import Kind, Mode

MAX_TEXT = 10_000
"""Characters of a search that are looked at; the longest prompt an engine takes."""
UPLOADED = "uploaded"
"""The mode of what was brought from outside, which has none."""
NEWEST, OLDEST, BEST = "newest", "oldest", "best"
SORTS = {NEWEST: "Newest first", OLDEST: "Oldest first", BEST: "My best rated"}
KINDS: dict[str, Kind] = {"picture": "image", "model": "model", "sound": "audio"}
"""What people call what is in a library -> the first half of its media type."""
SHAPES = {"landscape": "Landscape", "portrait": "Portrait", "square": "Square"}
MAX_RATING = 5

NAMES = {"text": "q", "person": "by", "since": "from", "until": "to"}
"""Fields of `Criteria` that have another name in addresses; `until` is there a place (see `Place`)."""
_LARGEST = (1 << 63) - 1
_SIZE = re.compile(r"([1-9][0-9]{0,5})\s*[x×*]\s*([1-9][0-9]{0,5})", re.IGNORECASE)
_KEY = re.compile(r"[0-9A-Za-z]{8}")
_NUMBER = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Criteria:
    """A library's filters and its order. Empty means any; `text` is as typed.

    `person` is the key of who made it. `since` and `until` are days in the studio's time zone, both within. `rating` (at least) and
    `favourite` are those of whoever looks. `size` is width and height in pixels. `key` is the public part of the API key that a program
    made it with.
    """

    text: str = ""
    engine: str = ""
    mode: str = ""
    person: int | None = None
    kind: str = ""
    since: date | None = None
    until: date | None = None
    rating: int = 0
    favourite: bool = False
    tag: str = ""
    size: tuple[int, int] | None = None
    shape: str = ""
    seed: int | None = None
    gallery: uuid.UUID | None = None
    key: str = ""
    sort: str = NEWEST

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Criteria:
        """Read the parameters of an address. What makes no sense (an unknown mode, a NUL, no date) is as if it were not there."""
        word = {name: query.get(NAMES.get(name, name), "").replace("\0", " ").strip() for name in _FIELDS}
        return cls(
            text=word["text"][:MAX_TEXT].strip(),
            engine=word["engine"][:80].strip(),
            mode=word["mode"] if word["mode"] in [*Mode, UPLOADED] else "",
            person=_number(word["person"]),
            kind=word["kind"] if word["kind"] in KINDS else "",
            since=_day(word["since"]),
            until=_day(word["until"]),
            rating=_among(_number(word["rating"]), MAX_RATING),
            favourite=word["favourite"] not in ("", "0"),
            tag=" ".join(word["tag"].split())[:50].strip(),
            size=_size(word["size"]),
            shape=word["shape"] if word["shape"] in SHAPES else "",
            seed=_number(word["seed"]),
            gallery=as_id(word["gallery"]),
            key=word["key"] if _KEY.fullmatch(word["key"]) else "",
            sort=word["sort"] if word["sort"] in SORTS else NEWEST,
        )

    def __bool__(self) -> bool:
        """Whether anything may be left out."""
        return self.sort == BEST or replace(self, sort=NEWEST) != Criteria()

    def but(self, **words: str) -> Criteria:
        """The same with other words, as they stand in an address: `but(engine="", rating="4")`."""
        return Criteria.from_query(self.words() | {NAMES.get(name, name): word for name, word in words.items()})

    def words(self) -> dict[str, str]:
        """The parameters of an address, without those that mean any."""
        given = {NAMES.get(name, name): _word(getattr(self, name)) for name in _FIELDS if getattr(self, name) != _DEFAULTS[name]}
        return {name: word for name, word in given.items() if word}

    def query(self, **more: object) -> str:
        """The query string of an address, `?` and all, or nothing. `more` comes last."""
        return query_of(self.words() | {name: str(value) for name, value in more.items() if value})

    @property
    def is_plain(self) -> bool:
        """Whether the indexes of the pictures' own table answer it: nothing but days, an engine, a mode, newest or oldest first."""
        plain = Criteria(engine=self.engine, mode=self.mode, since=self.since, until=self.until, sort=self.sort)
        return self == plain and self.sort != BEST


_FIELDS = [field.name for field in fields(Criteria)]
_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Criteria)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a library: by its id, after its rating where the best come first. It need not exist any more."""

    id: uuid.UUID
    rating: int | None = None

    @classmethod
    def read(cls, text: str) -> Place | None:
        """Of what `str` makes of it; None when it makes no sense."""
        name, _, rating = text.partition(".")
        number = _number(rating)
        found = as_id(name)
        return cls(found, number if number and number <= MAX_RATING else None) if found else None

    def __str__(self) -> str:
        return f"{self.id}.{self.rating}" if self.rating else str(self.id)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the order in which a library is shown, by a place in it.

    `below`: what follows that place. `through`: the place itself and what stands above it. `above`: what stands above it.
    """

    below: Place | None = None
    through: Place | None = None
    above: Place | None = None

    @property
    def place(self) -> Place | None:
        return self.below or self.through or self.above

    @property
    def upwards(self) -> bool:
        """Whether it is read from its lower end: what comes first is what lies nearest to the place."""
        return self.through is not None or self.above is not None


def bounds(criteria: Criteria, span: Span) -> list[tuple[str, uuid.UUID]]:
    """What ids are compared with: those of the days, and for a library in the order of its ids that of the place."""
    found = []
    if criteria.since:
        found.append((">=", first_id(criteria.since)))
    if criteria.until and criteria.until < date.max:
        found.append(("<", first_id(criteria.until + timedelta(days=1))))
    if span.place and criteria.sort != BEST:
        sign = "<" if span.below else ">=" if span.through else ">"
        found.append((sign if criteria.sort == NEWEST else {"<": ">", ">=": "<=", ">": "<"}[sign], span.place.id))
    return found


def query_of(words: Mapping[str, str]) -> str:
    """The query string with these parameters, `?` and all, without those that are empty; nothing when all are."""
    encoded = urlencode({name: word for name, word in words.items() if word})
    return f"?{encoded}" if encoded else ""


def first_id(day: date) -> uuid.UUID:
    """The smallest version 7 UUID that can be made on that day or later (RFC 9562, 5.7)."""
    began = timezone.make_aware(datetime.combine(day, time.min))
    milliseconds = (began.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return uuid.UUID(int=max(0, milliseconds) << 80)


def as_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    number = int(text) if _NUMBER.fullmatch(text) else None
    return number if number is not None and number <= _LARGEST else None


def _among(number: int | None, most: int) -> int:
    return number if number and number <= most else 0


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date.min < found < date.max else None  # a time zone must not lead out of the calendar


def _size(text: str) -> tuple[int, int] | None:
    found = _SIZE.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return "1" if value is True else str(value)
