"""Connections to PostgreSQL that died while nobody used them, or are lent by a proxy. SQLite has no server that could cut one."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psycopg
import psycopg_pool
import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from studio.postgresql import pool as pools
from studio.postgresql.pool import Pool
from tests.studio.test_database import cut_all
from tests.studio.test_environment import run_manage

MANY = 6
"""More than the pool would find out one after the other within the time that a request may wait."""


@pytest.mark.django_db(transaction=True)
def test_connections_that_the_server_cut_are_given_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a restart of the database: every process has some that wait in its pool. Seen to fail with Django's own wrapper."""
    if connection.vendor == "postgresql":
        taken = [connection.pool.getconn() for _ in range(MANY)]
        for one in taken:
            connection.pool.putconn(one)
    assert User.objects.count() == 0
    if connection.vendor == "postgresql":
        connection.close()  # back to the pool
        assert cut_all() >= MANY
        monkeypatch.setattr(connection.pool, "timeout", 5)
    assert User.objects.count() == 0
    assert settings.DATABASES["default"].get("CONN_HEALTH_CHECKS", False) is (connection.vendor == "postgresql")


@contextmanager
def relay(host: str, port: int) -> Iterator[tuple[int, threading.Event]]:
    """A port that leads to the server, until the event is set: then what is sent over it is taken, and nothing comes back."""
    silent, ends = threading.Event(), []

    def carry(source: socket.socket, target: socket.socket, may_fall_silent: bool) -> None:
        try:
            while data := source.recv(65536):
                if not (may_fall_silent and silent.is_set()):
                    target.sendall(data)
        except OSError:
            pass

    def meet() -> None:
        while True:
            try:
                near, _ = door.accept()
            except OSError:
                return
            far = socket.create_connection((host, port))
            ends.extend((near, far))
            for one in ((near, far, False), (far, near, True)):
                threading.Thread(target=carry, args=one, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=meet, daemon=True).start()
        yield door.getsockname()[1], silent
        door.shutdown(socket.SHUT_RDWR)
    for end in ends:
        end.close()


@pytest.mark.django_db(transaction=True)
def test_a_server_that_vanished_without_a_word_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a failover behind a proxy, which goes on taking what is sent. Seen to hang with psycopg's own check."""
    monkeypatch.setattr(pools, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(pools, "WHILE_AWAY", 60)
    if connection.vendor != "postgresql":
        near, far = socket.socketpair()
        line = SimpleNamespace(socket=near.fileno(), send_query=near.send, is_busy=lambda: True, consume_input=lambda: None)
        with near, far, pytest.raises(psycopg.OperationalError, match=r"did not answer within 0\.2 s"):
            Pool.check_connection(SimpleNamespace(pgconn=line, _pool=None))
        return
    where = connection.get_connection_params()
    with relay(where.get("host", "127.0.0.1"), int(where.get("port", 5432))) as (port, silent):
        how = {name: where[name] for name in ("dbname", "user", "password") if name in where}
        kwargs = {**how, "host": "127.0.0.1", "port": port, "autocommit": True, "connect_timeout": 2}
        with Pool(kwargs=kwargs, min_size=2, max_size=4, check=Pool.check_connection, open=True) as pool:
            pool.wait()
            with pool.connection() as one:
                assert one.execute("SELECT 1").fetchone() == (1,)
            silent.set()
            with pytest.raises(psycopg_pool.PoolTimeout):
                pool.getconn(timeout=0.5)
            silent.clear()
            with pool.connection(timeout=60) as one:
                assert one.execute("SELECT 1").fetchone() == (1,)


def test_after_one_who_waited_in_vain_the_next_wait_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "WHILE_AWAY", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Pool(f"postgresql://127.0.0.1:{port}/none", min_size=0, max_size=1, timeout=0.05, open=True) as pool:
        for seconds in ("0.05", "0.01"):
            with pytest.raises(psycopg_pool.PoolTimeout, match=f"after {seconds} sec"):
                pool.getconn()


@pytest.mark.django_db(transaction=True)
def test_rows_are_read_by_a_cursor_of_the_server_in_a_transaction_only() -> None:
    """A proxy that lends connections by the transaction takes each step of another on another connection."""
    with connection.chunked_cursor() as alone:
        assert getattr(alone.cursor, "name", None) is None
    with transaction.atomic(), connection.chunked_cursor() as within:
        assert bool(getattr(within.cursor, "name", None)) is (connection.vendor == "postgresql")


TELL = "import json; from django.db import connection as c; c.get_connection_params(); print(json.dumps(c.settings_dict['OPTIONS']))"


def test_a_silent_server_is_found_out_by_the_system_too(tmp_path: Path) -> None:
    """Where a request waits for its answer. What the address says comes first."""
    address = "postgres://u:p@127.0.0.1:9/studio?connect_timeout=9"
    done = run_manage("shell", "--no-imports", "-c", TELL, data_dir=tmp_path, DATABASE_URL=address)
    assert done.returncode == 0, done.stderr
    options = json.loads(done.stdout)
    assert (options["connect_timeout"], options["tcp_user_timeout"]) == (9, 15_000)
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] <= 30
