"""Errors of the own API: RFC 9457 problems, each with the `code` that the studio has for it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError
from pydantic import Field

from accounts.errors import AccountError, BadKey, KeyRefused, NotInTeam, ScopeMissing, TermsNotAgreed
from billing.errors import BillingError, InsufficientCredits, OverBudget
from studio.api import limits
from studio.api.errors import ApiError, TooMany
from studio.backends.registry import UnknownEngine
from studio.galleries import errors as galleries
from studio.generation import errors as generation
from studio.outages import database_is_away
from studio.webhooks.errors import EndpointOff, WebhookError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(Schema):
    """What went wrong, in the words of RFC 9457. `code` is for programs and never changes, `detail` is a sentence for a person."""

    type: str = Field(description="The kind of problem; it never changes.", examples=["urn:atelier:problem:insufficient_credits"])
    title: str = Field(description="What the status means.", examples=["Payment Required"])
    status: int = Field(description="The same as that of the answer.", examples=[402])
    detail: str = Field(description="For a person.", examples=["This costs 8 credits and 2 are available: 6 are missing."])
    code: str = Field(description="For programs; it never changes.", examples=["insufficient_credits"])
    errors: dict[str, str] = Field({}, description="A sentence for each setting that is wrong, by its name.", examples=[{}])


def statuses(*own: int) -> dict[int, type[Problem]]:
    """The errors that an operation declares: those that every one may have, and its `own`. Beside its success in `response=`."""
    return dict.fromkeys(sorted({400, 401, 403, 404, 405, 413, 422, 429, 500, 503, 507, *own}), Problem)


def problem(
    status: int, code: str, detail: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **more: Any
) -> HttpResponse:
    told: dict[str, Any] = {
        "type": f"urn:atelier:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": dict(fields or {}),
        **more,
    }
    return HttpResponse(json.dumps(told, ensure_ascii=False), status=status, content_type=MEDIA_TYPE, headers=dict(headers or {}))


OF_ACCOUNTS: tuple[tuple[type[AccountError], int], ...] = (
    (BadKey, 401),
    (NotInTeam, 403),
    (TermsNotAgreed, 403),
    (ScopeMissing, 403),
    (KeyRefused, 422),
    (AccountError, 409),
)
OF_BILLING: tuple[tuple[type[BillingError], int], ...] = (
    (InsufficientCredits, 402),
    (OverBudget, 402),
    (BillingError, 409),
)
OF_WORK: tuple[tuple[type[generation.GenerationError], int], ...] = (
    (generation.TooManyOpenJobs, 429),
    (generation.PlanIsBusy, 429),
    (generation.PlanLimit, 403),
    (generation.KeyRefusal, 403),
    (generation.TeamIsGone, 404),
    (generation.StorageFull, 507),
    (generation.StorageFailed, 503),
    (generation.AskedForTwice, 409),
    (generation.NotWaiting, 409),
    (generation.NothingToRetry, 409),
    (generation.GenerationError, 422),
)
OF_GALLERIES: tuple[tuple[type[galleries.GalleryError], int], ...] = ((galleries.Refused, 422), (galleries.GalleryError, 409))
OF_WEBHOOKS: tuple[tuple[type[WebhookError], int], ...] = ((EndpointOff, 409), (WebhookError, 422))
RETRY_WORK_AFTER = 5
"""Seconds after which a program that has as many jobs open as it may is told to look again."""


def status_of(error: Exception) -> int:
    """The status that the own API answers an error of a lower room with."""
    table: tuple[tuple[type[Exception], int], ...] = (*OF_ACCOUNTS, *OF_BILLING, *OF_WORK, *OF_GALLERIES, *OF_WEBHOOKS)
    if isinstance(error, ApiError):
        return error.status
    return next((status for kind, status in table if isinstance(error, kind)), 500)


def install(api: NinjaAPI) -> None:
    """Make problems of everything that an operation may raise."""
    for kind in (AccountError, BillingError, generation.GenerationError, galleries.GalleryError, WebhookError, ApiError):
        api.add_exception_handler(kind, told)
    api.add_exception_handler(UnknownEngine, no_engine)
    api.add_exception_handler(Http404, lambda request, error: nothing())
    api.add_exception_handler(PermissionDenied, forbidden)
    api.add_exception_handler(ValidationError, invalid)
    api.add_exception_handler(RequestDataTooBig, too_big)
    for unread in (BadRequest, SuspiciousOperation, MultiPartParserError):
        api.add_exception_handler(unread, malformed)
    api.add_exception_handler(HttpError, of_ninja)
    api.add_exception_handler(Exception, lambda request, error: broken(error))


def told(request: HttpRequest, error: Any) -> HttpResponse:
    """An error that has a code and a sentence of its own."""
    status, headers = status_of(error), {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        headers["Retry-After"] = str(getattr(error, "retry_after", RETRY_WORK_AFTER))
    if isinstance(error, TooMany) and error.standing:
        headers |= limits.headers(error.standing)
    more = {"items": {str(place): said for place, said in error.items.items()}} if isinstance(error, generation.BatchRefused) else {}
    return problem(status, error.code, str(error), getattr(error, "fields", None), headers, **more)


def no_engine(request: HttpRequest, error: Any) -> HttpResponse:
    said = "This studio has no such engine. GET /api/v1/engines lists those it has."
    return problem(422, "unknown_engine", said, {"engine": said})


def nothing() -> HttpResponse:
    """The same words whether a thing is not there or another team's."""
    return problem(404, "not_found", "There is nothing here, or nothing that this key may see.")


def forbidden(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(403, "forbidden", str(error) or "The person whose key this is may not do that.")


def invalid(request: HttpRequest, error: Any) -> HttpResponse:
    """A body or a parameter of the wrong shape; each field by its path, `items.3.width`."""
    fields: dict[str, str] = {}
    for one in error.errors:
        source, *path = one["loc"]
        name = ".".join(str(part) for part in path[1 if source == "body" and len(path) > 1 else 0 :]) or str(source)
        fields.setdefault(name, f"{one['msg']}.")
    return problem(422, "invalid", "The request cannot be read. What is wrong stands in “errors”.", fields)


def too_big(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(413, "too_large", "The request is too large. Upload files at /api/v1/inputs, one at a time.")


def malformed(request: HttpRequest, error: Any) -> HttpResponse:
    """What Django itself cannot take apart. Its own sentences are for whoever set it up."""
    if isinstance(error, MultiPartParserError):
        said = "The form cannot be read. Send multipart/form-data with its boundary, as a library for it does, and short file names."
        return problem(400, "malformed_body", said)
    if isinstance(error, TooManyFieldsSent):
        said = f"The request has too many fields: {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} is the most, in the address and in a form."
        return problem(400, "too_many_fields", said)
    if isinstance(error, TooManyFilesSent):
        said = f"The form has too many files: {settings.DATA_UPLOAD_MAX_NUMBER_FILES} is the most. Upload them one at a time."
        return problem(400, "too_many_files", said)
    return problem(400, "bad_request", "The request cannot be read.")


def of_ninja(request: HttpRequest, error: Any) -> HttpResponse:
    if error.status_code == 400:
        return problem(400, "unreadable", "The body is no JSON that can be read.")
    return problem(error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "_"), str(error))


def broken(error: Any) -> HttpResponse:
    """Our mistake, a full disk, or a database that is away."""
    if isinstance(error, DatabaseError) and is_full(error.__cause__):
        log.error("database_full", reason=type(error).__name__)
        return problem(507, "storage_full", "The studio has no room left. Nothing was charged. Ask your operator to make room.")
    if database_is_away(error):
        log.error("database_away", reason=type(error).__name__)
        return problem(503, "unavailable", "The studio's database does not answer. Try again in a moment.", headers={"Retry-After": "10"})
    log.error("api_failed", reason=type(error).__name__, exc_info=error)
    return problem(500, "internal", "The studio made a mistake. It is in the log; ask your operator.")


def is_full(cause: BaseException | None) -> bool:
    """As in `studio.middleware`, which stands above this room."""
    return (isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorname", "") == "SQLITE_FULL") or getattr(
        cause, "sqlstate", ""
    ) == "53100"


def of_framework(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """What Django itself says no with (no such address, not this method), as a problem."""
    status = response.status_code
    said = {
        400: ("bad_request", "The request cannot be read."),
        404: ("not_found", "There is no such address here. /api/v1/docs has those there are."),
        405: ("method_not_allowed", f"{request.method} is not possible here; Allow says what is."),
        416: ("no_such_range", "Range asks for what lies outside the file; Content-Range says how long it is."),
        413: ("too_large", "The request is too large. Upload files at /api/v1/inputs, one at a time."),
        503: ("unavailable", "The studio is not there at the moment. Try again in a minute."),
    }
    code, detail = said.get(status, ("internal" if status >= 500 else "bad_request", "This did not work."))
    kept = ("Allow", "Retry-After", "Content-Range", "X-Request-Id")
    return problem(status, code, detail, headers={name: response[name] for name in kept if response.has_header(name)})
