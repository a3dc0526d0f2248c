"""One HTTP call to the provider and its answer, before and after the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Dialect = Literal["v1", "v2beta"]

MEBIBYTE = 2**20
GENERATION_SECONDS = 240.0
"""Longest wait for the first byte of a result. Nothing is sent before it is ready; `stability/API.md` 0 asks for 180 s or more."""
QUICK_SECONDS = 30.0
"""Longest wait for the first byte of everything else."""


@dataclass(frozen=True, slots=True)
class File:
    """A file part of a form."""

    name: str
    data: bytes = field(repr=False)
    mime: str

    @property
    def filename(self) -> str:
        return f"{self.name}.{self.mime.rpartition('/')[2]}"


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked. `fields` and `files` make a form, `json` a JSON body; `body_limit` counts bytes of the whole body.

    `paid`: an answer that gets lost may have been billed, so the call is never sent again.
    """

    method: Literal["GET", "POST"]
    path: str
    dialect: Dialect
    accept: str = "*/*"
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    files: tuple[File, ...] = ()
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    body_limit: int | None = None
    seconds: float = QUICK_SECONDS
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def mime(self) -> str:
        """The media type alone: JSON comes as `application/json; type=image/png` (`stability/API.md` 4.16)."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON, None when it is not: an edge in front of the API may answer with a page (`stability/API.md` 4.18)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None
