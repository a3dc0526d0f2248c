"""The contract as the two OpenAPI documents beside this file say it: endpoints, their fields, their ranges.

Nothing here is typed by hand but what the documents say otherwise than the provider does (`API.md`, whose word counts):

- `edit/erase` lists `prompt` as required and has no such field: not asked for.
- `generate/sd3` leaves `sd3.5-flash` out of its enum; it and the three old names that are routed to 3.5 are accepted.
- `outpaint` narrows `creativity` by `allOf` to 0.2–0.5; API.md 2.6 says 0–1. The last member of an `allOf` wins here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FILES = ("openapi-v1.json", "openapi-v2beta.json")
HERE = Path(__file__).parent

OLD_SD3_MODELS = {"sd3-large": "sd3.5-large", "sd3-large-turbo": "sd3.5-large-turbo", "sd3-medium": "sd3.5-medium"}
"""Names of 2024 and the models that have answered to them since 2025-04-17 (API.md 2.5)."""

MIB = 1024 * 1024
UPLOAD_LIMITS = {"50Mb": 50, "100Mb": 100}
"""`x-max-request` of the documents, in MiB; whether they mean 10^6 or 2^20 is not said."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request: its schema with every reference and `allOf` resolved."""

    name: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def binary(self) -> bool:
        return self.schema.get("format") == "binary"


Form = dict[str, Field]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method and path. `forms` has one form, or one for each value of the field `chosen_by`."""

    method: str
    path: str
    content_type: str = ""
    forms: Mapping[str, Form] = field(default_factory=dict)
    chosen_by: str = ""
    headers: Form = field(default_factory=dict)
    statuses: frozenset[int] = frozenset()
    accepts: tuple[str, ...] = ()
    flag: str = ""
    credits: Any = None
    max_bytes: int | None = None

    @property
    def dialect(self) -> str:
        return "v1" if self.path.startswith("/v1/") else "v2beta"

    def form(self, mode: str | None = None) -> Form:
        """The fields that a request has; with `chosen_by`, those of a mode, or of the choice alone while the mode makes no sense."""
        if not self.chosen_by:
            return self.forms[""]
        if mode is not None and mode in self.forms:
            return self.forms[mode]
        choice = {"type": "string", "enum": sorted(self.forms)}
        return {self.chosen_by: Field(self.chosen_by, choice, required=True)}


class Document:
    """One OpenAPI document."""

    def __init__(self, name: str) -> None:
        self.content = json.loads((HERE / name).read_text())

    def follow(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a `$ref` stands for; anything else stays as it is."""
        while "$ref" in part:
            found: Any = self.content
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            part = found
        return part

    def resolve(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """Follow `$ref` and fold `allOf` into one schema; later members win, properties and required names add up."""
        part = self.follow(part)
        folded: dict[str, Any] = {}
        for member in [*map(self.resolve, part.get("allOf", [])), {name: value for name, value in part.items() if name != "allOf"}]:
            properties = {**folded.get("properties", {}), **member.get("properties", {})}
            required = [*folded.get("required", []), *member.get("required", [])]
            folded |= member
            if properties:
                folded |= {"properties": properties, "required": sorted(set(required))}
        if "items" in folded:
            folded["items"] = self.schema(folded["items"])
        return folded

    def schema(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """Resolve a schema and those of its properties."""
        folded = self.resolve(part)
        if "properties" in folded:
            folded["properties"] = {name: self.schema(inner) for name, inner in folded["properties"].items()}
        return folded

    def form(self, part: Mapping[str, Any]) -> Form:
        schema = self.schema(part)
        required = set(schema.get("required", ()))
        return {name: Field(name, inner, name in required) for name, inner in schema.get("properties", {}).items()}

    def endpoints(self) -> list[Endpoint]:
        return [self.endpoint(method, path, one) for path, methods in self.content["paths"].items() for method, one in methods.items()]

    def endpoint(self, method: str, path: str, operation: Mapping[str, Any]) -> Endpoint:
        content = operation.get("requestBody", {}).get("content", {"": {"schema": {}}})
        [(content_type, media)] = content.items()
        schema, chosen_by = self.resolve(media["schema"]), ""
        if "oneOf" in schema:
            chosen_by = schema["discriminator"]["propertyName"]
            forms = {value: self.form({"$ref": ref}) for value, ref in schema["discriminator"]["mapping"].items()}
        else:
            forms = {"": as_the_provider_does(self.form(schema))}
        parameters = [self.follow(one) for one in operation.get("parameters", [])]
        headers = {one["name"].lower(): one for one in parameters if one["in"] == "header"}
        return Endpoint(
            method=method.upper(),
            path=path,
            content_type=content_type,
            forms=forms,
            chosen_by=chosen_by,
            headers={name: Field(name, one["schema"], False) for name, one in headers.items() if name.startswith("stability-")},
            statuses=frozenset(map(int, operation["responses"])),
            accepts=tuple(headers["accept"]["schema"]["enum"]) if "accept" in headers else (),
            flag=operation.get("x-launchDarklyEnableFlag", ""),
            credits=operation.get("x-credits"),
            max_bytes=body_limit(path, operation),
        )


def as_the_provider_does(form: Form) -> Form:
    """Mend what API.md saw the provider do otherwise than its document says."""
    if "sd3.5-large" in form.get("model", Field("", {}, False)).schema.get("enum", ()):
        schema = form["model"].schema
        enum = [*schema["enum"], *schema["x-also-accepted-live"]]
        form["model"] = Field("model", {**schema, "enum": enum, "x-aliases": OLD_SD3_MODELS}, False)
    return form


def body_limit(path: str, operation: Mapping[str, Any]) -> int | None:
    """Bytes that a request may have: as the document says, 10 MiB for pictures, and none where it does not declare a 413."""
    if limit := operation.get("x-max-request"):
        return UPLOAD_LIMITS[limit] * MIB
    refused = "413" in operation["responses"] or path.startswith("/v2alpha/")
    return 10 * MIB if refused else None


@cache
def endpoints() -> tuple[Endpoint, ...]:
    return tuple(one for name in FILES for one in Document(name).endpoints())


@cache
def endpoint(method: str, path: str) -> Endpoint:
    """The endpoint of a path as the documents write it: `endpoint("POST", "/v2beta/3d/stable-fast-3d")`. Raises KeyError."""
    for one in endpoints():
        if (one.method, one.path) == (method, path):
            return one
    raise KeyError(f"{method} {path}")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Endpoint], ...]:
    return tuple((re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", one.path) + "$"), one) for one in endpoints())


def match(method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """The endpoint that answers a request, with the values of its path; None where there is none."""
    for pattern, one in _patterns():
        if one.method == method and (found := pattern.match(path)):
            return one, found.groupdict()
    return None
