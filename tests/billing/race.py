"""Run calls at the same moment, each in its own thread with its own connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

PATIENCE = 120
"""Seconds after which a race counts as stuck."""


def at_once(*runners: tuple[Callable[[], Any], Callable[[Any], Any]]) -> list[Any]:
    """For each (read, act): call `read`, wait until everybody has read, then call `act` with what was read.

    Returns, in the order given, what each `act` returned or the exception that it raised.
    """
    everybody_has_read = threading.Barrier(len(runners))
    outcomes: list[Any] = [None] * len(runners)

    def run(number: int, read: Callable[[], Any], act: Callable[[Any], Any]) -> None:
        try:
            try:
                seen = read()
            except BaseException:
                everybody_has_read.abort()
                raise
            # A pool may have fewer connections than there are runners: give this one back before waiting for them.
            connection.close()
            everybody_has_read.wait(PATIENCE)
            outcomes[number] = act(seen)
        except Exception as error:  # noqa: BLE001  the outcome of this runner; the test looks at it
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number, *runner), daemon=True) for number, runner in enumerate(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "the race is stuck"
    return outcomes


def kinds(outcomes: Sequence[Any]) -> dict[str, int]:
    """How many outcomes there are of each class, by its name."""
    names = [type(outcome).__name__ for outcome in outcomes]
    return {name: names.count(name) for name in sorted(set(names))}
