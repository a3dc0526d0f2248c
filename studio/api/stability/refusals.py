"""What the studio says no with, in the words of the Stability API.

The contract has few names, and clients go by them (API.md 4, 2). So:

- Whose key may not do it, or who has not agreed to the terms: v1 403 `permission_denied`; v2beta 401 `unauthorized`, since a 403 means
  moderation there.
- Credits, budgets and what a plan does not include: as an empty balance, 402 `payment_required` (v1: 429 `insufficient_balance`). All are
  mended by whoever pays, and asking again does not help.
- As many jobs open as may be: 429 with `Retry-After`, for that passes.
- Words and brand rules: moderation, 403 `content_moderation` (v1: 400 `invalid_prompts`). So does what would need somebody's approval,
  which no connection waits for.
- What no engine here can do: 400 `bad_request`. Nothing else that is documented fits: 404 is an engine that v1 does not know, 403 would
  blame the prompt, 500 asks to be tried again.
- What somebody stopped in the studio, or whose team was deleted meanwhile: 400 `bad_request` too. The contract has no name for it, and a
  client that is told 500 asks for the same again, and would make what a person has just said no to.
- What failed on the way: 500, as there. Nothing was charged.
- Where to buy credits: the contract's sentence leads to the provider's page, where none for this studio are to be had. It leads to the
  wallet here; clients go by the name.

Where the contract has a text, it comes first, and the studio's sentence after it.
"""

from __future__ import annotations

from decimal import Decimal

from django.urls import reverse

from accounts.errors import AccountError, BadKey, NotInTeam, ScopeMissing, TermsNotAgreed
from accounts.mails import absolute
from billing.credits import MILLICREDITS
from billing.errors import BillingError, InsufficientCredits
from studio.api.errors import ApiError, NotOpenYet, TooMany
from studio.api.stability.contract import Endpoint
from studio.api.stability.dialects import CREDITS_PAGE, FLAGGED, V1, Dialect, Refusal
from studio.api.stability.errors import AskRefused, EngineNotFound, FieldRefused
from studio.backends.errors import BackendError
from studio.backends.registry import UnknownEngine
from studio.generation.errors import (
    BrandRefused,
    GenerationError,
    KeyRefusal,
    PlanIsBusy,
    PlanLimit,
    StorageFull,
    TeamIsGone,
    TooManyOpenJobs,
    WordsRefused,
)
from studio.generation.models import Job

WRONG_KEY = "Incorrect API key provided. Keys are made on the developers' page of this studio."
"""Ours: theirs repeats the key (API.md 1.6)."""
RETRY_SECONDS = 5
"""Until somebody with too many open jobs is told to look again."""
RATE_SECONDS = 60
"""The same when a provider asked to slow down."""
STOPPED = "This was stopped in the studio. Nothing was charged."
GOES_ON = "This takes longer than an answer waits for. The work goes on, and the result will be in the studio's library: do not ask again."
APPROVAL = "In this studio it needs somebody's approval, and no answer waits for that: {why} Nothing was asked for and nothing was charged."

NOT_OFFERED = "The engine that answers this is not offered at the moment. Ask the operator of this studio."
NO_ROOM = "There is no room to store what came. Ask the operator of this studio to make room."

Expected = (AccountError, BillingError, GenerationError, AskRefused, ApiError, BackendError, UnknownEngine)
"""What `of` has words for."""
NOT_THIS_KEY = (NotInTeam, ScopeMissing, TermsNotAgreed, KeyRefusal)
PASSING = (TooManyOpenJobs, PlanIsBusy)
Name = tuple[int, str]
BAD_REQUEST: tuple[Name, Name] = ((400, "bad_request"), (400, "bad_request"))
NAMES: tuple[tuple[type[Exception], Name, Name], ...] = (
    (BillingError, (429, "insufficient_balance"), (402, "payment_required")),
    (PlanLimit, (429, "insufficient_balance"), (402, "payment_required")),
    (BrandRefused, (400, "invalid_prompts"), (403, "content_moderation")),
    (EngineNotFound, (404, "not_found"), (400, "bad_request")),
)
"""Error → status and name in v1 and v2beta; `BAD_REQUEST` for all else."""


def of(dialect: Dialect, endpoint: Endpoint, error: Exception) -> Refusal:
    """The answer to a request that the studio does not take."""
    text = getattr(error, "sentence", None) or str(error)
    match error:
        case InsufficientCredits():
            need, have = (Decimal(amount) / MILLICREDITS for amount in (error.needed, error.available))
            refusal = dialect.insufficient_balance(need, have)
            theirs = [one.replace(CREDITS_PAGE, absolute(reverse("wallet"))) for one in refusal.problems]
            return Refusal(refusal.status, refusal.name, *theirs, text)
        case TooMany():
            return dialect.rate_limited(retry_after=str(error.retry_after))
        case FieldRefused():
            return dialect.bad_request(f"{error.field}: {text}")
        case BadKey():
            return unauthorized(dialect, WRONG_KEY)
        case UnknownEngine():
            return dialect.bad_request(NOT_OFFERED)
        case StorageFull():
            return broken(dialect, NO_ROOM)
    if isinstance(error, NOT_THIS_KEY):
        return forbidden(dialect, endpoint, text)
    if isinstance(error, AccountError | NotOpenYet | TeamIsGone):
        return unauthorized(dialect, text)
    if isinstance(error, PASSING):
        return named(dialect, (429, "rate_limit_exceeded"), (429, "rate_limit_exceeded"), text, retry_after=str(RETRY_SECONDS))
    if isinstance(error, WordsRefused):
        return moderated(dialect, text)
    v1, v2beta = next((names for kind, *names in NAMES if isinstance(error, kind)), BAD_REQUEST)
    return named(dialect, v1, v2beta, text)


def of_job(dialect: Dialect, endpoint: Endpoint, job: Job) -> Refusal:
    """The answer to a request whose job failed, was stopped or declined. Nothing was charged for it."""
    if job.status == Job.Status.CANCELED and not job.verdict:
        return stopped(dialect)
    text = job.error_message or job.decision or STOPPED
    match job.error_code:
        case "content_filtered" | "all_filtered":  # a picture is another matter: `results.deliver`
            return moderated(dialect, text)
        case "public_figure" | "copyrighted_content" as name:
            return dialect.moderated(name) if 422 in endpoint.statuses else moderated(dialect, text)
        case "language_refused":
            return dialect.moderated("invalid_language") if 422 in endpoint.statuses else moderated(dialect, text)
        case "bad_request" | "payload_too_large":
            return dialect.bad_request(text)
        case "rate_limited":
            return named(dialect, (429, "rate_limit_exceeded"), (429, "rate_limit_exceeded"), text, retry_after=str(RATE_SECONDS))
    if job.verdict:
        return named(dialect, (400, "invalid_prompts"), (403, "content_moderation"), text)
    return broken(dialect, text)


def named(dialect: Dialect, v1: Name, v2beta: Name, *texts: str, **headers: str) -> Refusal:
    status, name = v1 if isinstance(dialect, V1) else v2beta
    return Refusal(status, name, *texts, **headers)


def unauthorized(dialect: Dialect, text: str) -> Refusal:
    """Of v2beta one text is known for all that is wrong with a key."""
    return Refusal(401, "unauthorized", text) if isinstance(dialect, V1) else dialect.unauthorized("")


def forbidden(dialect: Dialect, endpoint: Endpoint, text: str) -> Refusal:
    if not isinstance(dialect, V1):
        return Refusal(401, "unauthorized", f"authorization: {text}")
    allowed = 403 in endpoint.statuses
    return Refusal(403, "permission_denied", *dialect.forbidden().problems, text) if allowed else Refusal(401, "unauthorized", text)


def moderated(dialect: Dialect, text: str) -> Refusal:
    refusal = dialect.moderated(FLAGGED[0])
    return Refusal(refusal.status, refusal.name, *refusal.problems, text)


def needs_approval(dialect: Dialect, why: str) -> Refusal:
    return named(dialect, (400, "invalid_prompts"), (403, "content_moderation"), APPROVAL.format(why=why))


def stopped(dialect: Dialect) -> Refusal:
    return dialect.bad_request(STOPPED)


def goes_on(dialect: Dialect) -> Refusal:
    """The answer is waited for no longer. Not a 500, which clients send again: that would be made, and paid for, a second time."""
    return dialect.bad_request(GOES_ON)


def broken(dialect: Dialect, text: str) -> Refusal:
    refusal = dialect.server_error()
    return Refusal(refusal.status, refusal.name, *refusal.problems, text)


def wrong_method(methods: list[str]) -> Refusal:
    text = f"method: must be {' or '.join(methods)}"
    return Refusal(405, "method_not_allowed", text, allow=", ".join(methods))
