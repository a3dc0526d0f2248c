"""What bodies and queries have in common."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import field_validator


class Asked(Schema):
    """Of a program: texts without NUL, which no text of people has and PostgreSQL does not keep."""

    @field_validator("*", mode="after")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        if _has_nul(value):
            raise ValueError("a text has no NUL in it")
        return value


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_has_nul, value))
