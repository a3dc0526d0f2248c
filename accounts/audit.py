"""The log of a team: who did what. A service writes its line in the transaction of the change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, Team, User
from accounts.querysets import AuditQuerySet

PAGE = 50
"""Entries on a page of the log."""
SAME_ACT = timedelta(minutes=10)
"""A script brings the files of one upload one by one: those that come within this time of the first are told in one line."""
HEAD = ("Time", "Who", "Address", "Action", "What", "With the key")
"""The columns of `rows`."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula: people choose their names."""

_KEY: ContextVar[ApiKey | None] = ContextVar("api_key", default=None)
"""What the program that is served now asks with; threads and tasks of one request see the same."""


@contextmanager
def acting_with(key: ApiKey | None) -> Iterator[None]:
    """What is recorded inside was done by a program with this key; None: by the person themselves.

    It may end in another context than it began in, as a request does that a thread served: so what was is set, and no token given back.
    """
    before = _KEY.get()
    _KEY.set(key)
    try:
        yield
    finally:
        _KEY.set(before)


def record(team: Team, actor: User | None, action: str, text: str) -> AuditEntry:
    """Add a line. `action` is a code of a noun and a verb (`member.removed`); `text` goes on after the actor's name ("removed Bob Member").

    Without an actor it was the studio itself, whoever set it off.
    """
    key = _KEY.get() if actor else None
    return AuditEntry.objects.create(
        team=team,
        actor=actor,
        actor_name=str(actor or "The studio")[:120],
        action=action,
        text=text[:300],
        api_key=key,
        via=key.name if key else "",
    )


def count(team: Team, actor: User, action: str, text: str) -> AuditEntry:
    """Add a line, or make the number in the actor's last one of that action one more, if it is from the same act: less than `SAME_ACT` old.

    `text` has a `{}` for the number. Within a transaction that holds the team's row, so that none is lost.
    """
    since = timezone.now() - SAME_ACT
    last = AuditEntry.objects.of_team(team).filter(actor=actor, action=action, api_key=_KEY.get(), created_at__gt=since).first()
    if last is None:
        return record(team, actor, action, text.format(1))
    number = int(re.sub(r"\D", "", last.text) or 0) + 1
    last.text = text.format(f"{number:,}")
    last.save(update_fields=["text"])
    return last


def rows(entries: AuditQuerySet) -> Iterator[tuple[str, ...]]:
    """The entries as lines of a spreadsheet; times are UTC."""
    for entry in entries.select_related("actor").iterator(2000):
        cells = (entry.actor_name, entry.actor.email if entry.actor else "", entry.action, entry.text, entry.via)
        yield (f"{entry.created_at:%Y-%m-%d %H:%M:%S}", *(f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells))
