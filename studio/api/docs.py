"""The page that documents the own API, drawn on the server from the very document that programs read.

No viewer is vendored: of those there are, all but one write styles into the page, which the studio's content policy forbids, and that one
(Swagger UI) is 1.7 MB of script for a page that looks like no other here. This one needs no script to be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from studio.api import samples
from studio.api.document import JSON, SCHEMAS, document, example_of
from studio.api.samples import Sample
from studio.api.texts import PROBLEMS, TITLES
from studio.api.v1.things import base_of

HEADS = 8
"""Documents that are kept, one for each name by which the studio is reached."""


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter or a field. `link` is the object that it holds, by name."""

    name: str
    kind: str
    text: str
    required: bool
    default: str = ""
    place: str = ""
    link: str = ""
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    text: str
    link: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    text: Sequence[str]
    scopes: Sequence[str]
    joined: str
    parameters: Sequence[Row]
    media: str
    fields: Sequence[Row]
    answers: Sequence[Answer]
    samples: Sequence[Sample]

    @property
    def words(self) -> str:
        """What a search looks through."""
        return f"{self.method} {self.path} {self.summary} {' '.join(self.scopes)} {self.id}".lower()


@dataclass(frozen=True, slots=True)
class Chapter:
    name: str
    title: str
    text: str
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of the document."""

    name: str
    text: str
    fields: Sequence[Row]
    example: str


@dataclass(frozen=True, slots=True)
class Problem:
    status: str
    text: str
    codes: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Book:
    chapters: Sequence[Chapter]
    things: Sequence[Thing]
    problems: Sequence[Problem]
    start: Sequence[Sample]

    def with_words(self, words: Sequence[str]) -> Book:
        """The same with those operations alone that have all the words."""
        if not words:
            return self
        kept = [
            replace(chapter, operations=[one for one in chapter.operations if all(word in one.words for word in words)])
            for chapter in self.chapters
        ]
        return replace(self, chapters=[chapter for chapter in kept if chapter.operations])


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The document, which needs no key."""
    answer = JsonResponse(document(base_of(request)), json_dumps_params={"ensure_ascii": False})
    answer["Cache-Control"] = "public, max-age=300"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """For people, signed in or not: there is nothing of a team in it."""
    base, text = base_of(request), " ".join(request.GET.get("q", "")[:100].replace("\0", " ").split())
    shown = book(base).with_words(text.lower().split())
    found = sum(len(chapter.operations) for chapter in shown.chapters)
    context = {"book": shown, "base": base, "languages": samples.LANGUAGES, "text": text, "found": found}
    return render(request, "api/docs.html", context)


@lru_cache(maxsize=HEADS)
def book(base: str) -> Book:
    told = document(base)
    operations: dict[str, list[Operation]] = {}
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            operations.setdefault(one["tags"][0], []).append(_operation(base, method, path, one, told))
    chapters = [Chapter(tag["name"], TITLES[tag["name"]], tag["description"], operations[tag["name"]]) for tag in told["tags"]]
    schemas: JSON = told["components"]["schemas"]
    things = [
        Thing(name, one.get("description", ""), list(_fields(one)), _shown(example_of(one, schemas))) for name, one in schemas.items()
    ]
    problems = [Problem(status, text, [(code, detail) for code, _, detail, _ in codes]) for status, (text, codes) in PROBLEMS.items()]
    return Book(chapters, things, problems, samples.start(base))


def _operation(base: str, method: str, path: str, one: JSON, told: JSON) -> Operation:
    schemas: JSON = told["components"]["schemas"]
    nothing: tuple[str, JSON] = ("", {})
    media, body = next(iter(one.get("requestBody", {}).get("content", {}).items()), nothing)
    schema = body.get("schema", {})
    parts = [list(entry["key"]) for entry in one["security"]]
    return Operation(
        id=one["operationId"],
        method=method.upper(),
        path=path,
        summary=one["summary"],
        text=_paragraphs(one.get("description", "")),
        scopes=list(dict.fromkeys(scope for part in parts for scope in part)),
        joined="or" if len(parts) > 1 else "and",
        parameters=[_parameter(parameter) for parameter in one["parameters"] if "$ref" not in parameter],
        media=media,
        fields=list(_fields(schemas[schema["$ref"].removeprefix(SCHEMAS)] if "$ref" in schema else schema)),
        answers=[_answer(status, answer, told) for status, answer in one["responses"].items()],
        samples=samples.of(base, method.upper(), path, one["parameters"], media, body.get("example")),
    )


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _parameter(one: JSON) -> Row:
    schema = one["schema"]
    return Row(
        one["name"],
        _kind(schema),
        one["description"],
        bool(one.get("required")),
        default=_default(schema),
        place=one["in"],
        choices=_choices(schema),
    )


def _fields(schema: JSON) -> Iterator[Row]:
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        yield Row(name, _kind(one), one.get("description", ""), name in required, _default(one), link=_link(one), choices=_choices(one))


def _options(schema: JSON) -> list[JSON]:
    return [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]


def _kind(schema: JSON) -> str:
    """`string`, `array of Item`, `integer or null`."""
    kinds = list(dict.fromkeys(_kind_of(one) for one in _options(schema)))
    return " or ".join(kinds + (["null"] if any(one.get("type") == "null" for one in schema.get("anyOf", ())) else []))


def _kind_of(schema: JSON) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(SCHEMAS))
    if schema.get("type") == "array":
        return f"array of {_kind(schema.get('items', {}))}"
    if schema.get("format") in ("uuid", "date", "date-time", "binary"):
        return {"uuid": "id", "date": "date", "date-time": "time", "binary": "file"}[schema["format"]]
    if "const" in schema:
        return json.dumps(schema["const"])
    return str(schema.get("type", "any"))


def _link(schema: JSON) -> str:
    for one in _options(schema):
        target = one.get("items", one) if one.get("type") == "array" else one
        if "$ref" in target:
            return str(target["$ref"].removeprefix(SCHEMAS))
    return ""


def _choices(schema: JSON) -> list[str]:
    return [str(choice) for one in _options(schema) for choice in one.get("enum", ()) if choice != ""]


def _default(schema: JSON) -> str:
    default = schema.get("default")
    return "" if default in (None, "", [], {}) else json.dumps(default, ensure_ascii=False)


def _answer(status: str, one: JSON, told: JSON) -> Answer:
    if "$ref" in one:
        return Answer(status, PROBLEMS[status][0], "Problem")
    media = one.get("content", {}).get("application/json", {})
    example = _shown(media["example"]) if media.get("example") is not None else ""
    return Answer(status, one["description"], _link(media.get("schema", {})), example)


def _shown(example: Any) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)
