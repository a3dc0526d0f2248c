"""Rows that are written once. PostgreSQL refuses the rest by itself (migration 0003); these refuse it everywhere, with words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

from django.db import models

from billing.errors import LedgerIsAppendOnly

Row = TypeVar("Row", bound=models.Model, covariant=True)


class AppendOnlyQuerySet(models.QuerySet[Row]):
    """Reads and inserts; whatever would change or delete a row raises LedgerIsAppendOnly."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise LedgerIsAppendOnly

    def delete(self) -> NoReturn:
        raise LedgerIsAppendOnly

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> NoReturn:
        raise LedgerIsAppendOnly

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> NoReturn:
        # One by one, with the wallet's balance after each: see services.wallets.
        raise LedgerIsAppendOnly

    def update_or_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise LedgerIsAppendOnly


class AppendOnly(models.Model):
    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; raises LedgerIsAppendOnly for a row that was written before."""
        if not self._state.adding:
            raise LedgerIsAppendOnly
        # Without force_insert, a new object with an old id would overwrite that row.
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise LedgerIsAppendOnly
