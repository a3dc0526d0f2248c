"""Small queries that every page makes, with their SQL kept: to write it takes Django several times what a database takes to answer it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

_MARK = -(10**15)
"""Stands for the first key while the SQL is written, and the numbers below it for the others."""


class PreparedCount:
    """How many rows `rows` gives for some keys, which are integers such as the id of a team: `open_jobs(team.pk)`.

    `rows` is called once for a kind of database. What it compares the keys with may not depend on them, nor may anything of it on the time.
    """

    def __init__(self, rows: Callable[..., QuerySet[Any]], keys: int = 1) -> None:
        self._rows = rows
        self._marks = [_MARK - place for place in range(keys)]
        self._written: dict[str, tuple[str, tuple[Any, ...]]] = {}

    def __call__(self, *keys: int, using: str = DEFAULT_DB_ALIAS) -> int:
        connection = connections[using]
        if connection.vendor not in self._written:
            rows = self._rows(*self._marks)
            query = (rows if rows.query.distinct else rows.values_list("pk")).query
            inner, values = query.get_compiler(using).as_sql()
            self._written[connection.vendor] = f"SELECT COUNT(*) FROM ({inner}) AS counted", values  # noqa: S608 - Django wrote it
        sql, values = self._written[connection.vendor]
        by_mark = dict(zip(self._marks, keys, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(sql, [by_mark.get(value, value) if isinstance(value, int) else value for value in values])
            counted: int = cursor.fetchone()[0]
        return counted
