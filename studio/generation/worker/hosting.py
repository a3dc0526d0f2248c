"""A worker of the scaled mode: Celery holds the process and the line to the broker, and hosts the same `WorkerProcess` as ever.

The work is done by the runner threads of the WorkerProcess, which also look at the queue by themselves: jobs go on while the broker is
away. Celery's own pool is one thread that takes one ring at a time, wakes a runner with it, and acknowledges it when a runner is free
again. So a worker that is full holds one ring at most, the broker offers the others to workers that have room, and RabbitMQ gives the ring
of one that is killed to another. A worker of the queue `chores` has a clock (`clock.py`) and no runners.
"""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from types import FrameType
from typing import Any

import structlog
from amqp.exceptions import RecoverableConnectionError
from celery import bootsteps
from celery.apps.worker import Worker
from celery.exceptions import ImproperlyConfigured, SecurityWarning
from celery.worker import state
from celery.worker.request import Request
from django.conf import settings

from studio.celery import CHORES, RING, WEBHOOKS, app
from studio.generation.dispatch import doorbell
from studio.generation.dispatch.broker import BrokerDoorbell, outage
from studio.generation.worker.clock import Clock
from studio.generation.worker.ending import leave
from studio.generation.worker.hiring import hire
from studio.generation.worker.process import WorkerProcess
from studio.processes.child import leave_output_if_orphaned, say_ready

log = structlog.get_logger(__name__)

HOLD_SECONDS = 15 * 60.0
"""How long a full worker holds a ring at most; RabbitMQ closes the line of who has not acknowledged for half an hour."""
CHORES_AT_ONCE = 4
"""Chores that run beside each other: one that asks a provider must not keep those of every few seconds waiting."""

LOST = ("consumer: Cannot connect", "consumer: Connection to broker lost", "beat: Connection error")
"""How Celery's lines begin of a broker that does not answer: an error for each try."""
FAILED_WITH_IT = ("Couldn't ack", "Error cleaning up after event loop", "Error on stopping Hub")
"""How its lines begin of what was in hand on a line that broke: it comes again. That the line broke is said with it, or was."""

_hosted: Hosted | None = None
"""What the ring's task wakes: there is one worker in a process."""


@app.task(name=RING, bind=True, ignore_result=True)  # type: ignore[untyped-decorator]
def ring(task: Any) -> None:
    """There is work on the queue that this came by. Returns when there is room for another."""
    delivery = task.request.delivery_info or {}
    queue = delivery.get("routing_key", "")
    if _hosted is not None and queue in _hosted.process.queues:
        _hosted.process.ring(again=bool(delivery.get("redelivered")))
        _hosted.process.wait_for_room(HOLD_SECONDS)
    elif isinstance(bell := doorbell(), BrokerDoorbell):
        bell.heard(queue)


def is_news(record: logging.LogRecord) -> bool:
    """A filter of Celery's loggers: that the broker is away is said once, whoever of this process has met it."""
    message, reason = record.getMessage(), next((one for one in record.args or () if isinstance(one, Exception)), None)
    if message.startswith(LOST):
        outage.failed("clock" if record.name == "celery.beat" else "consumer", reason or "the line broke")
        return False
    return not (message.startswith(FAILED_WITH_IT) and isinstance(reason, connection_errors()))


@cache
def connection_errors() -> tuple[type[Exception], ...]:
    """What kombu raises when this broker goes."""
    errors: tuple[type[Exception], ...] = app.connection_for_read().connection_errors
    return errors


class Received(Request):  # type: ignore[misc]
    """A message in a worker's hands. If the broker cannot be told that it is done with, the line to it is made anew.

    Celery leaves it at a line in the log. But over Redis such a message keeps its place among those that a worker may hold; so one that was
    full while Redis was away, and listened for nothing, would never have listened again.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """`connection_errors` are what kombu leaves at that: now only that of a line of before, which RabbitMQ has forgotten."""
        super().__init__(*arguments, **{**options, "connection_errors": (RecoverableConnectionError,)})


class Hosted:
    """A WorkerProcess in threads of this process, as Celery starts and stops what belongs to a worker."""

    def __init__(self, process: WorkerProcess, *, on_end: Callable[[], None]) -> None:
        self.process = process
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, name="worker")

    def start(self, worker: Any = None) -> None:
        """Returns when the engines are there (or can never be): who is not ready yet should take no rings from those who are."""
        global _hosted
        _hosted = self
        say_ready()
        self._thread.start()
        while not (self.process.is_stopping or self.process.wait_until_warm(0.2)):
            state.maybe_shutdown()

    def stop(self, worker: Any = None) -> None:
        self.process.stop()
        self._thread.join()
        for queue in self.process.queues:  # what this one has heard and not begun, another one may
            doorbell().wake(queue)

    terminate = stop

    def _run(self) -> None:
        try:
            self.process.run()
        finally:
            self._on_end()


class Host(bootsteps.StartStopStep):  # type: ignore[misc]
    """Started before the line to the broker, stopped after it."""

    requires = ("celery.worker.components:Pool",)

    def include_if(self, worker: HostingWorker) -> bool:
        return bool(worker.job_queues)

    def create(self, worker: HostingWorker) -> Hosted:
        worker.process = hire(worker.job_queues, threads=worker.threads, has_clock=False)
        return Hosted(worker.process, on_end=worker.end)


class Timekeeper(bootsteps.StartStopStep):  # type: ignore[misc]
    """The clock of a worker of the chores; after the pool, as it is the pool that does them."""

    requires = ("celery.worker.components:Pool",)

    def include_if(self, worker: HostingWorker) -> bool:
        return worker.has_clock

    def create(self, worker: HostingWorker) -> Clock:
        return Clock(worker.app)


class Connected(bootsteps.StartStopStep):  # type: ignore[misc]
    """Started with each line to the broker, the first and those that come after an outage."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        outage.answered("consumer")


app.steps["worker"].update((Host, Timekeeper))
app.steps["consumer"].add(Connected)


class HostingWorker(Worker):  # type: ignore[misc]
    """Celery's worker, whichever command starts it: `-Q` names queues of engines, or `chores`; `-c` is how many jobs run at a time."""

    threads: int | None = None
    process: WorkerProcess | None = None
    job_queues: Sequence[str] = ()
    has_clock = False

    def on_before_init(self, **options: Any) -> None:
        if settings.EMBEDDED:
            raise ImproperlyConfigured("Without REDIS_URL there is no broker to work with: start this worker with manage.py worker.")
        with warnings.catch_warnings():
            # Celery warns root of messages that run code: these are JSON, without arguments.
            warnings.simplefilter("ignore", SecurityWarning)
            super().on_before_init(**options)

    def setup_defaults(self, concurrency: Any = None, pool: Any = None, **options: Any) -> None:
        self.threads = int(concurrency) if concurrency else None
        super().setup_defaults(concurrency=app.conf.worker_concurrency, pool=app.conf.worker_pool, **options)

    def setup_queues(self, include: Any, exclude: Any = None) -> None:
        wanted = include.split(",") if isinstance(include, str) else list(include or [])
        if not wanted:
            raise ImproperlyConfigured(f"Which queue? Name some with -Q: {', '.join((*settings.BACKENDS, CHORES))}.")
        if unknown := sorted(set(wanted) - {*settings.BACKENDS, CHORES, WEBHOOKS}):
            raise ImproperlyConfigured(f"No engine has the queue {unknown[0]}. There are: {', '.join(settings.BACKENDS)}.")
        self.has_clock = CHORES in wanted
        self.job_queues = [name for name in wanted if name not in (CHORES, WEBHOOKS)]
        if self.has_clock and self.job_queues:
            raise ImproperlyConfigured("The chores want a worker of their own: `manage.py beat`.")
        if self.has_clock:
            self.concurrency = CHORES_AT_ONCE
        else:
            wanted.append(WEBHOOKS)  # each worker has a courier
        super().setup_queues(wanted, exclude)

    def prepare_args(self, **options: Any) -> dict[str, Any]:
        """Workers do not talk to each other: the database says who lives, and nobody listens to events."""
        return {**options, "without_gossip": True, "without_mingle": True, "without_heartbeat": True}

    def setup_logging(self, colorize: bool | None = None) -> bool:
        """Django's settings have done it; but a ring or a chore is not worth a line."""
        for name in ("celery.worker.strategy", "celery.app.trace", "celery.apps.worker", "celery.beat"):
            logging.getLogger(name).setLevel(logging.WARNING)
        for name in ("celery.worker.consumer.consumer", "celery.worker.loops", "celery.worker.request", "celery.bootsteps", "celery.beat"):
            logging.getLogger(name).addFilter(is_news)
        # Kombu warns of each ring that it hands back as a worker ends, where that is what should happen.
        logging.getLogger("kombu.transport.virtual.base").setLevel(logging.ERROR)
        return True

    def emit_banner(self) -> None:
        """The log says what there is to say."""

    def set_process_status(self, info: str) -> None:
        """The command line says it already, and who watches processes looks for it there."""

    def on_consumer_ready(self, consumer: Any) -> None:
        super().on_consumer_ready(consumer)
        log.info("broker_connected", queues=sorted(app.amqp.queues.consume_from))

    def install_platform_tweaks(self, worker: Any) -> None:
        """SIGTERM and SIGINT end the worker in good order, as they do without Celery; a second one changes nothing."""

        def heard(number: int, frame: FrameType | None) -> None:
            leave_output_if_orphaned()
            self.end()

        signal.signal(signal.SIGTERM, heard)
        signal.signal(signal.SIGINT, heard)

    def end(self) -> None:
        """Ask it to stop; safe in a signal handler."""
        if self.process is not None:
            self.process.stop()  # at once: Celery looks up once a second
        state.should_stop = 0

    def listen_to_signals(self) -> None:
        """Celery asks for that itself, as it starts."""

    def run(self) -> int:
        """Work until a signal; returns the exit status."""
        super().start()
        return self.process.exit_code if self.process is not None and not self.exitcode else int(self.exitcode or 0)

    def start(self) -> None:
        """For Celery's command line."""
        leave(self.run())
