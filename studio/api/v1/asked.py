"""What bodies and queries have in common."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import field_validator

DEEPEST = 20
"""Lists and objects within each other; what means something has five. Python reads hundreds, and stumbles over them afterwards."""


class Asked(Schema):
    """Of a program: texts without NUL, which no text of people has and PostgreSQL does not keep, and nothing nested too deeply."""

    @field_validator("*", mode="after")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if _has_nul(value):
            raise ValueError("a text has no NUL in it")
        return value


def _has_nul(value: Any, depth: int = 0) -> bool:
    """Raises ValueError."""
    if depth > DEEPEST:
        raise ValueError(f"lists and objects are nested at most {DEEPEST} deep")
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(part, depth + 1) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_has_nul(part, depth + 1) for part in value)
