"""`make scaled`: what it says of servers that do not answer, that it makes its database, and that `make restart` means the same studio."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from studio.processes import services
from tests.browser.running import ROOT
from tests.processes.running_scaled import Databases

CLOSED = "127.0.0.1:9"
"""Port 9, discard: nobody listens there."""


@pytest.fixture
def databases() -> Databases:
    return Databases(os.environ["DATABASE_URL"])


def test_the_database_is_made_when_it_is_missing_and_kept_when_it_is_there(databases, capsys):
    name = f"atelier_{uuid.uuid4().hex[:12]}"
    try:
        assert services.ask_postgresql(databases.address(name)) == ""
        assert f"Made the database {name} at" in capsys.readouterr().out
        assert services.ask_postgresql(databases.address(name)) == ""
        assert capsys.readouterr().out == ""
    finally:
        databases.drop(name)


def test_a_postgresql_that_does_not_answer_is_explained_without_its_password():
    told = services.ask_postgresql(f"postgres://me:secret@{CLOSED}/atelier")
    assert told.startswith(f"PostgreSQL does not answer at {CLOSED} (Connection refused).\n")
    assert "docker run -d --name atelier-db" in told
    assert "secret" not in told


def test_a_redis_that_does_not_answer_is_explained():
    assert services.ask_redis(os.environ["REDIS_URL"]) == ""
    told = services.ask_redis(f"redis://:secret@{CLOSED}/0")
    assert told.startswith(f"Redis does not answer at {CLOSED} (")
    assert "sudo apt install redis-server" in told
    assert "secret" not in told


def test_a_user_that_postgresql_does_not_know_is_said_so():
    there = urlsplit(os.environ["DATABASE_URL"])
    told = services.ask_postgresql(there._replace(netloc=f"nobody:secret@{services.where(there.geturl())}").geturl())
    assert told.startswith(
        f'PostgreSQL at {services.where(there.geturl())} answers, but refuses the connection: role "nobody" does not exist.'
    )
    assert "docker" not in told
    assert "superuser" not in told
    assert "secret" not in told


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('connection failed: connection to server at "db", port 5432 failed: FATAL:  password authentication failed for user "me"', None),
        ('connection failed: connection to server at "db", port 5432 failed: fe_sendauth: no password supplied', "it wants a password"),
    ],
)
def test_a_password_that_is_wrong_or_missing_is_no_server_that_is_silent(said: str, reason: str | None):
    expected = reason or 'password authentication failed for user "me"'
    assert services.why_not(psycopg.OperationalError(said)) == (services.REFUSED_BY_POSTGRESQL, expected)


@pytest.mark.parametrize(
    "url", ["sqlite:////tmp/x.sqlite3", "atelier", "postgres://me:sec/ret@db/atelier", "postgres://me:secret@db/a?colour=red"]
)
def test_another_address_than_one_of_postgresql_is_said_so_and_not_repeated(url: str):
    assert services.ask_postgresql(url) == services.NOT_POSTGRESQL


@pytest.mark.parametrize("url", ["http://cache", "redis://:sec/ret@cache:6379/0", "redis://cache?db=red"])
def test_another_address_than_one_of_redis_is_said_so_and_not_repeated(url: str):
    assert services.ask_redis(url) == services.NOT_REDIS


def test_a_redis_that_wants_another_password_does_answer():
    there = urlsplit(os.environ["REDIS_URL"])
    told = services.ask_redis(there._replace(netloc=f"nobody:secret@{services.where(there.geturl())}").geturl())
    assert told.startswith(f"Redis at {services.where(there.geturl())} answers, but refuses the connection: ")
    assert "secret" not in told


def test_nothing_is_started_when_neither_answers(tmp_path: Path):
    given = {"DATABASE_URL": f"postgres://me@{CLOSED}/atelier", "REDIS_URL": f"redis://{CLOSED}/0"}
    environment = {**os.environ, **given, "STUDIO_DATA_DIR": str(tmp_path / "data"), "STUDIO_ENV_FILE": os.devnull}
    command = [sys.executable, "-m", "studio.processes.services", "up"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PostgreSQL does not answer" in done.stderr
    assert "Redis does not answer" in done.stderr


def test_the_secret_key_is_made_once_and_is_its_owners_alone(tmp_path, monkeypatch):
    for name in ("STUDIO_SECRET_KEY", "STUDIO_SECRET_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STUDIO_ENV_FILE", os.devnull)
    monkeypatch.setenv("STUDIO_DATA_DIR", str(tmp_path / "data"))
    first = Path(services.variables()["STUDIO_SECRET_KEY_FILE"])
    key = first.read_text()
    assert len(key) >= 50
    assert first.stat().st_mode & 0o777 == 0o600
    assert Path(services.variables()["STUDIO_SECRET_KEY_FILE"]).read_text() == key


def test_other_commands_are_told_where_the_studio_is_but_no_password():
    local = {"STUDIO_DATA_DIR": str(ROOT / "data-scaled"), "DATABASE_URL": services.DATABASE_URL, "REDIS_URL": services.REDIS_URL}
    local["DATABASE_URL"] = local["DATABASE_URL"].format(user=services._user())
    assert services.beside(local, set()) == (
        f"Other commands beside it: STUDIO_DATA_DIR=data-scaled DATABASE_URL={local['DATABASE_URL']} "
        "REDIS_URL=redis://127.0.0.1:6379/0 .venv/bin/python manage.py …"
    )
    given = {
        "STUDIO_DATA_DIR": "/srv/my studio",
        "DATABASE_URL": "postgres://me:secret@db/atelier",
        "REDIS_URL": "redis://:secret@cache:6379/0",
    }
    assert services.beside(given, {"DATABASE_URL", "REDIS_URL", "STUDIO_SECRET_KEY"}) == (
        "Other commands beside it: STUDIO_DATA_DIR='/srv/my studio' DATABASE_URL=… REDIS_URL=… STUDIO_SECRET_KEY=… "
        ".venv/bin/python manage.py …"
    )
    # What `.env` says, every command reads for itself.
    assert services.beside(given, set()) == "Other commands beside it: STUDIO_DATA_DIR='/srv/my studio' .venv/bin/python manage.py …"


def test_a_restart_means_the_studio_that_was_started_so(tmp_path: Path):
    """Neither of them is told a key or a data folder's place by its caller."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_SECRET_KEY")}
    environment |= {"STUDIO_DATA_DIR": str(tmp_path / "data"), "STUDIO_ENV_FILE": os.devnull}
    command = [sys.executable, "-m", "studio.processes.services", "restart"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert f"No `manage.py up` runs from the data folder {tmp_path / 'data'} with Redis." in done.stderr
