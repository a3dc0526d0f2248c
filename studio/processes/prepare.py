"""What has to be true before the processes of `manage.py up` start: tables as the code expects them, static files collected."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connections
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor

ONE_AT_A_TIME = 7_294_083_512
"""Name of PostgreSQL's advisory lock for whoever changes the tables; any number that nothing else uses."""
ASK_SECONDS = 0.5
"""How often those ask for it who have to wait."""


def prepare(say: Callable[[str], None]) -> None:
    """Bring database and data folder up to date; quick when they are. Raises what migrations and storages raise."""
    prepare_database(say)
    stamp = Path(settings.DATA_DIR) / "static.stamp"
    wanted = static_fingerprint()
    if not Path(settings.STATIC_ROOT).is_dir() or not stamp.is_file() or stamp.read_text() != wanted:
        say("Collecting static files")
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(wanted)
    connections.close_all()
    if isinstance(connection := connections["default"], PoolsConnections):
        connection.close_pool()  # a supervisor keeps no connection


def prepare_database(say: Callable[[str], None], verbosity: int = 0) -> None:
    """Bring the tables up to date, while no other machine does. Raises what migrations raise."""
    if isinstance(connection := connections["default"], PoolsConnections):
        from studio.processes.knocking import knock

        knock(connection.get_connection_params(), say)
    with _alone():
        if pending := pending_migrations():
            say(f"Preparing the database ({pending} {'step' if pending == 1 else 'steps'})")
            call_command("migrate", interactive=False, verbosity=verbosity)
    connections.close_all()


@runtime_checkable
class PoolsConnections(Protocol):
    """PostgreSQL's: SQLite has neither a pool nor other machines that prepare it."""

    def close_pool(self) -> None: ...

    def get_connection_params(self) -> dict[str, Any]: ...


@contextmanager
def _alone() -> Iterator[None]:
    """Of several machines that start at once, one changes the tables, and the others wait and find nothing to do.

    They ask again and again: a statement that waits is a transaction, for whose end an index that is made concurrently would wait in turn.
    """
    connection = connections["default"]
    if not isinstance(connection, PoolsConnections):
        yield
        return
    with connection.cursor() as cursor:  # held by the session, so that it ends with it, however it ends
        while not _has_lock(cursor):
            time.sleep(ASK_SECONDS)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])


def _has_lock(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [ONE_AT_A_TIME])
    [(has_it,)] = cursor.fetchall()
    return bool(has_it)


def pending_migrations() -> int:
    executor = MigrationExecutor(connections["default"])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def static_fingerprint() -> str:
    """A hash over name, size and time of every static file, and over what decides how they are stored."""
    digest = hashlib.sha256(repr((settings.STORAGES["staticfiles"], version("django"), version("whitenoise"))).encode())
    entries = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            entries.append((name, found.st_size, found.st_mtime_ns))
    for entry in sorted(entries):
        digest.update(repr(entry).encode())
    return digest.hexdigest()
