"""What goes into a file, and what comes out of one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from studio.prompts.content import Content
from studio.prompts.shapes import Problems

MAX_FILE = 20 * 1024 * 1024
"""Bytes of a file that is read."""
MAX_TEXT = 4 * 1024 * 1024
"""Bytes of a file beside its pictures: reading texts takes time, about a second a megabyte."""
MAX_ENTRIES = 500
MAX_NAME, MAX_DESCRIPTION = 120, 2000
MAX_TAGS, MAX_TAG = 12, 40
MAX_COVER = 2 * 1024 * 1024
"""Bytes of a cover."""
MAX_VERSIONS = 200
MAX_NOTE = 300

PICTURES = {"image/webp": (b"RIFF", "webp"), "image/png": (b"\x89PNG\r\n\x1a\n", "png"), "image/jpeg": (b"\xff\xd8\xff", "jpg")}
"""What a cover may be: how such a file begins, and the end of its name."""


class Format(StrEnum):
    ATELIER = "atelier"
    A1111 = "a1111"
    FOOOCUS = "fooocus"
    INVOKEAI = "invokeai"

    @property
    def label(self) -> str:
        return _TRAITS[self.value][0]

    @property
    def filename(self) -> str:
        """What people call such a file."""
        return _TRAITS[self.value][1]

    @property
    def mime(self) -> str:
        return "text/csv" if self is Format.A1111 else "application/json"


_TRAITS = {
    "atelier": ("Atelier, with everything", "atelier-templates.json"),
    "a1111": ("AUTOMATIC1111 (styles.csv)", "styles.csv"),
    "fooocus": ("Fooocus (JSON)", "fooocus-styles.json"),
    "invokeai": ("InvokeAI (JSON)", "invokeai-presets.json"),
}


class ExchangeError(ValueError):
    """Nothing of the file can be used; the sentence says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`data` begins as files of its `mime` do; whoever keeps it decodes it first."""

    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Older:
    """A version that is not the one in use; `was_used`: it was, once."""

    number: int
    content: Content
    note: str = ""
    was_used: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A template by itself, without a team. `content` is the version in use, or the last of one that `is_draft`, and `note` says what was
    new in it; `versions` came before it, `newer` are drafts after it, each oldest first.
    """

    name: str
    content: Content
    description: str = ""
    tags: tuple[str, ...] = ()
    cover: Picture | None = None
    versions: tuple[Older, ...] = ()
    note: str = ""
    newer: tuple[Older, ...] = ()
    is_draft: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """One entry of a file: the `number`-th, by the row of a table or the place in a list, from 1.

    Either `template` is there, or `problems` say by place why not. `notes` say what could not be kept, or is meant otherwise here.
    """

    number: int
    name: str
    template: Template | None = None
    problems: Problems | None = None
    notes: tuple[str, ...] = ()
