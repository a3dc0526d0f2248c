"""What a page shows once: the secret of a new key. And a form that is sent twice asks once.

A secret is kept in the cache for some minutes, under a name that only the session of whoever made it knows; never in the database, which
has a hash, and never in an address. The first look takes it away.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.core.cache import cache

from accounts.requests import SignedInRequest
from studio.outages import redis_outage

PATIENCE = 600
"""Seconds that a secret waits to be looked at, and that a form sent again is known."""
SESSION_KEY = "secrets"
LONGEST = 64
AWAY = "A new secret cannot be shown just now: the studio's cache does not answer. No key was made; try again in a minute."


def can_keep() -> bool:
    """Whether what is kept now will be found by whichever process draws the next page: not while the cache that they share is away.

    Asked before a secret is made, for one that nobody can be shown is lost. It asks the cache, so that an old answer does not count.
    """
    cache.get(_place("anybody"))
    return not redis_outage.is_on


def keep(request: SignedInRequest, name: str, told: dict[str, Any]) -> None:
    """Have the page called `name` show what is `told`, once."""
    handle = secrets.token_urlsafe(24)
    cache.set(_place(handle), told, PATIENCE)
    request.session[SESSION_KEY] = {**request.session.get(SESSION_KEY, {}), name: handle}


def take(request: SignedInRequest, name: str) -> dict[str, Any] | None:
    """What was kept for that page; None when it was looked at, or waited too long. Of two that ask at once one is told."""
    handles = dict(request.session.get(SESSION_KEY, {}))
    handle = handles.pop(name, None)
    if handle is None:
        return None
    request.session[SESSION_KEY] = handles
    told: dict[str, Any] | None = cache.get(_place(handle))
    return told if told is not None and cache.delete(_place(handle)) else None


def ticket() -> str:
    """What a form carries, so that it is known again."""
    return secrets.token_urlsafe(16)


def first(request: SignedInRequest, ticket: str) -> bool:
    """Whether this form is sent for the first time. One without a ticket always is."""
    return not ticket or bool(cache.add(_sent(request, ticket), "", PATIENCE))


def came_of(request: SignedInRequest, ticket: str) -> str:
    """What the form led to that was sent before: an address; empty while it is not known."""
    return str(cache.get(_sent(request, ticket), ""))


def leads(request: SignedInRequest, ticket: str, address: str) -> None:
    if ticket:
        cache.set(_sent(request, ticket), address, PATIENCE)


def forget(request: SignedInRequest, ticket: str) -> None:
    """It led to nothing, and may be sent again."""
    if ticket:
        cache.delete(_sent(request, ticket))


def _place(handle: str) -> str:
    return f"developers:once:{handle}"


def _sent(request: SignedInRequest, ticket: str) -> str:
    return f"developers:sent:{request.user.pk}:{ticket[:LONGEST]}"
