# ruff: noqa: S608 - SQL is put together from the constants of this module; every value is a parameter
"""Full text in SQLite: an FTS5 index that triggers keep in step with `generation_artifact`.

FTS5 reads its postings in the order of an integer, newest first without sorting, so each artifact has a number, given when it is
inserted. The number stands in a table of its own: SQLite may change a hidden rowid (`VACUUM`), never this one. The index is contentless
(sqlite.org/fts5.html, 4.4.2): a word is deleted by naming the old text, which a trigger has.

Django alters a table in SQLite by making a new one: **a migration of `generation.Artifact` must be followed by one that calls `install`**
(`manage.py rebuild_search` repairs a database where this was forgotten; every test of the search would fail). So it is after migrations
were taken back and applied again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models.expressions import RawSQL

from studio.galleries.criteria import KINDS, OLDEST, UPLOADED, Criteria, Span, bounds
from studio.galleries.search.words import words

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

_NUMBER = "SELECT number FROM galleries_search_row WHERE artifact_id"
_SHAPE = "CASE WHEN {row}.width > {row}.height THEN 'landscape' WHEN {row}.width < {row}.height THEN 'portrait' ELSE 'square' END"
_SCOPE = (
    "'t' || {row}.team_id || ' e' || hex({row}.engine) || ' m' || hex({row}.mode)"
    " || ' k' || substr({row}.mime, 1, instr({row}.mime, '/') - 1) || coalesce(' p' || {row}.user_id, '')"
    f" || coalesce(' s' || {{row}}.seed, '') || coalesce(' z' || {{row}}.width || 'x' || {{row}}.height || ' f' || {_SHAPE}, '')"
)
"""Team, engine, mode, kind, person, seed, size and shape as words: letters and digits only, in a column of their own."""
_ADD = f"""
    INSERT INTO galleries_search (rowid, prompt, tags, scope)
    SELECT number, new.prompt, new.tags, {_SCOPE.format(row="new")}
    FROM galleries_search_row WHERE artifact_id = new.id AND new.deleted_at IS NULL;"""
_TAKE = f"""
    INSERT INTO galleries_search (galleries_search, rowid, prompt, tags, scope)
    SELECT 'delete', number, old.prompt, old.tags, {_SCOPE.format(row="old")}
    FROM galleries_search_row WHERE artifact_id = old.id AND old.deleted_at IS NULL;"""

_EMOJI = "".join(map(chr, range(0x1F000, 0x1FB00)))
"""Named as separators: the tokenizer's Unicode is that of 2012, and what it has not heard of would be a letter."""
_TOKENIZER = f"unicode61 remove_diacritics 2 separators ''{_EMOJI}''"

_CREATE = (
    "CREATE TABLE galleries_search_row (number integer PRIMARY KEY AUTOINCREMENT, artifact_id char(32) NOT NULL UNIQUE)",
    f"CREATE VIRTUAL TABLE galleries_search USING fts5 (prompt, tags, scope, content='', prefix='1 2 3', tokenize='{_TOKENIZER}')",
    f"""CREATE TRIGGER galleries_search_insert AFTER INSERT ON generation_artifact BEGIN
    INSERT INTO galleries_search_row (artifact_id) VALUES (new.id);{_ADD}
    END""",
    f"""CREATE TRIGGER galleries_search_update AFTER UPDATE OF
    prompt, tags, team_id, engine, mode, mime, user_id, seed, width, height, deleted_at ON generation_artifact BEGIN
    {_TAKE}{_ADD}
    END""",
    f"""CREATE TRIGGER galleries_search_delete AFTER DELETE ON generation_artifact BEGIN
    {_TAKE}
    DELETE FROM galleries_search_row WHERE artifact_id = old.id;
    END""",
    "INSERT INTO galleries_search_row (artifact_id) SELECT id FROM generation_artifact ORDER BY id",
    f"""INSERT INTO galleries_search (rowid, prompt, tags, scope)
    SELECT row.number, new.prompt, new.tags, {_SCOPE.format(row="new")} FROM galleries_search_row AS row
    JOIN generation_artifact AS new ON new.id = row.artifact_id WHERE new.deleted_at IS NULL ORDER BY row.number""",
    "INSERT INTO galleries_search (galleries_search) VALUES ('optimize')",
)
_DROP = (
    "DROP TRIGGER IF EXISTS galleries_search_insert",
    "DROP TRIGGER IF EXISTS galleries_search_update",
    "DROP TRIGGER IF EXISTS galleries_search_delete",
    "DROP TABLE IF EXISTS galleries_search",
    "DROP TABLE IF EXISTS galleries_search_row",
)


def remove(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for statement in _DROP:
            cursor.execute(statement)


def install(connection: BaseDatabaseWrapper) -> None:
    """Make index and triggers anew and put every artifact into the index; about 2 s for 100,000."""
    remove(connection)
    with connection.cursor() as cursor:
        for statement in _CREATE:
            cursor.execute(statement)


def find(
    connection: BaseDatabaseWrapper,
    team_id: int,
    criteria: Criteria,
    span: Span,
    limit: int,
    among: QuerySet[Any] | None,
    few: bool,
) -> list[uuid.UUID]:
    conditions, values = ["galleries_search MATCH %s"], [_match(team_id, criteria)]
    for sign, place in bounds(criteria, span):
        conditions.append(_BOUNDS[sign])
        values.append(place.hex)
    if among is not None:
        rows = among.values("artifact_id") if few else among.filter(artifact_id=RawSQL("row.artifact_id", ())).values("pk")
        sql, more = rows.query.get_compiler(connection=connection).as_sql()
        # The plus: FTS5 would begin its search anew for each of the numbers.
        conditions.append(f"+galleries_search.rowid IN ({_NUMBER} IN ({sql}))" if few else f"EXISTS ({sql})")
        values += more
    direction = "ASC" if span.upwards != (criteria.sort == OLDEST) else "DESC"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row.artifact_id FROM galleries_search CROSS JOIN galleries_search_row AS row ON row.number = galleries_search.rowid"
            f" WHERE {' AND '.join(conditions)} ORDER BY galleries_search.rowid {direction} LIMIT %s",
            [*values, limit],
        )
        return [uuid.UUID(hex=found) for (found,) in cursor.fetchall()]


_BOUNDS = {
    "<": f"galleries_search.rowid < coalesce(({_NUMBER} >= %s ORDER BY artifact_id LIMIT 1), 9223372036854775807)",
    ">=": f"galleries_search.rowid >= ({_NUMBER} >= %s ORDER BY artifact_id LIMIT 1)",
    ">": f"galleries_search.rowid > coalesce(({_NUMBER} <= %s ORDER BY artifact_id DESC LIMIT 1), 0)",
    "<=": f"galleries_search.rowid <= ({_NUMBER} <= %s ORDER BY artifact_id DESC LIMIT 1)",
}
"""By the number of the named picture or, once that is gone for good, of its neighbour on the far side of the bound."""


def _match(team_id: int, criteria: Criteria) -> str:
    """An FTS5 expression in which whatever a person typed stands between quotes and has none itself."""
    sought = [f'{{prompt tags}}:"{word.text}"{" *" if word.prefix else ""}' for word in words(criteria.text)]
    return " AND ".join([f'scope:"{word}"' for word in (f"t{team_id}", *_scope(criteria))] + sought)


def _scope(criteria: Criteria) -> Iterator[str]:
    """The words for all but the text that a picture's own row can tell."""
    if criteria.engine:
        yield f"e{criteria.engine.encode().hex()}"
    if criteria.mode:
        yield "m" if criteria.mode == UPLOADED else f"m{criteria.mode.encode().hex()}"
    if criteria.person is not None:
        yield f"p{criteria.person}"
    if criteria.kind:
        yield f"k{KINDS[criteria.kind]}"
    if criteria.size:
        yield f"z{criteria.size[0]}x{criteria.size[1]}"
    if criteria.shape:
        yield f"f{criteria.shape}"
    if criteria.seed is not None:
        yield f"s{criteria.seed}"
