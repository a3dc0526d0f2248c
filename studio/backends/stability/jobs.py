"""Work that goes on at the provider after it was asked for: submit once, then poll until it is done (`stability/API.md` 2.9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studio.backends.base import IsCanceled
from studio.backends.errors import EngineUnavailable, ResultUnknown
from studio.backends.stability.calls import Answer, Call
from studio.backends.stability.clock import Sleep, pause
from studio.backends.stability.engines import Service
from studio.backends.stability.provider import Provider, once

POLL_SECONDS = 10.0
"""Asking more often may be answered with an error."""
MAX_POLLS = 180
"""Half an hour. The result is kept for a day, so it can still be asked for later."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Submission:
    """Where a result will be: the provider's id, and the key that it belongs to. `str` of it goes into the row, `parse` takes it back."""

    key_id: str
    generation_id: str

    def __str__(self) -> str:
        return f"{self.key_id}.{self.generation_id}"

    @classmethod
    def parse(cls, text: str) -> Submission:
        """Raises `ResultUnknown` for anything that is no id: it becomes part of an address, and the key travels with it."""
        key_id, _, generation_id = text.partition(".")
        if not _ID.fullmatch(key_id) or not _ID.fullmatch(generation_id):
            raise ResultUnknown
        return cls(key_id, generation_id)


def submit(provider: Provider, call: Call, names: Mapping[str, str], *, is_canceled: IsCanceled, on_sent: Callable[[], None]) -> Submission:
    """Ask for the work; `on_sent` is called once, before it leaves.

    Raises `BackendError`; `ResultUnknown` when it may have been taken without telling under which id.
    """
    reply = provider.ask(call, is_canceled=is_canceled, on_sent=once(on_sent), names=names)
    body = reply.answer.json()
    generation_id = body.get("id") if isinstance(body, dict) else None
    return Submission.parse(f"{reply.key_id}.{generation_id}" if isinstance(generation_id, str) else "")


def result(provider: Provider, service: Service, submission: Submission, *, sleep: Sleep, is_canceled: IsCanceled) -> Answer:
    """Wait for the result. Raises `BackendError`: `ResultUnknown` when the provider has it no more, `EngineUnavailable` when it is not
    done after `MAX_POLLS`."""
    call = Call("GET", f"{service.results}{submission.generation_id}", "v2beta", accept=service.results_accept)
    for _ in range(MAX_POLLS):
        answer = provider.ask(call, is_canceled=is_canceled, key_id=submission.key_id).answer
        if answer.status != 202:
            return answer
        pause(POLL_SECONDS, sleep, is_canceled)
    raise EngineUnavailable("It is still being made.")
