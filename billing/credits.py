"""How millicredits are read and written by people: 1 credit = 1000 millicredits = US$0.01."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

MILLICREDITS = 1000
"""Millicredits in one credit."""
MINUS = "\N{MINUS SIGN}"


def credits(millicredits: int) -> str:
    """Credits without trailing zeros: 184500 → "184.5", 1234000 → "1,234", 1 → "0.001", -9000 → "−9"."""
    whole, part = divmod(abs(millicredits), MILLICREDITS)
    text = f"{whole:,}.{part:03d}".rstrip("0").rstrip(".") if part else f"{whole:,}"
    return f"{MINUS}{text}" if millicredits < 0 else text


def signed(millicredits: int) -> str:
    """Like `credits`, with a plus before what comes in: "+1,000", "−9", "0"."""
    return f"+{credits(millicredits)}" if millicredits > 0 else credits(millicredits)


def noun(millicredits: int) -> str:
    """The word after a number of credits: "credit" after exactly one, else "credits"."""
    return "credit" if millicredits == MILLICREDITS else "credits"


def dollars(millicredits: int) -> str:
    """US dollars to the cent, half a cent up: 184500 → "$1.85"."""
    cents = (Decimal(abs(millicredits)) / MILLICREDITS).quantize(Decimal(1), ROUND_HALF_UP)
    text = f"${cents / 100:,.2f}"
    return f"{MINUS}{text}" if millicredits < 0 and cents else text


def to_millicredits(amount: Decimal) -> int:
    """Millicredits in `amount` credits. Raises ValueError when it is finer than a thousandth."""
    exact = amount * MILLICREDITS
    if exact != exact.to_integral_value():
        raise ValueError(f"{amount} credits is finer than a thousandth of a credit.")
    return int(exact)
