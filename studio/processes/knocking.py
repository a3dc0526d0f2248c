"""One plain connection before any other: the pool would keep the server's reason to itself."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import OperationalError

WAIT_SECONDS = 20.0
"""So long a server is waited for that only starts, or that is not there yet."""
ASK_SECONDS = 0.5
CONNECT_SECONDS = 5
_NEVER = re.compile(
    r"does not exist|authentication failed|no password supplied|no pg_hba.conf entry|not permitted to log in|permission denied"
)
"""What no waiting mends. libpq tells no SQLSTATE of a connection that failed; in another language than English it is waited for in vain."""
_DATABASE = re.compile(r'database "(?P<name>[^"]+)" does not exist')


def knock(how: dict[str, Any], say: Callable[[str], None]) -> None:
    """Wait until a connection of these parameters can be made. Raises Django's OperationalError with the server's own words."""
    until = time.monotonic() + WAIT_SECONDS
    waits = False
    while True:
        try:
            psycopg.connect(**{**how, "connect_timeout": CONNECT_SECONDS}).close()
        except psycopg.OperationalError as error:
            reason = _in_words(str(error), str(how.get("password") or ""))
            if _NEVER.search(reason) or time.monotonic() >= until:
                raise OperationalError(reason) from None
            if not waits:
                say(f"Waiting for the database ({reason})")
            waits = True
            time.sleep(ASK_SECONDS)
        else:
            return


def _in_words(reason: str, password: str) -> str:
    """On one line, without the password, and with what to do where that is known."""
    line = " ".join(reason.replace("Is the server running on that host and accepting TCP/IP connections?", "").split())
    if password:
        line = line.replace(password, "…")
    if missing := _DATABASE.search(line):
        line += f". Make it: createdb {missing['name']}"
    return line
