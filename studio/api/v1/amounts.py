"""How programs are told amounts: decimal strings of credits, which no program rounds by accident."""

from __future__ import annotations

from billing.credits import MILLICREDITS


def decimal(millicredits: int) -> str:
    """184500 → "184.5", -9000 → "-9", 1234000 → "1234": no thousands separators, no trailing zeros."""
    whole, part = divmod(abs(millicredits), MILLICREDITS)
    text = f"{whole}.{part:03d}".rstrip("0") if part else str(whole)
    return f"-{text}" if millicredits < 0 else text
