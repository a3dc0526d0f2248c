"""The database as one file, and back: PostgreSQL by its own tools, SQLite by its own copying."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection, connections
from django.db.backends.postgresql.client import DatabaseClient

SUFFIX = {"postgresql": "dump", "sqlite": "sqlite3"}
"""How the file ends: PostgreSQL's custom format, or a database of SQLite."""


class DatabaseRefused(Exception):
    """What stood in the way, as a sentence for the operator."""


def suffix() -> str:
    return SUFFIX[connection.vendor]


def dump(path: Path) -> None:
    """Write the whole database, as it is at one moment, into a new file; nobody waits meanwhile. Raises `DatabaseRefused`, OSError.

    The name appears only when the file is complete.
    """
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # it holds what people wrote, and their password hashes
    if connection.vendor == "postgresql":
        _postgres("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}")
    else:
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=20)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(path)


def is_empty() -> bool:
    """Whether nobody's tables are there yet."""
    return not connection.introspection.table_names()


def load(path: Path) -> None:
    """Fill the empty database from a file of `dump`; all of it or nothing. Raises `DatabaseRefused`, OSError."""
    if path.suffix != f".{suffix()}":
        raise DatabaseRefused(f"{path.name} is not a copy of {connection.display_name}, which DATABASE_URL names.")
    if connection.vendor == "postgresql":
        _postgres("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(path))
        return
    if not _is_whole(path):
        raise DatabaseRefused(f"{path.name} is damaged, and nothing was restored: choose another copy.")
    name = Path(connection.settings_dict["NAME"])
    connections.close_all()
    for left in (name, *(name.with_name(name.name + end) for end in ("-wal", "-shm"))):
        left.unlink(missing_ok=True)  # an empty database that was only just made by looking
    part = name.with_name(f"{name.name}.part")
    shutil.copyfile(path, part)
    part.rename(name)


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as copy:
            return [row for (row,) in copy.execute("PRAGMA quick_check")] == ["ok"]
    except sqlite3.DatabaseError:
        return False


def _postgres(program: str, *words: str) -> None:
    """Run one of PostgreSQL's tools on the studio's database; its password is in no command line."""
    arguments, environment = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    *where, name = arguments[1:]  # the first names psql, the last the database
    command = [program, *where, "--no-password", f"--dbname={name}", *words]
    try:
        done = subprocess.run(command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise DatabaseRefused(f"{program} is not installed here: install PostgreSQL's client, of the server's version or newer.") from None
    if done.returncode:
        raise DatabaseRefused(f"{program} stopped: {done.stderr.strip() or f'exit status {done.returncode}'}")
