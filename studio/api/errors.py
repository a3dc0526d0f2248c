"""What can go wrong between a program and the studio, beside what goes wrong for people too.

    ApiError                  code, status, message
    ├── TooMany               too_many_requests     429; `retry_after` in seconds, `standing` where the rule has one
    ├── NotOpenYet            not_open_yet          503: the studio has nobody yet, so it has no key either
    ├── OtherBody             idempotency_conflict  409: this Idempotency-Key came with another request before
    ├── BadIdempotencyKey     bad_idempotency_key   400
    ├── FieldsRefused         fields_refused        422; `fields`: a sentence for each setting that is wrong
    ├── UnknownParameter      unknown_parameter     422; `fields`: each word of the address that the operation does not know
    └── NotPossible           (as it is given)      a request that makes sense, but not now

Those of keys are in `accounts.errors`, those of work in `studio.generation.errors`, those of credits in `billing.errors`; `problems.py`
says which status each of them has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.api.limits import Standing


class ApiError(Exception):
    code = "bad_request"
    status = 400

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        self.message = message
        self.fields = dict(fields or {})
        super().__init__(message)


class TooMany(ApiError):
    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, *, retry_after: int, standing: Standing | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.standing = standing


class NotOpenYet(ApiError):
    code = "not_open_yet"
    status = 503

    def __init__(self) -> None:
        super().__init__("This studio has nobody yet: open it in a browser, and make a key there.")


class OtherBody(ApiError):
    code = "idempotency_conflict"
    status = 409


class BadIdempotencyKey(ApiError):
    code = "bad_idempotency_key"


class FieldsRefused(ApiError):
    code = "fields_refused"
    status = 422


class UnknownParameter(FieldsRefused):
    code = "unknown_parameter"


class NotPossible(ApiError):
    status = 409

    def __init__(self, code: str, message: str, *, status: int = 409) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
