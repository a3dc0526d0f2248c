"""The provider behind the wire: its state, and the way of a request through it.

The order of the checks, as API.md 0 has it and, where it says unknown, as chosen here:

1. rate limit: 429. Every request with a valid key counts. *Chosen:* at the edge, before anything is read.
2. v2beta: content type, size, parameters (400, 413), and **then** the key (401): seen live on 2026-09-22.
   v1: the key (401), organization (403), engine (404), then content type and parameters (400). *Chosen.*
3. moderation: 403, 422; in v1 400. *Chosen:* before the balance, since "you were not charged".
4. balance: 402; in v1 429 `insufficient_balance`.
5. the charge, in the same step as 4; then the work. Should the work fail (500), the charge is taken back.

An asynchronous call is charged when it is accepted. *Chosen*: the documents only say that failures are not charged; here none fails later.
"""

from __future__ import annotations

import logging
import math
import random
from collections import deque
from collections.abc import Callable
from decimal import Decimal

from studio.api.stability import contract
from studio.api.stability.dialects import Dialect, Refusal, dialect_of
from studio.api.stability.messages import Answer
from tests.stability_server import v1, v2beta
from tests.stability_server.accounts import FREE_CREDITS, Key, Keys, Organization
from tests.stability_server.books import Books, Charge, InsufficientBalance
from tests.stability_server.engines import SDXL
from tests.stability_server.faults import Fault, Faults
from tests.stability_server.generations import Generations
from tests.stability_server.limiter import Limiter
from tests.stability_server.moderation import WORDS
from tests.stability_server.requests import Request

log = logging.getLogger(__name__)

KEPT_REQUESTS, KEPT_BODIES = 2000, 300
"""How many of the last requests are kept, and how many of them with their bodies."""


class Provider:
    """Everything that the provider knows. `clock` counts seconds; `result_seconds` is how long an asynchronous job takes."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        key: str,
        balance: Decimal | int | str = FREE_CREDITS,
        result_seconds: float = 3,
    ) -> None:
        self._clock = clock
        self._first = {"first": key, "balance": balance}
        self._result_seconds = result_seconds
        self.reset()

    def reset(self) -> None:
        """Forget everything but how it was made. Another `clock` can be set at any time."""
        self.clock = self._clock
        self.keys = Keys(**self._first)
        self.books = Books(self.now)
        self.limiter = Limiter(self.now)
        self.faults = Faults()
        self.generations = Generations(self.now)
        self.requests: deque[Request] = deque(maxlen=KEPT_REQUESTS)
        self.words = dict(WORDS)
        self.engines = [dict(SDXL)]
        self.result_seconds = self._result_seconds
        self.random = random.Random(1)

    def now(self) -> float:
        return self.clock()

    # --- a request ---------------------------------------------------------------------------------------------------

    def received(self, method: str, path: str, headers: dict[str, str]) -> tuple[Request, float]:
        """Note a request as it comes, still without its body. Returns it, and the seconds for which its key is timed out."""
        request = Request(method, path, headers, b"", self.random_hex(32), at=self.now())
        if len(self.requests) >= KEPT_BODIES:
            self.requests[-KEPT_BODIES].body = b""
        self.requests.append(request)
        return request, self.limiter.admit(request.secret) if self.keys.valid(request.secret) else 0

    def answer(self, request: Request, barred: float, fault: Fault) -> Answer:
        """Answer a request whose body is there. Never raises: what goes wrong here is a 500."""
        dialect = dialect_of(request.path)
        try:
            if barred:
                raise dialect.rate_limited(retry_after=str(math.ceil(barred)))
            answer = self._fault(fault, dialect) or self._answer(request, dialect, fault)
        except Refusal as refusal:
            request.name = refusal.name
            answer = dialect.answer(refusal, request)
        except Exception:
            log.exception("%s %s", request.method, request.path)
            answer = dialect.answer(dialect.server_error(), request)
        request.status = answer.status
        answer.headers["x-request-id"] = request.request_id
        return answer

    def _fault(self, fault: Fault, dialect: Dialect) -> Answer | None:
        """The faults that come instead of the work."""
        if fault.kind == "status":
            raise dialect.server_error(int(fault.value))
        if fault.kind == "rate-limited":
            raise dialect.rate_limited(**({"retry_after": fault.value} if fault.value else {}))
        if fault.kind == "refuse":
            raise dialect.moderated(fault.value)
        if fault.kind == "html":
            page = f"<html><head><title>{fault.value}</title></head><body><h1>{fault.value}</h1></body></html>"
            return Answer(int(fault.value), page.encode(), "text/html; charset=utf-8")
        return None

    def _answer(self, request: Request, dialect: Dialect, fault: Fault) -> Answer:
        found = contract.match(request.method, request.path)
        if found is None:
            raise dialect.not_found()
        endpoint, place = found
        room = v1 if endpoint.dialect == "v1" else v2beta
        answer = room.answer(self, request, endpoint, place, fault)
        if fault.kind == "wrong-type":
            answer.content_type = "text/html; charset=utf-8"
        return answer

    # --- for the rooms of the two dialects ---------------------------------------------------------------------------

    def key_of(self, request: Request, dialect: Dialect) -> Key:
        """Raises the `Refusal` of a key that is missing, wrong or revoked."""
        key = self.keys.valid(request.secret)
        if key is None:
            raise dialect.unauthorized(request.secret)
        return key

    def charge(self, dialect: Dialect, key: Key, organization: Organization, credits: Decimal, **what: str) -> Charge:
        """Raises the `Refusal` of a balance that does not suffice."""
        try:
            return self.books.charge(key, organization, credits, **what)
        except InsufficientBalance as error:
            raise dialect.insufficient_balance(error.need, error.have) from None

    def seed(self, asked: float, most: int) -> int:
        """The seed that counts: 0 means a random one."""
        return int(asked) or self.random.randint(1, most)

    def random_hex(self, digits: int) -> str:
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"
