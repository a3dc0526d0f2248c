"""Numbers as people type them: credits with a decimal point or a decimal comma, and how many. What is wrong is said in one place."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms

from billing.credits import MINUS

BLANKS = r"[\s'\N{RIGHT SINGLE QUOTATION MARK}]"
"""What people group digits by, besides point and comma."""
SPACED = re.compile(rf"[+-]?\d{{1,3}}({BLANKS}\d{{3}})+([.,]\d*)?")
GROUPED = re.compile(r"[+-]?\d{1,3}([.,])\d{3}(\1\d{3})*")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
COULD_BE_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3}|\.\d{2}0)")
"""A thousand and a half, or one and a half? "1.234" is read as the studio itself writes it; nothing that it writes ends in 0."""
LONGEST = 40
"""Characters of a number that anybody means."""


class Ambiguous(ValueError):
    """Its two readings, as they can be typed without doubt."""

    def __init__(self, large: str, small: str) -> None:
        super().__init__(large, small)
        self.large, self.small = large, small


def read(text: str) -> Decimal:
    """The number in `text`: "1.5", "1,5", "1 500", "1,500.5" and "1.500,5" are clear.

    Raises Ambiguous for "1,500", ValueError for no number.
    """
    plain = text.strip().replace(MINUS, "-")
    if COULD_BE_EITHER.fullmatch(plain):
        raise Ambiguous(re.sub("[.,]", "", plain), f"{Decimal(plain.replace(',', '.')).normalize():f}")
    if SPACED.fullmatch(plain):
        plain = re.sub(BLANKS, "", plain)
    # The decimal mark is the last point or comma; one that comes more than once groups.
    at = max(plain.rfind("."), plain.rfind(","))
    mark = plain[at] if at >= 0 and plain.count(plain[at]) == 1 else ""
    whole, part = (plain[:at], plain[at + 1 :]) if mark else (plain, "")
    grouped = GROUPED.fullmatch(whole)
    if grouped and grouped[1] != mark:
        whole = whole.replace(grouped[1], "")
    number = f"{whole}.{part}" if mark else whole
    if len(number) > LONGEST or not NUMBER.fullmatch(number):
        raise ValueError(f"{text[:LONGEST]!r} is no number.")
    return Decimal(number)


def _within(least: Any, most: Any) -> str:
    """The sentence for what is out of range."""
    low, high = ("" if one is None else f"{one:,}".replace("-", MINUS) for one in (least, most))
    if low and high:
        return f"Give a number from {low} to {high}."
    return f"Give {low} or more." if low else f"Give {high} at most."


def _text(widget: Any, mode: str) -> dict[str, Any]:
    """A text field: one of type `number` drops what it cannot read ("1,5" becomes 15) before anybody can say so."""
    return {"inputmode": mode, "autocomplete": "off", **(widget or {})}


class AmountField(forms.DecimalField):
    """An amount, cleaned to a Decimal. `attrs` are those of its text field; a form's own sentences go into `error_messages`."""

    def __init__(self, *, attrs: dict[str, Any] | None = None, error_messages: dict[str, str] | None = None, **more: Any) -> None:
        least, most, places = more.get("min_value"), more.get("max_value"), more.get("decimal_places")
        mode = "text" if least is None or least < 0 else "decimal"  # A phone's keyboard of digits has no minus.
        said = {
            "required": "Give a number.",
            "invalid": "Give a number, such as 20 or 1.5.",
            "min_value": _within(least, most),
            "max_value": _within(least, most),
            "max_decimal_places": f"Give {places} decimal places at most.",
        }
        more.setdefault("widget", forms.TextInput(attrs=_text(attrs, mode)))
        super().__init__(error_messages=said | (error_messages or {}), **more)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values or not str(value).strip():
            return None
        try:
            return read(str(value))
        except Ambiguous as error:
            told = f"“{value}” can be read in two ways. Write {error.large} or {error.small}."
            raise forms.ValidationError(told, code="ambiguous") from error
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def prepare_value(self, value: Any) -> Any:
        return f"{value:f}" if isinstance(value, Decimal) else value


class CreditsField(AmountField):
    """Credits, down to a thousandth of one."""

    def __init__(self, *, error_messages: dict[str, str] | None = None, **more: Any) -> None:
        said = {
            "required": "Give a number of credits.",
            "invalid": "Give a number of credits, such as 20 or 1.5.",
            "max_decimal_places": "Credits have three decimal places at most. Give a rounder number.",
        }
        super().__init__(error_messages=said | (error_messages or {}), **{"decimal_places": 3, **more})


class CountField(forms.IntegerField):
    """How many, of what cannot be divided."""

    def __init__(self, *, attrs: dict[str, Any] | None = None, error_messages: dict[str, str] | None = None, **more: Any) -> None:
        told = _within(more.get("min_value"), more.get("max_value"))
        said = {"required": "Give a number.", "invalid": "Give a whole number, such as 20.", "min_value": told, "max_value": told}
        more.setdefault("widget", forms.TextInput(attrs=_text(attrs, "numeric")))
        super().__init__(error_messages=said | (error_messages or {}), **more)
