"""A rolling restart: every process of a supervisor gives way to a successor that runs the code which lies on the disk now.

Of programs that may overlap, the successor works before the old one is told to leave; when it does not come so far, the old ones stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Protocol

from studio.processes.program import Child, describe_end

READY_SECONDS = 180.0
"""A successor that has not said by then that it is ready is given up."""

LEAVE_SECONDS = 330.0
"""So long the old one may finish what it has begun: a web process 300 s and what goes before (`scaled_site.FINISH_SECONDS`)."""

Say = Callable[[str], None]
Waiting = Generator[float, None, None]
"""Goes on whenever something has happened, at the latest at the moment (of the monotonic clock) that it yields."""


class NotReplaced(Exception):
    """A successor is no good; the message says why, and what goes on."""


class Family(Protocol):
    """What the supervisor does for a restart."""

    children: list[Child]

    def insert(self, new: Child, *, beside: Child | None = None) -> None: ...

    def dismiss(self, child: Child, patience: float) -> None: ...


def replace_all(family: Family, say: Say) -> Waiting:
    """The site first: it shows whether the new code runs at all, before any worker is touched. Raises `NotReplaced`."""
    for old in sorted(family.children, key=lambda child: not child.program.essential):
        yield from _overlapping(family, old, say) if old.program.overlaps else _in_turn(family, old, say)
        say(f"{old.name}: new.")


def _overlapping(family: Family, old: Child, say: Say) -> Waiting:
    new = Child(old.program)
    new.on_trial = True
    say(f"{old.name}: the new process starts.")
    family.insert(new, beside=old)
    yield from _until_ready(family, new, "The old ones go on.")
    new.on_trial, new.was_ready = False, True
    say(f"{old.name}: the new process works; the old one finishes what it has begun.")
    family.dismiss(old, LEAVE_SECONDS)
    yield from _until_gone(family, old)


def _in_turn(family: Family, old: Child, say: Say) -> Waiting:
    say(f"{old.name}: the old process stops.")
    family.dismiss(old, old.program.patience)
    yield from _until_gone(family, old)
    new = Child(old.program)
    family.insert(new)
    yield from _until_ready(family, new, "It is tried again, as always.")


def _until_gone(family: Family, child: Child) -> Waiting:
    while child in family.children:
        yield time.monotonic() + LEAVE_SECONDS


def _until_ready(family: Family, new: Child, comfort: str) -> Waiting:
    deadline = time.monotonic() + READY_SECONDS
    while not new.is_ready:
        if not new.is_alive:
            raise NotReplaced(f"{new.name}: the new process {describe_end(new.last_status)}; its lines say why. {comfort}")
        if time.monotonic() > deadline:
            if new.on_trial:
                family.dismiss(new, new.program.patience)
            raise NotReplaced(f"{new.name}: the new process was not ready within {READY_SECONDS:.0f} s. {comfort}")
        yield deadline
