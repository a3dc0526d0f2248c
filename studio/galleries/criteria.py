"""What a person looks for in a library, as it stands in an address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from studio.backends.base import Mode

MAX_TEXT = 10_000
"""Characters of a search that are looked at; the longest prompt an engine takes."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """A library's filters. Empty means any; `text` is as typed."""

    text: str = ""
    engine: str = ""
    mode: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Criteria:
        """Read `q`, `engine` and `mode`. What makes no sense (an unknown mode, a NUL) is as if it were not there."""
        mode = query.get("mode", "")
        return cls(
            text=query.get("q", "").replace("\0", " ").strip()[:MAX_TEXT],
            engine=query.get("engine", "").replace("\0", "").strip()[:80],
            mode=mode if mode in list(Mode) else "",
        )

    def __bool__(self) -> bool:
        return bool(self.text or self.engine or self.mode)

    def but(self, **changes: str) -> Criteria:
        """The same with other words."""
        return replace(self, **changes)

    def query(self, **more: str | uuid.UUID) -> str:
        """The query string of an address, `?` and all, or nothing. `more` comes last."""
        pairs = {"q": self.text, "engine": self.engine, "mode": self.mode, **{name: str(value) for name, value in more.items()}}
        encoded = urlencode({name: value for name, value in pairs.items() if value})
        return f"?{encoded}" if encoded else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the newest-first order, by the id of a picture that need not exist any more.

    `before`: older than that picture. `since`: that picture and newer. `after`: newer than it.
    """

    before: uuid.UUID | None = None
    since: uuid.UUID | None = None
    after: uuid.UUID | None = None

    @property
    def upwards(self) -> bool:
        """Whether it is read from its old end: what comes first is what lies nearest to the named picture."""
        return self.since is not None or self.after is not None
