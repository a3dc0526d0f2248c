"""The catalogue: every engine of the Stability API as a capability record, in the order of the list on Create."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from studio.backends.stability.engines import audio, control, edit, generate, models, sdxl, upscale
from studio.backends.stability.engines.records import Record, Service

__all__ = ["Record", "Service", "catalogue"]


@cache
def catalogue(backend: str) -> Mapping[str, Record]:
    """Records by engine id, for the backend of this name. The queue has the backend's name too."""
    rooms = (generate, sdxl, edit, upscale, control, models, audio)
    records = [record for room in rooms for record in room.RECORDS]
    return {record.id: replace(record, engine=replace(record.engine, backend=backend, queue=backend)) for record in records}
