"""Lists in JSON: the styles of Fooocus (sdxl_styles/*.json) and the presets of InvokeAI.

Fooocus: `[{"name", "prompt", "negative_prompt"}]`. InvokeAI: `[{"name", "positive_prompt", "negative_prompt"}]`, where `prompt` may stand
for the second, and as its API gives them `{"name", "type", "preset_data": {"positive_prompt", "negative_prompt"}}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from studio.prompts.exchange.emphasis import from_a1111, from_invokeai, to_a1111, to_invokeai
from studio.prompts.exchange.records import MAX_ENTRIES, ExchangeError, Format, Imported, Template
from studio.prompts.exchange.styles import flat, imported, twice_named

_UNHEARD = {"id", "image", "type", "is_public", "user_id"}
"""Keys of an InvokeAI preset that say nothing about its words."""


def entries_of(data: object) -> list[Any]:
    """The entries of a list, or one that stands alone; nothing when it is neither."""
    if isinstance(data, Mapping) and (
        "preset_data" in data or {"name", "prompt"} <= data.keys() or {"name", "positive_prompt"} <= data.keys()
    ):
        return [data]
    return data if isinstance(data, list) else []


def format_of(data: object) -> Format | None:
    """InvokeAI's where an entry has its keys, Fooocus's where one has a name and a prompt."""
    entries = [entry for entry in entries_of(data) if isinstance(entry, Mapping)]
    if any("preset_data" in entry or "positive_prompt" in entry for entry in entries):
        return Format.INVOKEAI
    return Format.FOOOCUS if any("name" in entry and {"prompt", "negative_prompt"} & entry.keys() for entry in entries) else None


def read(data: object, kind: Format) -> list[Imported]:
    entries = entries_of(data)
    if len(entries) > MAX_ENTRIES:
        raise ExchangeError(f"This file has {len(entries):,} entries; at most {MAX_ENTRIES} are read at once. Split it.")
    return twice_named([_entry(number, entry, kind) for number, entry in enumerate(entries, 1)])


def _entry(number: int, entry: object, kind: Format) -> Imported:
    if not isinstance(entry, Mapping):
        return Imported(number, "", problems={"": "This entry is not an object of JSON: { … }."})
    words = entry.get("preset_data", entry)
    if not isinstance(words, Mapping):
        return Imported(number, str(entry.get("name", ""))[:100], problems={"preset_data": "“preset_data” has to be an object of JSON."})
    known = {"name", "prompt", "positive_prompt", "negative_prompt", "preset_data"} | (_UNHEARD if kind is Format.INVOKEAI else set())
    notes = [f"“{str(name)[:40]}” was left out." for name in {**entry, **words} if name not in known]
    if entry.get("image"):
        notes.append("Its picture is not in the file. Choose a cover.")
    convert = from_invokeai if kind is Format.INVOKEAI else partial(from_a1111, squares=False)
    prompt = words.get("positive_prompt", words.get("prompt"))
    return imported(number, entry.get("name"), prompt, words.get("negative_prompt"), convert=convert, notes=notes)


def write(templates: Sequence[Template], kind: Format) -> bytes:
    convert = to_invokeai if kind is Format.INVOKEAI else partial(to_a1111, squares=False)
    key = "positive_prompt" if kind is Format.INVOKEAI else "prompt"
    texts = [(template.name, *flat(template.content, convert)) for template in templates]
    entries = [{"name": name, key: prompt, "negative_prompt": negative} for name, prompt, negative in texts]
    return (json.dumps(entries, ensure_ascii=False, indent=2) + "\n").encode()
