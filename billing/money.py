"""Amounts of money as people read them. Inside they are integers in the currency's minor unit: 1000 of "usd" is $10.00, of "jpy" ¥1,000."""

from __future__ import annotations

from decimal import Decimal

from billing.credits import MINUS

WITHOUT_MINOR_UNIT = frozenset(
    ("bif", "clp", "djf", "gnf", "isk", "jpy", "kmf", "krw", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf")
)
WITH_THOUSANDTHS = frozenset(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"))
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
"""Of currencies whose symbol is nobody else's; others are written with their code: "CHF 9.00"."""


def exponent(currency: str) -> int:
    """Digits after the point (ISO 4217)."""
    code = currency.lower()
    return 0 if code in WITHOUT_MINOR_UNIT else 3 if code in WITH_THOUSANDTHS else 2


def money(amount: int, currency: str) -> str:
    """1000, "usd" → "$10.00"; 900, "chf" → "CHF 9.00"; 1500, "jpy" → "¥1,500"; −250, "eur" → "−€2.50"."""
    digits = exponent(currency)
    text = f"{Decimal(abs(amount)).scaleb(-digits):,.{digits}f}"
    symbol = SYMBOLS.get(currency.lower(), f"{currency.upper()}\N{NO-BREAK SPACE}")
    return f"{MINUS if amount < 0 else ''}{symbol}{text}"
