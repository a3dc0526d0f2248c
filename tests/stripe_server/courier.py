"""Brings events to an endpoint, as Stripe does: signed, tried again when they are refused, now and then twice, in no particular order."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx

Thing = dict[str, Any]
TRIES = 5


def signature(body: bytes, secret: str, at: int | None = None) -> str:
    """The `Stripe-Signature` header (docs.stripe.com/webhooks#verify-manually): HMAC-SHA256 over "timestamp.body"."""
    moment = int(time.time()) if at is None else at
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


def written(event: Thing) -> bytes:
    return json.dumps(event, indent=2).encode()


class Courier:
    """Without an endpoint, events only pile up in `Stripe.events`. `log` has (event id, status) of every attempt, 0 for no answer.

    `duplicates` of ten events come twice; `disorder`: those that happen together are brought in any order; `pause` is what it waits after a
    refusal, in seconds, doubled each time.
    """

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.endpoint = ""
        self.duplicates = 0
        self.disorder = False
        self.pause = 0.2
        self.log: list[tuple[str, int]] = []
        self._random = random.Random(7)
        self._waiting: list[tuple[float, int, Thing]] = []
        self._changed = threading.Condition()
        self._is_over = False
        self._busy = 0
        self._client = httpx.Client(timeout=30, trust_env=False)
        self._thread = threading.Thread(target=self._run, name="stripe-courier", daemon=True)
        self._thread.start()

    def send(self, event: Thing) -> None:
        if not self.endpoint:
            return
        with self._changed:
            times = 2 if self._random.randrange(10) < self.duplicates else 1
            delay = self._random.random() * 0.3 if self.disorder else 0.0
            self._waiting += [(time.monotonic() + delay * (number + 1), 0, event) for number in range(times)]
            self._changed.notify_all()

    def settle(self, patience: float = 120) -> None:
        """Wait until everything was brought, or given up."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._waiting and not self._busy, patience), "deliveries are stuck"

    def stop(self) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self._thread.join()
        self._client.close()

    def bring(self, event: Thing) -> int:
        """One attempt, now; the status of the answer."""
        body = written(event)
        headers = {"content-type": "application/json", "stripe-signature": signature(body, self.secret)}
        try:
            status = self._client.post(self.endpoint, content=body, headers=headers).status_code
        except httpx.HTTPError:
            status = 0
        self.log.append((event["id"], status))
        return status

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_over or bool(self._waiting))
                if self._is_over:
                    return
                self._waiting.sort(key=lambda one: one[0])
                at, tried, event = self._waiting[0]
                wait = at - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                del self._waiting[0]
                self._busy += 1
            status = self.bring(event)
            with self._changed:
                self._busy -= 1
                if not 200 <= status < 300 and tried + 1 < TRIES:
                    self._waiting.append((time.monotonic() + self.pause * 2**tried, tried + 1, event))
                self._changed.notify_all()


Send = Callable[[Thing], None]
