"""Reads of the event loop: in the one thread that asgiref keeps for code that must not run in two at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection

T = TypeVar("T")


async def in_database_thread(work: Callable[..., T], *args: Any) -> T:
    """Return `work(*args)`, done in that thread. Raises what it raises.

    Unlike `channels.db.database_sync_to_async` this keeps SQLite's connection open from one read to the next: to open it costs as much as
    a read. A PostgreSQL connection goes back to its pool.
    """

    def tidily() -> T:
        try:
            return work(*args)
        finally:
            if connection.vendor != "sqlite":
                close_old_connections()
            elif connection.errors_occurred:
                connection.close()

    return await sync_to_async(tidily)()
