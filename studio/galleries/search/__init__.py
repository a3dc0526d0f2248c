"""Search by prompt and tags, within the pictures of one team: FTS5 when embedded, PostgreSQL's full text when scaled.

Every word must be in the prompt or a tag, accents and case aside. Team, engine, mode, person, kind, size, shape and seed are words of the
same index, so that a page costs about the same whether a word is in every prompt or in none, whether a team has all the pictures or a
handful, and whichever of these are asked for together, with words of a prompt or without.
"""

from __future__ import annotations

import uuid
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.utils import NotSupportedError

from studio.galleries.criteria import Criteria, Span
from studio.galleries.search import postgresql, sqlite
from studio.galleries.search.words import words

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

ENGINES: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}


def _of(connection: BaseDatabaseWrapper) -> ModuleType:
    try:
        return ENGINES[connection.vendor]
    except KeyError:
        raise NotSupportedError(f"The library cannot be searched in {connection.display_name}: use SQLite or PostgreSQL.") from None


def find(
    team_id: int,
    criteria: Criteria,
    *,
    span: Span,
    limit: int,
    among: QuerySet[Any] | None = None,
    few: bool = False,
    using: str = "default",
) -> list[uuid.UUID]:
    """Ids of the artifacts that match, none of them in the trash, in the order of `criteria`, or against it for a span read upwards.

    `among`: only those that these rows have as their `artifact`; `few` says whether there are a thousand at most. That the best comes
    first is not known here: then it is the newest. A text without a single letter or digit matches nothing.
    """
    if criteria.text and not words(criteria.text):
        return []
    connection = connections[using]
    found: list[uuid.UUID] = _of(connection).find(connection, team_id, criteria, span, limit, among, few)
    return found


def install(connection: BaseDatabaseWrapper) -> None:
    """Make the index and whatever keeps it in step, from nothing, from the rows that are there."""
    _of(connection).install(connection)


def put_in_order(connection: BaseDatabaseWrapper) -> None:
    """After rows came in another order than that of their ids: SQLite's index reads by arrival, PostgreSQL's has no order to mend."""
    if connection.vendor == "sqlite":
        install(connection)


def remove(connection: BaseDatabaseWrapper) -> None:
    _of(connection).remove(connection)
