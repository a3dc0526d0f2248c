"""What `manage.py up` asks of PostgreSQL and Redis before anything is started, and in whose words it tells what is wrong."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import CommandError
from django.db import OperationalError

from studio.generation.management.commands.up import ask_redis
from studio.processes import knocking
from studio.processes.knocking import knock
from tests.clock import set_clock
from tests.processes.running_scaled import POSTGRESQL
from tests.redis_server import OwnRedis


@pytest.fixture
def how() -> dict[str, Any]:
    """The server of these tests; of its databases any."""
    url = urlsplit(os.environ.get("DATABASE_URL") or POSTGRESQL)
    return {"host": url.hostname, "port": url.port or 5432, "user": url.username, "password": url.password, "dbname": "postgres"}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited, on a clock that goes by it alone."""
    found: list[float] = []
    set_clock(monkeypatch, knocking, sleep=found.append, monotonic=lambda: sum(found))
    return found


def test_one_that_answers_is_enough(how: dict[str, Any], pauses: list[float]) -> None:
    said: list[str] = []
    knock(how, said.append)
    assert (said, pauses) == ([], [])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"dbname": "no-such-studio"}, r'database "no-such-studio" does not exist\. Make it: createdb no-such-studio$'),
        ({"user": "nobody-here"}, r'role "nobody-here" does not exist|authentication failed'),
    ],
)
def test_what_no_waiting_mends_is_said_at_once(how: dict[str, Any], pauses: list[float], wrong: dict[str, Any], reason: str) -> None:
    said: list[str] = []
    with pytest.raises(OperationalError, match=reason):
        knock(how | wrong, said.append)
    assert (said, pauses) == ([], [])


def test_a_closed_port_is_waited_for_and_then_told(how: dict[str, Any], pauses: list[float]) -> None:
    said: list[str] = []
    with socket.socket() as taken:  # bound, so that nobody else gets it, and closed to all
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OperationalError, match="refused"):
            knock(how | {"host": "127.0.0.1", "port": taken.getsockname()[1]}, said.append)
    assert sum(pauses) == knocking.WAIT_SECONDS
    assert [line.startswith("Waiting for the database (connection failed: ") for line in said] == [True]


def test_a_server_that_only_starts_is_waited_for(how: dict[str, Any], pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["FATAL:  the database system is starting up", "FATAL:  the database system is not yet accepting connections"]
    really = psycopg.connect

    def connect(**given: Any) -> Any:
        if answers:
            raise psycopg.OperationalError(answers.pop(0))
        return really(**given)

    monkeypatch.setattr(knocking.psycopg, "connect", connect)
    said: list[str] = []
    knock(how, said.append)
    assert (len(pauses), said) == (2, ["Waiting for the database (FATAL: the database system is starting up)"])


def test_the_password_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(**given: Any) -> Any:
        raise psycopg.OperationalError(f"password authentication failed for {given}")

    monkeypatch.setattr(knocking.psycopg, "connect", connect)
    with pytest.raises(OperationalError) as raised:
        knock({"user": "studio", "password": "s3same-open"}, print)
    assert "s3same-open" not in str(raised.value)


def test_redis_says_itself_what_is_wrong_with_its_address(tmp_path: Path) -> None:
    server = OwnRedis(tmp_path).start("--databases", "16")
    assert ask_redis(server.url) == ""
    with pytest.raises(CommandError, match=r"no database of that number: .*out of range"):
        ask_redis(f"redis://127.0.0.1:{server.port}/99")
    assert "username-password" in ask_redis(f"redis://bob:s3same@127.0.0.1:{server.port}/0")
    server.kill()
    told = ask_redis(f"redis://:s3same@127.0.0.1:{server.port}/0")
    assert "refused" in told
    assert "s3same" not in told
