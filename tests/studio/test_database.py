"""A database that ends connections, or has none free: the next request works, or says in words that it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import psycopg_pool
import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from accounts.models import User
from studio.outages import database_is_away
from tests.galleries.test_refusals import words

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def cut_all() -> int:
    """End every connection to the tests' database, as a restart of PostgreSQL does; how many. SQLite has none that could be ended."""
    if connection.vendor == "postgresql":
        where = connection.get_connection_params()
        where.pop("cursor_factory", None)
        with psycopg.connect(**{name: where[name] for name in ("dbname", "user", "password", "host", "port") if name in where}) as other:
            return len(other.execute(CUT).fetchall())
    return 0


@contextmanager
def all_taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As when as many requests as the pool has connections wait for something else; on SQLite, what such a pool answers."""
    connection.close()
    if connection.vendor != "postgresql":

        def none_free(*_: object) -> None:
            raise OperationalError("couldn't get a connection") from psycopg_pool.PoolTimeout("couldn't get a connection after 0.01 sec")

        with monkeypatch.context() as patch:
            patch.setattr(connection, "cursor", none_free)
            yield
        return
    pool = connection.pool
    pool.open()
    taken = [pool.getconn() for _ in range(pool.max_size)]
    try:
        with monkeypatch.context() as patch:
            patch.setattr(pool, "timeout", 0.01)
            yield
    finally:
        for one in taken:
            pool.putconn(one)


@pytest.mark.django_db(transaction=True)
def test_the_request_after_connections_were_ended_works(alice: User, client_of: Callable[..., Client]) -> None:
    """Seen to fail without CONN_HEALTH_CHECKS."""
    browser = client_of(alice)
    connection.close()  # as at the end of a request: it is back in the pool
    cut_all()
    assert browser.get("/library/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_page_says_that_none_is_free(alice: User, client_of: Callable[..., Client], monkeypatch) -> None:
    browser = client_of(alice, raise_request_exception=False)
    with all_taken(monkeypatch):
        page = browser.get("/library/")
    assert (page.status_code, page["Retry-After"]) == (503, "10")
    assert "The studio cannot answer right now" in words(page)
    assert "Try again in a moment" in words(page)
    assert browser.get("/library/").status_code == 200


def caused(kind: type[Exception], cause: Exception) -> Exception:
    error = kind("said")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (caused(OperationalError, psycopg.errors.AdminShutdown()), True),
        (caused(OperationalError, psycopg.errors.CannotConnectNow()), True),
        (caused(OperationalError, psycopg.errors.ConnectionFailure()), True),
        (caused(OperationalError, psycopg.errors.TooManyConnections()), True),
        (caused(OperationalError, psycopg.OperationalError("the connection is closed")), True),
        (caused(InterfaceError, psycopg.InterfaceError("connection already closed")), True),
        (caused(OperationalError, psycopg_pool.PoolTimeout()), True),
        (caused(OperationalError, psycopg.errors.DiskFull()), False),
        (caused(OperationalError, psycopg.errors.QueryCanceled()), False),
        (caused(OperationalError, psycopg.errors.DeadlockDetected()), False),
        (OperationalError("database is locked"), False),
        (KeyError("mode"), False),
        (None, False),
    ],
)
def test_what_counts_as_away(error: Exception | None, away: bool) -> None:
    assert database_is_away(error) is away
