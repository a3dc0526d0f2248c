"""Connections of long-lived threads, which no request ever tidies."""

from __future__ import annotations

from django.db import close_old_connections, connection


def tidy() -> None:
    """Between two pieces of work: give a PostgreSQL connection back to the pool, drop a broken one.

    SQLite's stays open: it is a file of ours, and opening it anew costs more than a claim. Within a transaction nothing is done: it
    would end there.
    """
    if connection.in_atomic_block:
        return
    if connection.vendor == "sqlite":
        if connection.errors_occurred:
            connection.close()
    else:
        close_old_connections()


def hang_up() -> None:
    """At the end of a thread."""
    connection.close()
