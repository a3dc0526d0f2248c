"""The scaled mode's doorbell: rings go over a broker (Redis or RabbitMQ) to whichever worker has room.

`wake` only counts; a thread of this process, with one long-lived connection, does the ringing. So a broker that is slow or gone holds up
no page, and costs what a lost ring costs: the wait for the sweep. Rings that could not go out are kept, up to a bound, and go out when the
broker is back.

The other end is `worker/hosting.py`.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections import Counter
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

KEPT = 100
"""Rings of one queue that wait to go out at most; each worker that hears one rings its own threads."""
PAUSES = (0.5, 5.0)
"""Seconds before another try at a broker that does not answer: the first, doubled up to the last."""
EXIT_SECONDS = 1.0
"""How long the end of a process waits for rings to go out."""


class BrokerOutage:
    """What this process knows of the broker: one line in the log says that it went, one that it is back. From any thread.

    A process has several lines to it, each with a `who` of its own: it is back when all have found it so, as each tries at its own pace.
    What is said is said under the lock: else one that goes just as the last is back could be told in the wrong order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cut_off: set[object] = set()

    def failed(self, who: object, reason: object) -> None:
        with self._lock:
            begins = not self._cut_off
            self._cut_off.add(who)
            if begins:
                log.warning("broker_unreachable", reason=str(reason)[:200], meanwhile="workers look at the queue by themselves")

    def answered(self, who: object) -> None:
        with self._lock:
            was_cut_off = bool(self._cut_off)
            self._cut_off.discard(who)
            if was_cut_off and not self._cut_off:
                log.info("broker_answers_again")

    def forget(self, who: object) -> None:
        """It tries no more, or need not."""
        with self._lock:
            self._cut_off.discard(who)


outage = BrokerOutage()


class BrokerDoorbell:
    def __init__(self, url: str = "") -> None:
        """`url`: another broker than `settings.CELERY_BROKER_URL`."""
        self._lock = threading.Lock()
        self._listeners: list[BrokerListener] = []
        self._ringer = Ringer(url or settings.CELERY_BROKER_URL)

    def wake(self, queue: str) -> None:
        self.heard(queue)  # who rings may listen too: a worker that gives a job back, a courier beside the work that it tells of
        self._ringer.ring(queue)

    def heard(self, queue: str) -> None:
        """A ring came: pass it on to the listeners of this process."""
        with self._lock:
            listeners = [one for one in self._listeners if queue in one.queues]
        for listener in listeners:
            listener.ring()

    def listen(self, queues: Sequence[str]) -> BrokerListener:
        listener = BrokerListener(self, queues)
        with self._lock:
            self._listeners.append(listener)
        return listener

    def forget(self, listener: BrokerListener) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._listeners.remove(listener)

    def flush(self) -> None:
        self._ringer.flush(EXIT_SECONDS)

    def close(self) -> None:
        """Ring no more, and forget the rings that did not go out."""
        self._ringer.close()


class BrokerListener:
    """A worker's ear. Hears what this process is told; whoever takes rings from the broker calls `BrokerDoorbell.heard`."""

    def __init__(self, doorbell: BrokerDoorbell, queues: Sequence[str]) -> None:
        self.queues = frozenset(queues)
        self._doorbell = doorbell
        self._heard: SimpleQueue[bool] = SimpleQueue()  # which a signal handler may use too, whatever it interrupted

    def ring(self) -> None:
        self._heard.put(True)

    def interrupt(self) -> None:
        self._heard.put(False)

    def wait(self, timeout: float) -> bool:
        rang = False
        with contextlib.suppress(Empty):
            rang = self._heard.get(timeout=max(0.0, timeout))
            while True:
                rang |= self._heard.get_nowait()
        return rang

    def close(self) -> None:
        self._doorbell.forget(self)


class Ringer:
    """The thread that tells the broker. It begins with the first ring and ends with `close`, or with the process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._changed = threading.Condition()
        self._rings: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._busy = self._is_down = self._closed = False
        self._connection: Any = None
        self._producer: Any = None

    def ring(self, queue: str) -> None:
        with self._changed:
            self._rings[queue] = min(KEPT, self._rings[queue] + 1)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self._thread.start()
                atexit.register(self.flush, EXIT_SECONDS)
            self._changed.notify_all()

    @property
    def kept(self) -> int:
        """How many rings wait to go out."""
        with self._changed:
            return self._rings.total()

    def flush(self, seconds: float) -> bool:
        """Wait until everything went out, `seconds` at most; not at all while the broker is away. Whether it did."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_down or not (self._rings or self._busy), seconds)
            return not (self._rings or self._busy)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        atexit.unregister(self.flush)
        if self._thread:
            self._thread.join()
        outage.forget(self)

    def _run(self) -> None:
        pause = PAUSES[0]
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._rings or self._closed)
                if self._closed:
                    break
                queue, count = next(iter(self._rings.items()))
                del self._rings[queue]
                self._busy = True
            rung = self._try(queue, count)
            with self._changed:
                self._busy = False
                if rung < count:
                    self._rings[queue] = min(KEPT, self._rings[queue] + count - rung)
                self._is_down = rung < count
                self._changed.notify_all()
            if rung < count:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, pause)
                pause = min(PAUSES[1], pause * 2)
            else:
                pause = PAUSES[0]
        self._hang_up()

    def _try(self, queue: str, count: int) -> int:
        """Ring so many times; returns how often it was rung. A connection that had died unnoticed is made anew once."""
        rung = 0
        for _ in range(2):
            was_new = self._producer is None
            try:
                rung += self._tell(queue, count - rung)
                outage.answered(self)
                return rung
            except Exception as error:  # noqa: BLE001 - kombu lets through what redis-py, py-amqp and the system raise; the thread goes on
                self._hang_up()
                if was_new:
                    outage.failed(self, error)
                    return rung
        return rung

    def _tell(self, queue: str, count: int) -> int:
        """Send rings, unless enough of them lie there unheard. Raises what connections raise."""
        from studio.celery import ENOUGH, RING, RING_SECONDS, app
        from studio.celery import queue as queue_of

        if self._producer is None:
            self._connect()
        bell: Any = queue_of(queue)
        # Declaring it is also how its length is asked for; and a broker that was emptied has it again.
        waiting = bell(self._producer.channel).queue_declare().message_count
        for _ in range(min(count, max(0, ENOUGH - waiting))):
            app.send_task(RING, queue=bell, producer=self._producer, expires=RING_SECONDS, retry=False, declare=[], ignore_result=True)
        return count

    def _connect(self) -> None:
        from studio.celery import CONNECT_SECONDS, app, broker_url, transport_options

        options = transport_options(self._url)
        if not options:  # RabbitMQ: know that it took the ring, and wait no longer for that than for a connection
            options = {"confirm_publish": True, "read_timeout": CONNECT_SECONDS, "write_timeout": CONNECT_SECONDS}
        # Without heartbeats: nobody would answer them between two rings.
        connection = app.connection_for_write(
            broker_url(self._url), connect_timeout=CONNECT_SECONDS, heartbeat=0, transport_options=options
        )
        self._connection = connection
        connection.connect()
        self._producer = connection.Producer(connection.channel(), auto_declare=False)

    def _hang_up(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.collect(socket_timeout=1)
