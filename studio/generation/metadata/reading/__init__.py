"""Reads what other tools write about how a picture was made; one module a tool.

All of it is anybody's text: what is looked at is bounded (`record.py`), no expression goes back over what it has read, a value is kept
under the type that it should have or not at all, and nothing here is ever HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from studio.generation.metadata.reading import a1111, atelier, comfyui, fooocus, invokeai, novelai, swarmui
from studio.generation.metadata.reading.record import Record

READERS: tuple[ModuleType, ...] = (atelier, swarmui, invokeai, novelai, fooocus, a1111, comfyui)
"""In the order in which they are asked: those that say who they are come first."""


def read(texts: Mapping[str, str]) -> Record | None:
    """What the texts of a file say, by the name under which it keeps each; None when no tool wrote settings there."""
    return next((found for reader in READERS if (found := reader.read(texts))), None)
