"""How large a body may be, before a byte of it is kept (`studio.live.body_limit`).

v2beta says it itself: 10 MiB, 50 and 100 of them for sounds (API.md 0); where an operation declares no limit, 10 MiB hold all the same. For
v1 none is recorded: as large as an upload of the studio, and the error is the one that v1 has for files (API.md 1.6).
"""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings

from studio.api.stability import older
from studio.api.stability.contract import MIB
from studio.api.stability.dialects import V1, Dialect, Refusal, dialect_of
from studio.api.stability.messages import Request
from studio.live.body_limit import Headers, Limit, Refused, most

DEFAULT = 10 * MIB
FAMILIES = ("/v1/", "/v2beta/", "/v2alpha/")


def body_limit(path: str) -> Limit | None:
    """One of `settings.BODY_LIMITS`: that of an address of the Stability API."""
    if not path.startswith(FAMILIES):
        return None
    dialect = dialect_of(path)
    if isinstance(dialect, V1):
        text = f"The file size of one or more of the provided files is invalid: {settings.MAX_UPLOAD_BYTES // MIB} MiB is the most"
        return _limit(most(), path, dialect, Refusal(400, "invalid_file_size", text))
    found = older.match("POST", path)
    allowed = (found and found[0].max_bytes) or DEFAULT
    return _limit(allowed, path, dialect, dialect.too_large(allowed // MIB))


def _limit(allowed: int, path: str, dialect: Dialect, refusal: Refusal) -> Limit:
    def refused(headers: Headers) -> Refused:
        asked = Request("POST", path, {}, b"", uuid4().hex)
        answer = dialect.answer(refusal, asked)
        return Refused(answer.content_type.encode(), answer.body, answer.status, ((b"x-request-id", asked.request_id.encode()),))

    return Limit(allowed, refused)
