"""The index of prompts is made by the last migration alone: from nothing, and over one that an earlier version of the studio left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import Team, User
from studio.galleries import search
from studio.galleries.criteria import Criteria, Span
from studio.generation.models import Artifact
from tests.factories import make_artifact

BEFORE, NOW = ("galleries", "0004_index_prompts_anew"), ("galleries", "0005_index_prompts_and_tags")

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*target: str | None) -> None:
    MigrationExecutor(connection).migrate([target])


@pytest.fixture(autouse=True)
def back_to_the_end() -> Iterator[None]:
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def found(team: Team, text: str) -> int:
    return len(search.find(team.pk, Criteria(text=text), span=Span(), limit=9))


def index_of_an_earlier_version() -> None:
    """What 0001 to 0004 made before they did nothing: prompts only."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE generation_artifact ADD COLUMN galleries_words tsvector")
            return
        cursor.execute("CREATE TABLE galleries_search_row (number integer PRIMARY KEY AUTOINCREMENT, artifact_id char(32) NOT NULL UNIQUE)")
        cursor.execute("CREATE VIRTUAL TABLE galleries_search USING fts5 (prompt, scope, content='')")
        cursor.execute(
            "CREATE TRIGGER galleries_search_insert AFTER INSERT ON generation_artifact BEGIN"
            " INSERT INTO galleries_search_row (artifact_id) VALUES (new.id); END"
        )


def test_forwards_over_the_index_of_an_earlier_version(team: Team, alice: User) -> None:
    migrate(*BEFORE)
    index_of_an_earlier_version()
    picture = make_artifact(team, alice, prompt="a red sailboat", files=False)
    Artifact.objects.filter(pk=picture.pk).update(tags="poster")
    migrate(*NOW)
    assert (found(team, "red"), found(team, "poster"), found(team, "red poster")) == (1, 1, 1)
    make_artifact(team, alice, prompt="red too", files=False)
    assert found(team, "red") == 2


def test_backwards_leaves_nothing_and_from_nothing_it_is_made(team: Team, alice: User) -> None:
    migrate("galleries", None)
    make_artifact(team, alice, prompt="a red sailboat", files=False)
    with connection.cursor() as cursor:
        columns = [one.name for one in connection.introspection.get_table_description(cursor, "generation_artifact")]
        assert "galleries_words" not in columns
        assert not [name for name in connection.introspection.table_names(cursor) if name.startswith("galleries_")]
    migrate(*NOW)
    assert found(team, "red") == 1
