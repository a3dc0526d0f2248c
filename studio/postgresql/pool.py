"""Connections that threads share, by psycopg's pool: no thread waits long for a database that is known to be away, or to hang."""

from __future__ import annotations

import selectors
import time
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.pq import ExecStatus
from psycopg_pool import ConnectionPool, PoolTimeout

ANSWER_SECONDS = 5.0
"""A connection that lay in the pool answers within these, or is dead: its server needs a ten-thousandth of it."""
WHILE_AWAY = 2.0
"""Seconds that threads wait for a connection after one had waited in vain, until one gets one."""


class Pool(ConnectionPool[Connection[Any]]):
    """Django's pool with a check that ends, and short waits while the database is away."""

    _in_vain = False

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        """Raises PoolTimeout. Once somebody has waited for the whole time, the next wait `WHILE_AWAY`: with the full wait each, requests
        that all fail in the end would take every turn there is (`studio.asgi`)."""
        patience = self.timeout if timeout is None else timeout
        try:
            found = super().getconn(min(patience, WHILE_AWAY) if self._in_vain else patience)
        except PoolTimeout:
            self._in_vain = True
            raise
        self._in_vain = False
        return found

    @staticmethod
    def check_connection(conn: Connection[Any]) -> None:
        """Raise when a connection that lay in the pool is dead; then the others that lie there are made anew, too.

        The server seldom ends one alone: it was started anew, or a proxy was. The pool by itself would find the dead ones out one at a
        time, each time waiting twice as long, so that the request after a restart would wait for fifteen seconds and more, or fail.
        """
        try:
            _ask(conn, ANSWER_SECONDS)
        except Exception:
            pool: Any = conn._pool
            if isinstance(pool, ConnectionPool):
                pool.drain()
            raise


def _ask(connection: Connection[Any], seconds: float) -> None:
    """Send an empty query. Raises psycopg.OperationalError when the answer is another one, or has not come in time: psycopg's own would
    wait for ever for a server that vanished without a word, or stands behind a proxy that still takes what is sent."""
    line = connection.pgconn
    line.send_query(b"")
    until = time.monotonic() + seconds
    answers: list[ExecStatus] = []
    with selectors.DefaultSelector() as selector:
        selector.register(line.socket, selectors.EVENT_READ)
        while True:
            while not line.is_busy():
                if (answer := line.get_result()) is None:
                    if answers != [ExecStatus.EMPTY_QUERY]:
                        raise psycopg.OperationalError("the connection is not as it was left")
                    return
                answers.append(ExecStatus(answer.status))
            if not selector.select(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                raise psycopg.OperationalError(f"the server did not answer within {seconds:g} s")
            line.consume_input()
