"""The statement as a spreadsheet: all that the filters leave, read and sent a piece at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

from django.utils import timezone

from billing import statement
from billing.asking import Asked
from billing.credits import MILLICREDITS
from billing.models import LedgerEntry, Wallet

PIECE = 1000
"""Entries that are read, told and sent at once."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula: people and engines choose their names, and prompts could be anything."""
HEAD = (
    *("Entry", "Time", "Kind", "What", "Who", "Engine", "Mode", "Held", "Charged", "Released", "Refunded", "How it ended"),
    *("Credits", "Balance", "Account", "Reference", "With the key"),
)


def pieces(wallet: Wallet, asked: Asked) -> Iterator[bytes]:
    """UTF-8 with a mark, which a spreadsheet needs to read it as such; times in the studio's zone, amounts in credits, newest first."""
    yield b"\xef\xbb\xbf" + _csv([HEAD])
    after: int | None = None
    while True:
        entries = list(asked.of_wallet(wallet).older_than(after)[:PIECE])
        if entries:
            yield _csv([_cells(line) for line in statement.told(entries)])
        if len(entries) < PIECE:
            return
        after = entries[-1].pk


def _csv(rows: list[tuple[object, ...]]) -> bytes:
    sink = io.StringIO()
    csv.writer(sink).writerows(rows)
    return sink.getvalue().encode()


def _cells(line: statement.Line) -> tuple[object, ...]:
    entry, hold = line.entry, line.entry.hold
    work: tuple[object, ...] = ("", "", "", "")
    if hold and entry.kind != LedgerEntry.Kind.REFUND:
        work = (_decimal(hold.amount), _decimal(hold.captured), _decimal(hold.released), _decimal(hold.refunded))
    return (
        entry.pk,
        f"{timezone.localtime(entry.created_at):%Y-%m-%d %H:%M:%S}",
        entry.get_kind_display(),
        plain(entry.description),
        plain(str(entry.actor or "")),
        plain(hold.product if hold else ""),
        plain(hold.operation if hold else ""),
        *work,
        plain(line.outcome),
        _decimal(entry.amount),
        _decimal(entry.balance_after),
        entry.get_account_display(),
        plain(entry.reference),
        plain(hold.api_key.name if hold and hold.api_key else ""),
    )


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _decimal(millicredits: int) -> str:
    return str((Decimal(millicredits) / MILLICREDITS).quantize(Decimal("0.001")))
