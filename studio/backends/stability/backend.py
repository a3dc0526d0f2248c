"""The Stability REST API as engines of the studio."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from studio.backends.base import (
    Engine,
    EngineState,
    GeneratedMedia,
    GenerationRequest,
    IsCanceled,
    OnProgress,
    OnSent,
    OnSubmitted,
    PaidBackend,
    Progress,
)
from studio.backends.errors import KeyRefused, NotConfigured, ProviderOutOfCredits, RateLimited
from studio.backends.stability import jobs
from studio.backends.stability.account import Account
from studio.backends.stability.bundle import side_by_side
from studio.backends.stability.calls import Answer
from studio.backends.stability.client import HOST, Client
from studio.backends.stability.clock import Now, Sleep
from studio.backends.stability.engines import Record, Service, catalogue
from studio.backends.stability.keys import KeyRing
from studio.backends.stability.limiter import Limiter, LocalLimiter
from studio.backends.stability.provider import Provider
from studio.backends.stability.redis_limiter import RedisLimiter
from studio.backends.stability.retries import Jitter
from studio.backends.stability.translate import calls_of, check, media, names_of

IN_FLIGHT = 64
"""Calls that one process has out at a time."""
SPARE = 2
"""Without Redis the site does not hear of the worker's calls: these are for what it reads itself, the balance and the list of engines."""
CLIENT_ID = "atelier"
STATE_SECONDS = 1.0
EMPTY = "The studio's account at Stability is empty: your operator knows. Your own credits are untouched."

_random = random.SystemRandom()


def _in_background(read: Callable[[], None]) -> None:
    threading.Thread(target=read, name="stability-engines", daemon=True).start()


class StabilityBackend(PaidBackend):
    """OPTIONS: `API_KEYS` (a list; without one, no engine is offered), `API_HOST`, `ORGANIZATION`, `REDIS_URL` (to count the calls of all
    workers of a deployment), `IN_FLIGHT`, `CLIENT_VERSION`, `USER_ID`.

    `transport`, `now`, `sleep`, `jitter` and `start` (how the list of engines is read beside the caller) are for tests.
    """

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        now: Now = time.monotonic,
        sleep: Sleep = time.sleep,
        jitter: Jitter = _random.random,
        start: Callable[[Callable[[], None]], None] = _in_background,
    ) -> None:
        super().__init__(name, options)
        in_flight = int(self.options.get("IN_FLIGHT") or IN_FLIGHT)
        redis = str(self.options.get("REDIS_URL") or "")
        limiter: Limiter = RedisLimiter(redis) if redis else LocalLimiter(now, spare=SPARE)
        client = Client(
            str(self.options.get("API_HOST") or HOST),
            in_flight=in_flight,
            organization=str(self.options.get("ORGANIZATION") or ""),
            client_id=CLIENT_ID,
            client_version=str(self.options.get("CLIENT_VERSION") or ""),
            user_id=str(self.options.get("USER_ID") or ""),
            transport=transport,
        )
        self._now, self._sleep, self._start = now, sleep, start
        self._keys = KeyRing(self._secrets, limiter, now=now, sleep=sleep, in_flight=in_flight)
        self._provider = Provider(client, self._keys, sleep=sleep, jitter=jitter)
        self._account = Account(self._provider, now=now)
        self._records = catalogue(name)
        self._seen: tuple[float, tuple[EngineState, str, float | None]] | None = None

    @property
    def _secrets(self) -> list[str]:
        return [key for key in (str(one).strip() for one in self.options.get("API_KEYS") or ()) if key]

    # --- what there is -----------------------------------------------------------------------------------------------

    def engines(self) -> Sequence[Engine]:
        if not self._keys.keys:
            return ()
        self._account.refresh(self._start)
        self._account.prove(self._start)
        state, detail, seconds = self._state()
        engines = [record.engine for record in self._records.values() if not record.model_id or self._account.has(record.model_id)]
        if state is not EngineState.READY:
            return [engine.in_state(state, detail, seconds) for engine in engines]
        return [self._paid_for(engine) for engine in engines]

    def _paid_for(self, engine: Engine) -> Engine:
        """The engine, or that the account cannot pay for it."""
        seconds = self._account.empty_for(engine.price.per_image)
        return engine if seconds is None else engine.in_state(EngineState.NO_CREDITS, EMPTY, seconds)

    def _state(self) -> tuple[EngineState, str, float | None]:
        """Looked at once a second: a page asks several times, and the limiter may be on another machine."""
        if self._seen is None or self._seen[0] <= self._now():
            self._seen = (self._now() + STATE_SECONDS, self._keys.state())
        return self._seen[1]

    def balance(self) -> int:
        if not self._keys.keys:
            raise NotConfigured
        return self._account.balance()

    def check(self, request: GenerationRequest) -> None:
        record = self._records.get(request.engine)
        if record is not None:
            check(record, request)

    @contextmanager
    def _looking_again(self, price: int = 0) -> Iterator[None]:
        """Whoever asks after a refusal how the engines stand hears of it. `price`: millicredits of a call."""
        try:
            yield
        except (RateLimited, KeyRefused):
            self._seen = None
            raise
        except ProviderOutOfCredits:
            self._account.note_empty(price)
            raise
        self._account.note_enough(price)

    # --- what is made ------------------------------------------------------------------------------------------------

    def generate(
        self,
        request: GenerationRequest,
        *,
        on_progress: OnProgress,
        is_canceled: IsCanceled,
        on_sent: OnSent = lambda: None,
        on_submitted: OnSubmitted = lambda provider_id: None,
    ) -> list[GeneratedMedia]:
        record = self._record(request)
        calls = calls_of(record, request)
        service, names = record.services[request.mode], names_of(record, record.services[request.mode])
        quote = record.engine.quote(request)
        price = quote.amount if len(calls) == 1 else quote.per_image
        if service.results:
            with self._looking_again(price):
                submission = jobs.submit(self._provider, calls[0], names, is_canceled=is_canceled, on_sent=on_sent)
            on_submitted(str(submission))
            return self._collect(record, service, request, submission, on_progress, is_canceled)

        def make(place: int, on_sent: OnSent) -> list[GeneratedMedia]:
            answer = self._provider.ask(calls[place], is_canceled=is_canceled, on_sent=on_sent, names=names).answer
            return _media(record, service, request, place, answer)

        with self._looking_again(price):
            return side_by_side(len(calls), make, on_progress=on_progress, on_sent=on_sent)

    def resume(
        self, request: GenerationRequest, provider_id: str, *, on_progress: OnProgress, is_canceled: IsCanceled
    ) -> list[GeneratedMedia]:
        record = self._record(request)
        submission = jobs.Submission.parse(provider_id)
        return self._collect(record, record.services[request.mode], request, submission, on_progress, is_canceled)

    def _collect(
        self,
        record: Record,
        service: Service,
        request: GenerationRequest,
        submission: jobs.Submission,
        on_progress: OnProgress,
        is_canceled: IsCanceled,
    ) -> list[GeneratedMedia]:
        with self._looking_again():
            answer = jobs.result(self._provider, service, submission, sleep=self._sleep, is_canceled=is_canceled)
        found = _media(record, service, request, 0, answer)
        on_progress(Progress(1, 1))
        return found

    def _record(self, request: GenerationRequest) -> Record:
        if not self._keys.keys or request.engine not in self._records:
            raise NotConfigured
        return self._records[request.engine]


def _media(record: Record, service: Service, request: GenerationRequest, place: int, answer: Answer) -> list[GeneratedMedia]:
    if service.dialect == "v1":
        return media.from_v1(record, request, answer)
    return [media.from_v2beta(record, request, place, answer)]
