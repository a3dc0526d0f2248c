"""Atelier's own file, which loses nothing: `{"atelier": 1, "templates": [{name, description, tags, content, cover, versions, …}]}`.

A cover is `{"mime": "image/webp", "data": BASE64}`. `content` is what is in use, `note` what was new in it, `status` "draft" where nothing
is in use yet. `versions` came before it, `newer` are drafts after it; each is `{"number", "note", "status", "content"}`, with the status
"archived" where it was in use once. Files without notes and statuses are from before they were kept. Starters are written in it, too.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from studio.prompts import tidy
from studio.prompts.content import Content, ContentError
from studio.prompts.exchange.records import (
    MAX_COVER,
    MAX_DESCRIPTION,
    MAX_ENTRIES,
    MAX_NAME,
    MAX_NOTE,
    MAX_TAG,
    MAX_TAGS,
    MAX_VERSIONS,
    PICTURES,
    ExchangeError,
    Imported,
    Older,
    Picture,
    Template,
)
from studio.prompts.exchange.styles import twice_named
from studio.prompts.shapes import Reader, join

VERSION = 1
KEYS = ("name", "description", "tags", "content", "cover", "versions", "note", "newer", "status")


def is_own(data: object) -> bool:
    return isinstance(data, Mapping) and "atelier" in data


def covers_length(data: Mapping[str, Any]) -> int:
    """Characters that the covers of a file take."""
    entries = data.get("templates")
    covers = [entry.get("cover") for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    pictures = [cover.get("data") for cover in covers if isinstance(cover, Mapping)]
    return sum(len(picture) for picture in pictures if isinstance(picture, str))


def read(data: Mapping[str, Any]) -> list[Imported]:
    version, entries = data["atelier"], data.get("templates")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ExchangeError("This file says that it is from Atelier, but not in which form: “atelier” has to be 1.")
    if version > VERSION:
        raise ExchangeError("This file is from a newer Atelier. Update the studio, and import it again.")
    if not isinstance(entries, list):
        raise ExchangeError("This file has no list of “templates”.")
    if len(entries) > MAX_ENTRIES:
        raise ExchangeError(f"This file has {len(entries):,} templates; at most {MAX_ENTRIES} are read at once. Split it.")
    if not entries:
        raise ExchangeError("This file has no templates in it.")
    return twice_named([_entry(number, entry) for number, entry in enumerate(entries, 1)])


def _entry(number: int, data: object) -> Imported:
    reader, notes = Reader(), list[str]()
    given = reader.record(data, "", KEYS)
    name = reader.line(given, "name", "")
    if not name:
        reader.tell("name", "This template has no name.")
    elif len(name) > MAX_NAME:
        reader.tell("name", f"A name has at most {MAX_NAME} characters.")
    description = reader.text(given, "description", "")
    if len(description) > MAX_DESCRIPTION:
        reader.tell("description", f"A description has at most {MAX_DESCRIPTION:,} characters.")
    content = _content(given.get("content"), "content", reader)
    older, newer = _versions(given, "versions", reader, notes), _versions(given, "newer", reader, notes)
    note, is_draft = _note(given), given.get("status") == "draft"
    cover = _cover(given.get("cover"), notes)
    tags = _tags(given, reader)
    if reader.problems:
        return Imported(number, name[:MAX_NAME], problems=reader.problems)
    notes += content.warnings().values()
    return Imported(number, name, Template(name, content, description, tags, cover, older, note, newer, is_draft), notes=tuple(notes))


def _content(data: object, place: str, reader: Reader) -> Content:
    try:
        return Content.checked(data)
    except ContentError as error:
        for inner, problem in error.problems.items():
            reader.tell(join(place, inner) if inner else place, problem)
        return Content()


def _tags(given: Mapping[str, Any], reader: Reader) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(tag.lower() for tag in reader.lines(given, "tags", "", most=MAX_TAGS) if tag))
    if any(len(tag) > MAX_TAG for tag in tags):
        reader.tell("tags", f"A tag has at most {MAX_TAG} characters.")
    return tags


def _versions(given: Mapping[str, Any], key: str, reader: Reader, notes: list[str]) -> tuple[Older, ...]:
    """Other versions that make no sense are left out: the template can be used without them."""
    found: list[Older] = []
    for entry in reader.items(given, key, "", most=MAX_VERSIONS):
        inner = Reader()
        one = inner.record(entry, "", ("number", "note", "status", "content"))
        number = inner.whole(one, "number", "")
        content = _content(one.get("content"), "content", inner)
        if inner.problems or number is None or number < 1 or any(number == older.number for older in found):
            notes.append(f"{'A newer draft' if key == 'newer' else 'An old version'} could not be read and was left out.")
            continue
        found.append(Older(number, content, _note(one), one.get("status") == "archived"))
    return tuple(sorted(found, key=lambda older: older.number))


def _note(given: Mapping[str, Any]) -> str:
    return tidy.line(str(given.get("note") or ""))[:MAX_NOTE]


def _cover(data: object, notes: list[str]) -> Picture | None:
    """A cover that is none is left out: the template can be used without it."""
    if data is None:
        return None
    mime, text = (data.get("mime"), data.get("data")) if isinstance(data, Mapping) else (None, None)
    if not isinstance(mime, str) or mime not in PICTURES or not isinstance(text, str) or len(text) > MAX_COVER * 4 // 3 + 4:
        notes.append(f"The cover was left out: it has to be WebP, PNG or JPEG of at most {MAX_COVER // 1024**2} MB.")
        return None
    try:
        picture = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        picture = b""
    if not picture.startswith(PICTURES[mime][0]):
        notes.append("The cover was left out: it is damaged, or not of the kind that it says.")
        return None
    return Picture(mime, picture)


def write(templates: Sequence[Template]) -> bytes:
    return (json.dumps({"atelier": VERSION, "templates": list(map(_record, templates))}, ensure_ascii=False, indent=2) + "\n").encode()


def _record(template: Template) -> dict[str, Any]:
    cover = template.cover
    found: dict[str, Any] = {
        "name": template.name,
        "description": template.description,
        "tags": list(template.tags),
        "content": template.content.to_json(),
    }
    if cover:
        found["cover"] = {"mime": cover.mime, "data": base64.b64encode(cover.data).decode()}
    if template.note:
        found["note"] = template.note
    if template.is_draft:
        found["status"] = "draft"
    for name, others in (("versions", template.versions), ("newer", template.newer)):
        if others:
            found[name] = list(map(_version, others))
    return found


def _version(one: Older) -> dict[str, Any]:
    return {"number": one.number, "note": one.note, "status": "archived" if one.was_used else "draft", "content": one.content.to_json()}
