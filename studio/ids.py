"""Ids that sort by the time they were made, so that a keyset is one column."""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import datetime


def uuid7() -> uuid.UUID:
    """A version 7 UUID: 48 bits of Unix milliseconds, then 74 random bits (RFC 9562, 5.7)."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def uuid7_at(moment: datetime) -> uuid.UUID:
    """The smallest value that an id made at that moment or later can have."""
    return uuid.UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)
