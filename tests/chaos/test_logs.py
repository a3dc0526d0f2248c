"""Errors are read out of what the processes said, the studio's lines and Python's own."""

from __future__ import annotations

import json

from tests.chaos import logs

TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n'


def line(**event: str) -> str:
    return f"web     | {json.dumps(event)}"


def test_each_traceback_is_counted_by_its_last_error() -> None:
    chained = (
        f"{TRACE}KeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\n{TRACE}ValueError: no: really"
    )
    said = [
        line(event="request_finished", code="200"),
        line(event="engine_crashed", crash=f"{TRACE}studio.backends.errors.EngineFailed: It did."),
        line(event="request_failed", exception=chained),
        line(event="request_failed", exception=f"{TRACE}django.db.utils.OperationalError: the connection is closed"),
        "worker  | Traceback (most recent call last):",
        'worker  |   File "x.py", line 1, in <module>',
        "worker  |     raise MemoryError",
        "worker  | MemoryError",
        "worker  | MemoryError: not one of a traceback",
        "worker ended with status 1; starting it again.",
    ]
    found = logs.errors(said)
    assert found == {
        "studio.backends.errors.EngineFailed": 1,
        "ValueError": 1,
        "django.db.utils.OperationalError": 1,
        "MemoryError": 1,
    }
    assert logs.surprises(found) == {"studio.backends.errors.EngineFailed": 1, "ValueError": 1, "MemoryError": 1}


def test_two_that_waited_for_each_other_are_a_surprise() -> None:
    """Although Django calls it by the name of a connection that was cut."""
    told = f"{TRACE}psycopg.errors.DeadlockDetected: deadlock detected\nDETAIL:  Process 1 waits\nCONTEXT:  while inserting\n\n"
    found = logs.errors(
        [line(event="api_failed", exception=f"{told}{TRACE}django.db.utils.OperationalError: deadlock detected\nHINT:  See")]
    )
    assert logs.surprises(found) == {"DeadlockDetected": 1}


def test_what_follows_from_a_kill_is_no_surprise() -> None:
    expected = [
        *("psycopg.errors.AdminShutdown", "django.db.utils.InterfaceError", "psycopg_pool.PoolTimeout"),
        *(
            "redis.exceptions.ConnectionError",
            "ConnectionRefusedError",
            "redis.exceptions.TimeoutError",
            "kombu.exceptions.OperationalError",
        ),
    ]
    assert logs.surprises(logs.errors(line(event="x", exception=f"{TRACE}{name}: gone") for name in expected)) == {}
