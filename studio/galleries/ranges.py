"""Which part of a file a request asks for (RFC 9110, 14)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

from django.http import HttpRequest

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")


def part_of(request: HttpRequest, etag: str, modified: int, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of what is asked for; None for a range outside the file (RFC 9110, 14.2).

    Several ranges, and a range of another version (If-Range), are answered with the whole file.
    """
    match = _RANGE.match(request.headers.get("Range", "").strip())
    if not match or request.method != "GET" or not _is_same_version(request.headers.get("If-Range", ""), etag, modified):
        return 0, size
    first, last = match.groups()
    if not first and not last:
        return 0, size
    if not first:
        length = int(last)
        return (max(0, size - length), size) if length else None
    start = int(first)
    if last and int(last) < start:
        return 0, size
    return (start, min(size, int(last) + 1) if last else size) if start < size else None


def _is_same_version(condition: str, etag: str, modified: int) -> bool:
    if not condition or condition == etag:
        return True
    try:
        return int(parsedate_to_datetime(condition).timestamp()) == modified
    except (TypeError, ValueError):
        return False
