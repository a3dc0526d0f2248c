"""Several machines that start at once, and tables that one of them changes."""

from __future__ import annotations

import threading
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from studio.processes import prepare
from tests.clock import set_clock

pytestmark = pytest.mark.django_db(transaction=True)


def another_machine() -> psycopg.Connection:
    given = connection.get_connection_params()
    address = {name: given[name] for name in ("dbname", "user", "password", "host", "port") if name in given}
    return psycopg.connect(**address, autocommit=True)


def test_who_waits_for_the_tables_holds_up_no_index_that_is_made_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """With SQLite there is one machine, which waits for nobody."""
    asked, began, let_go = threading.Event(), threading.Event(), threading.Event()

    def pause(seconds: float) -> None:
        asked.set()
        assert let_go.wait(60)

    set_clock(monkeypatch, prepare, sleep=pause)

    def start() -> None:
        with prepare._alone():
            began.set()
        connection.close()

    waiting = threading.Thread(target=start)
    if connection.vendor == "sqlite":
        waiting.start()
    else:
        with another_machine() as other:
            other.execute("SELECT pg_advisory_lock(%s)", [prepare.ONE_AT_A_TIME])
            waiting.start()
            assert asked.wait(60)
            other.execute("CREATE INDEX CONCURRENTLY made_meanwhile ON generation_job (finished_at)")
            other.execute("DROP INDEX made_meanwhile")
            assert not began.is_set()
            other.execute("SELECT pg_advisory_unlock(%s)", [prepare.ONE_AT_A_TIME])
            let_go.set()
    waiting.join(60)
    assert began.is_set()


def test_the_command_for_several_machines_waits_for_the_one_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """`entrypoint migrate` runs it. What it would do is done only while it has the lock."""
    held, told = [], StringIO()

    def look() -> int:
        if connection.vendor == "postgresql":
            with another_machine() as other, other.execute("SELECT pg_try_advisory_lock(%s)", [prepare.ONE_AT_A_TIME]) as found:
                held.append(found.fetchall() == [(False,)])
        else:
            held.append(True)
        return 0

    monkeypatch.setattr(prepare, "pending_migrations", look)
    call_command("prepare_database", stdout=told)

    assert held == [True]
    assert told.getvalue() == "The database is up to date.\n"


def test_the_index_of_what_ended_is_there_and_is_good() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'job_ended'::regclass")
        else:
            cursor.execute("SELECT count(*) = 1 FROM sqlite_master WHERE type = 'index' AND name = 'job_ended'")
        assert cursor.fetchone() in ((True,), (1,))
