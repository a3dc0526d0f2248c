"""Takes what waits to where it is told, at least once: a thread of every worker, beside its work.

A courier holds what it sends by a lease on the row, and each of its writes names that lease: of several couriers one has the row, and
what one that was killed had out is sent again when its lease has run out, under the same id. A receiver that is slow takes up two calls of
a courier at most, one that fails a single one, so that the others do not wait for it.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from studio.generation.dispatch import doorbell
from studio.webhooks import ending
from studio.webhooks.models import Delivery
from studio.webhooks.sending import post
from studio.webhooks.services import QUEUE
from studio.webhooks.signing import signed

log = structlog.get_logger(__name__)

AT_ONCE = 8
PER_ENDPOINT = 2
LEASE = timedelta(seconds=60)
"""Much longer than a call can take (`sending.WHOLE_SECONDS`) and its end to be written down."""
CANDIDATES = 8
"""Rows looked at before another round: enough that racing couriers rarely all pick the same one."""


def take(now: datetime, *, but_not_to: frozenset[uuid.UUID] = frozenset()) -> Delivery | None:
    """The delivery that waits longest, leased to whoever asked; None when there is nothing to send now."""
    lease = now + LEASE
    due = Delivery.objects.due(now, but_not_to=but_not_to).select_related("endpoint__team")
    for candidate in due[:CANDIDATES]:
        mine = Delivery.objects.free(now).filter(pk=candidate.pk, next_at=candidate.next_at, attempts=candidate.attempts)
        if mine.update(lease_until=lease, attempts=candidate.attempts + 1):
            candidate.lease_until, candidate.attempts = lease, candidate.attempts + 1
            return candidate
    return None


def deliver(delivery: Delivery) -> None:
    """Send what was taken, outside any transaction, and write down what came of it."""
    now = timezone.now()
    body, headers = signed(delivery, now)
    answer = post(delivery.endpoint.url, body, headers)
    ended = ending.record(delivery, answer, at=now)
    log.info(
        "webhook_sent",
        delivery=str(delivery.pk),
        tells=delivery.event,
        endpoint=str(delivery.endpoint_id),
        attempt=delivery.attempts,
        status=answer.status,
        ms=answer.ms,
        arrived=answer.is_delivered,
        held=ended,
    )


class Courier:
    def __init__(self) -> None:
        self._listener = doorbell().listen([QUEUE])
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._senders = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sender")
        self._lock = threading.Lock()
        self._out: Counter[uuid.UUID] = Counter()
        """Calls that are out, by endpoint."""
        self._failing: set[uuid.UUID] = set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more."""
        self._ended = True
        if self._thread.is_alive():
            self._listener.interrupt()
        elif self._thread.ident is None:  # it never began
            self._listener.close()

    def join(self, seconds: float) -> bool:
        """Wait for what is out, after `stop()`; whether all has its answer. What has none is sent again when its lease has run out."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        doorbell().wake(QUEUE)  # also finds, and clears away, what a killed courier left of itself
        try:
            while not self._ended:
                self._hand_out()
                if not self._ended:
                    self._listener.wait(settings.JOB_SWEEP_SECONDS)
        finally:
            self._listener.close()
            self._senders.shutdown(wait=True, cancel_futures=True)

    def _hand_out(self) -> None:
        """Take what can be sent now. The thread goes on whatever happens: without it, nothing would be sent and nobody would know."""
        try:
            while not self._ended and (full := self._full()) is not None:
                delivery = take(timezone.now(), but_not_to=full)
                if delivery is None:
                    break
                self._begin(delivery)
        except DatabaseError as error:
            log.warning("courier_without_database", reason=type(error).__name__)
            connection.close()
        except Exception as error:
            log.exception("courier_failed", reason=type(error).__name__)
        finally:
            close_old_connections()

    def _full(self) -> frozenset[uuid.UUID] | None:
        """The endpoints that have as many calls as they get; None when all calls are out."""
        with self._lock:
            if self._out.total() >= AT_ONCE:
                return None
            return frozenset(pk for pk, out in self._out.items() if out >= (1 if pk in self._failing else PER_ENDPOINT))

    def _begin(self, delivery: Delivery) -> None:
        with self._lock:
            self._out[delivery.endpoint_id] += 1
            if delivery.endpoint.failing_since is None:
                self._failing.discard(delivery.endpoint_id)
            else:
                self._failing.add(delivery.endpoint_id)
        self._senders.submit(self._send, delivery)

    def _send(self, delivery: Delivery) -> None:
        try:
            deliver(delivery)
        except Exception as error:  # the lease brings it back
            log.exception("webhook_not_recorded", delivery=str(delivery.pk), reason=type(error).__name__)
        finally:
            close_old_connections()
            with self._lock:
                self._out[delivery.endpoint_id] -= 1
                if not self._out[delivery.endpoint_id]:
                    del self._out[delivery.endpoint_id]
                    self._failing.discard(delivery.endpoint_id)
            self._listener.interrupt()
