"""Templates as files: Atelier's own, and those of AUTOMATIC1111, Fooocus and InvokeAI. Bytes in, records out, and the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from studio.prompts.decoding import NotText, decoded
from studio.prompts.exchange import a1111, listed, own, styles
from studio.prompts.exchange.records import MAX_FILE, MAX_TEXT, ExchangeError, Format, Imported, Older, Picture, Template

__all__ = ["MAX_FILE", "ExchangeError", "Format", "Imported", "Older", "Picture", "Template", "detect", "losses", "read", "write"]

KNOWN = "Atelier's own file, AUTOMATIC1111's styles.csv, and the JSON of Fooocus and InvokeAI can be read"


def detect(filename: str, data: bytes) -> Format:
    """What kind of file it is, by what is in it. Raises `ExchangeError`."""
    return _opened(filename, data)[0]


def read(data: bytes, filename: str = "") -> list[Imported]:
    """The entries of a file, each with its own problems and notes. Raises `ExchangeError` when nothing of it can be used."""
    kind, inside = _opened(filename, data)
    if kind is Format.A1111:
        return a1111.read(inside)
    return own.read(inside) if kind is Format.ATELIER else listed.read(inside, kind)


def write(kind: Format, templates: Sequence[Template]) -> bytes:
    """A file in UTF-8. What it cannot keep is told by `losses`."""
    if kind is Format.ATELIER:
        return own.write(templates)
    return a1111.write(templates) if kind is Format.A1111 else listed.write(templates, kind)


def losses(kind: Format, template: Template) -> tuple[str, ...]:
    """What a file of this kind does not keep of a template, as sentences."""
    if kind is Format.ATELIER:
        return ()
    beside = {"description": template.description, "tags": template.tags, "cover": template.cover, "old versions": template.versions}
    beside["newer drafts"] = template.newer
    left = [name for name, value in beside.items() if value]
    found = styles.losses(template.content)
    return (*found, f"Left out: {', '.join(left)}.") if left else tuple(found)


def _opened(filename: str, data: bytes) -> tuple[Format, Any]:
    """The kind of a file, and its text or what its JSON says."""
    kind, inside = _looked_at(filename, data)
    if len(data) - (own.covers_length(inside) if kind is Format.ATELIER else 0) > MAX_TEXT:
        raise ExchangeError(f"This file has more than {MAX_TEXT // 1024**2} MB of text. Split it.")
    return kind, inside


def _looked_at(filename: str, data: bytes) -> tuple[Format, Any]:
    if len(data) > MAX_FILE:
        raise ExchangeError(f"This file has {len(data) / 1024**2:.0f} MB; at most {MAX_FILE // 1024**2} MB are read. Split it.")
    try:
        text = decoded(data)
    except NotText as error:
        raise ExchangeError(str(error)) from None
    if text.lstrip().startswith(("{", "[")):
        found = _parsed(text)
        kind = Format.ATELIER if own.is_own(found) else listed.format_of(found)
        if kind is None:
            raise ExchangeError(_other(found))
        return kind, found
    if a1111.is_styles(text):
        return Format.A1111, text
    if filename.lower().endswith(".json"):
        raise ExchangeError(f"This file is called .json, but has no JSON in it. {KNOWN}.")
    if filename.lower().endswith(".csv"):
        raise ExchangeError("The first line of a styles.csv names its columns: name,prompt,negative_prompt. This one does not.")
    raise ExchangeError(f"This file has no templates that could be read. {KNOWN}.")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ExchangeError(f"This is not valid JSON: look at line {error.lineno:,}, character {error.colno:,} ({error.msg}).") from None
    except (RecursionError, ValueError):
        raise ExchangeError("This JSON cannot be read: it has lists deep in lists, or a number that is none.") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _other(data: object) -> str:
    """What JSON without templates is, where that can be seen."""
    if data in ([], {}):
        return "This file has no templates in it."
    if isinstance(data, Mapping) and any(str(name).startswith("default_") for name in data):
        return "This is a preset of Fooocus (its settings). Choose a file of its styles, from the folder sdxl_styles."
    if isinstance(data, Mapping) and ("nodes" in data or any(isinstance(node, Mapping) and "class_type" in node for node in data.values())):
        return "This is a workflow, not a list of prompts. " + KNOWN + "."
    return f"This JSON has no templates in it. {KNOWN}."
