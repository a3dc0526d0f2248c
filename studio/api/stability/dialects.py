"""How v1 and v2beta word the same refusal (API.md 1.6 and 2.3), and how they hand out what was made (1.5 and 2.2).

Where the documents are silent:

- v1 has no body for a rate limit: v2beta's text in v1's shape, under the name `rate_limit_exceeded`.
- An address that is none, and a feature that an account does not have: 404 `not_found`.
- A method that an address does not know: 405 `method_not_allowed`.
- `Accept`: the first media range decides; `application/json…` means JSON. For v1 that is also the default, and `image/…` means PNG.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from studio.api.stability.messages import Answer, Request

RATE_LIMITED = "You have exceeded the rate limit of 150 requests within a 10 second period, and have been timed out for 60 seconds."

LANGUAGE = ("invalid_language", "English is the only supported language for this service.")
PUBLIC_FIGURE = (
    "public_figure",
    "Our system detected the likeness of a public figure in your image. To comply with our guidelines, this request cannot be processed. "
    "Please upload a different image.",
)
COPYRIGHTED = (
    "copyrighted_content",
    "Our system has detected the presence of copyrighted content in your audio. To comply with our guidelines, we cannot process this "
    "request. Please upload a different audio file.",
)
FLAGGED = (
    "content_moderation",
    "Your request was flagged by our content moderation system, as a result your request was denied and you were not charged.",
)
MODERATIONS: dict[str, tuple[int, str]] = {
    FLAGGED[0]: (403, FLAGGED[1]),
    LANGUAGE[0]: (422, LANGUAGE[1]),
    PUBLIC_FIGURE[0]: (422, PUBLIC_FIGURE[1]),
    COPYRIGHTED[0]: (422, COPYRIGHTED[1]),
}
"""Name → status and text in v2beta; the texts are the examples of its document."""

CREDITS_PAGE = "https://platform.stability.ai/account/credits"

SERVER_ERRORS = {502: "bad_gateway", 503: "service_unavailable", 504: "gateway_timeout"}
"""Names of our own: only 500 is documented."""


class Refusal(Exception):
    """An answer that is an error. `id` is the request's unless the contract has a fixed one."""

    def __init__(self, status: int, name: str, *problems: str, id: str = "", **headers: str) -> None:
        super().__init__(name)
        self.status, self.name, self.problems, self.id = status, name, problems, id
        self.headers = {header.replace("_", "-"): value for header, value in headers.items()}


class V2Beta:
    """v2beta and the v2alpha aliases."""

    missing = "required"

    def bad_request(self, *problems: str) -> Refusal:
        return Refusal(400, "bad_request", *problems)

    def unauthorized(self, secret: str) -> Refusal:
        return Refusal(401, "unauthorized", "authorization: invalid or missing header value")

    def insufficient_balance(self, need: Decimal, have: Decimal) -> Refusal:
        text = "You lack sufficient credits to make this request. Please purchase more credits at "
        return Refusal(402, "payment_required", f"{text}{CREDITS_PAGE} and try again.")

    def moderated(self, name: str) -> Refusal:
        status, text = MODERATIONS[name]
        return Refusal(status, name, text)

    def not_found(self) -> Refusal:
        return Refusal(404, "not_found", "not found")

    def generation_not_found(self) -> Refusal:
        return Refusal(404, "generation_not_found", "id: the generation either does not exist or has expired.")

    def too_large(self, mebibytes: int) -> Refusal:
        return Refusal(413, "payload_too_large", f"body: payloads cannot be larger than {mebibytes}MiB in size")

    def rate_limited(self, **headers: str) -> Refusal:
        return Refusal(429, "rate_limit_exceeded", RATE_LIMITED, id="rate_limit_exceeded", **headers)

    def server_error(self, status: int = 500) -> Refusal:
        name = SERVER_ERRORS.get(status, "internal_error")
        return Refusal(status, name, "An unexpected server error has occurred, please try again later.")

    def answer(self, refusal: Refusal, request: Request) -> Answer:
        content = {"errors": list(refusal.problems), "id": refusal.id or request.request_id, "name": refusal.name}
        return Answer(refusal.status, json.dumps(content).encode(), headers=refusal.headers)


class V1:
    missing = "is required"

    def bad_request(self, *problems: str) -> Refusal:
        return Refusal(400, "bad_request", *problems)

    def unauthorized(self, secret: str) -> Refusal:
        """Echoes a wrong key in full, as the provider does, so that a client's redaction can be tested."""
        if not secret:
            return Refusal(401, "unauthorized", "missing authorization header")
        text = f"Incorrect API key provided: {secret}. You can find your API key at https://stability.ai."
        return Refusal(401, "unauthorized", text)

    def forbidden(self) -> Refusal:
        return Refusal(403, "permission_denied", "You do not have permission to access this resource")

    def insufficient_balance(self, need: Decimal, have: Decimal) -> Refusal:
        text = "Your organization does not have enough balance to request this action "
        return Refusal(
            429, "insufficient_balance", text + f"(need ${dollars(need)}, have $0 in active grants, ${dollars(have)} in balance)."
        )

    def moderated(self, name: str) -> Refusal:
        return Refusal(400, "invalid_prompts", "One or more of the prompts contains filtered words.")

    def not_found(self) -> Refusal:
        return Refusal(404, "not_found", "not found")

    def engine_not_found(self, engine: str) -> Refusal:
        return Refusal(404, "not_found", f"The specified engine (ID {engine}) was not found.")

    def rate_limited(self, **headers: str) -> Refusal:
        return Refusal(429, "rate_limit_exceeded", RATE_LIMITED, **headers)

    def server_error(self, status: int = 500) -> Refusal:
        return Refusal(status, SERVER_ERRORS.get(status, "server_error"), "An unexpected server error occurred, please try again.")

    def answer(self, refusal: Refusal, request: Request) -> Answer:
        """One text, not a list: the first problem, or what has been said in several sentences."""
        content = {"id": refusal.id or request.request_id, "message": in_one(refusal.problems), "name": refusal.name}
        return Answer(refusal.status, json.dumps(content).encode(), headers=refusal.headers)


Dialect = V1 | V2Beta


def in_one(sentences: Sequence[str]) -> str:
    """Sentences one after the other; what goes on gets its full stop."""
    stopped = [one if one.endswith((".", "!", "?")) else f"{one}." for one in sentences[:-1]]
    return " ".join([*stopped, *sentences[-1:]])


def dialect_of(path: str) -> Dialect:
    return V1() if path.startswith("/v1/") else V2Beta()


def dollars(credits: Decimal) -> str:
    """A credit is a cent (API.md 3); without zeros at the end: 0.9 → 0.009."""
    return f"{(credits / 100).normalize():f}"


# --- what was made ---------------------------------------------------------------------------------------------------


class Artifact(NamedTuple):
    """A PNG; nothing of it under finish reason ERROR."""

    data: bytes
    seed: int
    finish_reason: str


def v1_artifacts(request: Request, artifacts: Sequence[Artifact]) -> Answer:
    """As JSON, or the first as PNG. Its headers say what the JSON does."""
    if request.accept.startswith("image/"):
        first = artifacts[0]
        return Answer(200, first.data, "image/png", {"finish-reason": first.finish_reason, "seed": str(first.seed)})
    told = [{"base64": base64.b64encode(one.data).decode(), "seed": one.seed, "finishReason": one.finish_reason} for one in artifacts]
    return Answer.of({"artifacts": told})


def v2_result(request: Request, data: bytes, mime: str, seed: int, finish_reason: str) -> Answer:
    """A picture or sound, as bytes or as JSON; a solid is always bytes, and has neither seed nor finish reason."""
    if mime.startswith("model/"):
        return Answer(200, data, mime)
    if request.accept == "application/json":
        kind = mime.partition("/")[0]
        content = {kind: base64.b64encode(data).decode(), "seed": seed, "finish_reason": finish_reason}
        return Answer(200, json.dumps(content).encode(), f"application/json; type={mime}")
    return Answer(200, data, mime, {"finish-reason": finish_reason, "seed": str(seed)})
