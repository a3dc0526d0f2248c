"""A request as it came, and the answer that it gets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from studio.api.stability import multipart

Headers = dict[str, str]


def _no_number(name: str) -> None:
    """Python reads NaN and Infinity, which are no JSON and compare with nothing."""
    raise ValueError(f"{name} is no JSON")


@dataclass(slots=True)
class Request:
    """Header names are in lower case. `size` is the body's length in bytes, which may be more than was kept of it."""

    method: str
    path: str
    headers: Headers
    body: bytes = field(repr=False)
    request_id: str
    size: int = 0

    @property
    def secret(self) -> str:
        """The API key, with or without `Bearer` (API.md 0); empty when there is none."""
        scheme, _, rest = self.headers.get("authorization", "").strip().partition(" ")
        return rest.strip() if scheme.lower() == "bearer" else scheme

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def accept(self) -> str:
        """The first media range, which decides (API.md 2.2); empty when the header is absent."""
        return self.headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower()

    @property
    def parts(self) -> list[multipart.Part]:
        """Raises `multipart.Malformed`."""
        return multipart.read(self.headers.get("content-type", ""), self.body)

    @property
    def fields(self) -> dict[str, str]:
        """The text fields of a multipart body."""
        return {part.name: part.text for part in self.parts if part.filename is None}

    @property
    def files(self) -> dict[str, bytes]:
        """The files of a multipart body."""
        return {part.name: part.data for part in self.parts if part.filename is not None}

    @property
    def json(self) -> Any:
        """What a JSON body holds. Raises ValueError."""
        try:
            return json.loads(self.body, parse_constant=_no_number)
        except RecursionError:
            raise ValueError("nested too deeply") from None


@dataclass(slots=True)
class Answer:
    status: int
    body: bytes = field(repr=False)
    content_type: str = "application/json"
    headers: Headers = field(default_factory=dict)

    @classmethod
    def of(cls, content: Any, status: int = 200, **headers: str) -> Answer:
        """JSON. Header names have underscores for dashes."""
        return cls(status, json.dumps(content).encode(), headers={name.replace("_", "-"): value for name, value in headers.items()})
