# ruff: noqa: S608 - SQL is put together from the constants of this module; every value is a parameter
"""Full text in PostgreSQL: a generated column of `generation_artifact`, so it cannot fall out of step, and a GIN index on it.

The column is not a field of the model: Django names the columns that it reads and writes. Pictures in the trash have no words. Before the
parser sees a prompt or a tag, accents are taken off (decomposed, marks removed) and ASCII punctuation becomes space: it would else read
"oil/ink" as a file and "a-b" as a compound. The words for team, engine and so on start with a slash, which no word of a prompt can.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import transaction

from studio.galleries.criteria import KINDS, OLDEST, UPLOADED, Criteria, Span, bounds
from studio.galleries.search.words import words

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

RECENT = 2000
"""Pictures at the near end of a span that are looked at one by one first: a common word fills its page there, and the index, which has
no order, is asked only for words too rare for that."""

_BY_THE_INDEX = "SET LOCAL enable_seqscan = off"
"""Of a word that a fifth of the pictures have, the planner would rather read the whole table: that takes four times as long."""

_PUNCTUATION = "!\"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~"
"""As it stands in SQL: the quote is doubled."""
_PLAIN = rf"translate(regexp_replace(normalize(prompt || ' ' || tags, NFD), '[\u0300-\u036f]', '', 'g'), '{_PUNCTUATION}', '{' ' * 32}')"
_SCOPE = (
    "'/t' || team_id, '/e' || engine, '/m' || mode, '/k' || split_part(mime, '/', 1), coalesce('/p' || user_id, '/'),"
    " coalesce('/s' || seed, '/'), coalesce('/z' || width || 'x' || height, '/'),"
    " CASE WHEN width > height THEN '/flandscape' WHEN width < height THEN '/fportrait' WHEN width = height THEN '/fsquare' ELSE '/' END"
)
_CREATE = (
    f"""ALTER TABLE generation_artifact ADD COLUMN galleries_words tsvector GENERATED ALWAYS AS (
    CASE WHEN deleted_at IS NULL THEN
    to_tsvector('simple'::regconfig, {_PLAIN}) || array_to_tsvector(ARRAY[{_SCOPE}])
    END) STORED""",
    "CREATE INDEX generation_artifact_words ON generation_artifact USING gin (galleries_words) WITH (fastupdate = off)",
)


def remove(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE generation_artifact DROP COLUMN IF EXISTS galleries_words")


def install(connection: BaseDatabaseWrapper) -> None:
    """Make column and index anew; the table is written once and locked meanwhile, about 7 s for 100,000 artifacts."""
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
    sought, terms = _query(team_id, criteria)
    limits = bounds(criteria, span)
    within, edges = "".join(f" AND id {sign} %s" for sign, _ in limits), [place for _, place in limits]
    only, members = _among(connection, among)
    direction = "ASC" if span.upwards != (criteria.sort == OLDEST) else "DESC"
    near = (
        "WITH near AS MATERIALIZED (SELECT id, galleries_words FROM generation_artifact WHERE team_id = %s AND deleted_at IS NULL"
        f"{within} ORDER BY id {direction} LIMIT {RECENT})"
        f" SELECT id FROM near WHERE galleries_words @@ ({sought}){only} ORDER BY id {direction} LIMIT %s"
    )
    far = (
        f"WITH found AS MATERIALIZED (SELECT id FROM generation_artifact WHERE galleries_words @@ ({sought}){within}{only})"
        f" SELECT id FROM found ORDER BY id {direction} LIMIT %s"
    )
    rows: list[tuple[uuid.UUID]] = []
    with connection.cursor() as cursor:
        if not few and limit <= RECENT:
            cursor.execute(near, [team_id, *edges, *terms, *members, limit])
            rows = cursor.fetchall()
        if len(rows) < limit:
            with transaction.atomic(using=connection.alias):
                cursor.execute(_BY_THE_INDEX)
                cursor.execute(far, [*terms, *edges, *members, limit])
                rows = cursor.fetchall()
    return [found for (found,) in rows]


def _among(connection: BaseDatabaseWrapper, among: QuerySet[Any] | None) -> tuple[str, list[Any]]:
    if among is None:
        return "", []
    sql, values = among.values("artifact_id").query.get_compiler(connection=connection).as_sql()
    return f" AND id IN ({sql})", list(values)


def _query(team_id: int, criteria: Criteria) -> tuple[str, list[str]]:
    """A tsquery as SQL and its values. Words of a person hold letters and digits only, so quoting them is enough."""
    values = [" & ".join(_quoted(word) for word in (f"/t{team_id}", *_scope(criteria)))]
    for word in words(criteria.text):
        bare = "".join(c for c in unicodedata.normalize("NFD", word.text) if not "\u0300" <= c <= "\u036f")
        values.append(f"{_quoted(bare)}{':*' if word.prefix else ''}")
    return "%s::tsquery" + " && to_tsquery('simple', %s)" * (len(values) - 1), values


def _scope(criteria: Criteria) -> Iterator[str]:
    """The words for all but the text that a picture's own row can tell."""
    if criteria.engine:
        yield f"/e{criteria.engine}"
    if criteria.mode:
        yield "/m" if criteria.mode == UPLOADED else f"/m{criteria.mode}"
    if criteria.person is not None:
        yield f"/p{criteria.person}"
    if criteria.kind:
        yield f"/k{KINDS[criteria.kind]}"
    if criteria.size:
        yield f"/z{criteria.size[0]}x{criteria.size[1]}"
    if criteria.shape:
        yield f"/f{criteria.shape}"
    if criteria.seed is not None:
        yield f"/s{criteria.seed}"


def _quoted(word: str) -> str:
    """A lexeme between quotes (PostgreSQL 15, 8.11.2)."""
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
