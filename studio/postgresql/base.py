"""The database wrapper of `settings.DATABASES` where that is PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper

if TYPE_CHECKING:
    from psycopg import Connection

    from studio.postgresql.pool import Pool


class DatabaseWrapper(base.DatabaseWrapper):
    _connection_pools: dict[str, Pool]
    _configure_connection: Callable[[Connection[Any]], None]

    @property
    def pool(self) -> Pool | None:
        """Django's property with a pool of ours, as Django has no setting for its class. None without `OPTIONS["pool"]`."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            from studio.postgresql.pool import Pool

            how = {**self.get_connection_params(), "autocommit": True}
            made = Pool(kwargs=how, open=False, configure=self._configure_connection, check=Pool.check_connection, **options)
            self._connection_pools.setdefault(self.alias, made)
        return self._connection_pools[self.alias]

    def chunked_cursor(self) -> CursorWrapper:
        """A cursor of the server's for `iterator()` within a transaction, else one that has read everything.

        Without a transaction each of its steps is one of its own, and a proxy that lends connections by the transaction (PgBouncer) takes
        the next step on another connection, where a cursor of that name may be somebody else's: their rows came back, and no error.
        """
        return super().chunked_cursor() if self.in_atomic_block else self.cursor()
