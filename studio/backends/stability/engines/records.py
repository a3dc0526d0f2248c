"""What is known of an engine: its capabilities, and where each of its modes is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from studio.backends.base import Engine, Mode
from studio.backends.stability.calls import MEBIBYTE, Dialect

V2BETA_LIMIT = 10 * MEBIBYTE
"""Bytes of a request with pictures (`stability/API.md` 0)."""


@dataclass(frozen=True, slots=True)
class Service:
    """An endpoint. `names` are the provider's words for the studio's, where they differ; `fields` are always sent as they are.

    `only_with`: settings that mean nothing, and are not sent, unless one of the named others is there. `results`: the address to poll, for
    work that goes on after the answer; the id is appended.
    """

    path: str
    dialect: Dialect = "v2beta"
    accept: str = "image/*"
    fields: tuple[tuple[str, str], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    only_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    results: str = ""
    results_accept: str = "*/*"
    body_limit: int | None = V2BETA_LIMIT


@dataclass(frozen=True, slots=True)
class Record:
    """An engine with the endpoint of each of its modes. `model_id`: the provider lists it under this id, for accounts that have it."""

    engine: Engine
    services: Mapping[Mode, Service]
    model_id: str = ""

    @property
    def id(self) -> str:
        return self.engine.id
