"""Claim, generate, settle: what a runner thread does all day."""

from __future__ import annotations

import os
import random
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

import structlog
from django.db import DatabaseError, connection
from structlog.contextvars import bound_contextvars

from studio import telemetry
from studio.backends import registry
from studio.backends.base import GenerationRequest, Outcome, PaidBackend, Progress
from studio.backends.errors import (
    BackendError,
    CoolingDown,
    EngineCrashed,
    EngineFailed,
    KeyRefused,
    ProviderOutOfCredits,
    RateLimited,
    RequestCanceled,
)
from studio.generation import files, services
from studio.generation.bill import UNKNOWN, Bill
from studio.generation.models import Job
from studio.generation.worker import database, paid
from studio.generation.worker.progress import ProgressPublisher
from studio.generation.worker.running import Halt, RunningJobs

log = structlog.get_logger(__name__)

RETRY_SECONDS = (2.0, 60.0)
"""Pause before the second attempt at a retryable error, doubled for each further one, and its upper bound."""

SETTLERS = max(1, min(4, (os.cpu_count() or 1) // 4))
"""Threads that settle what was made together: to read and shrink a picture takes a core, and few cores are left to the next run."""


class Runner:
    """Does the work of one process's threads. With `batch`, jobs of one shape run together, and are settled while the next ones run.

    `on_trouble` is called when a provider asked for a rest, refused the key or was not paid enough, before anybody hears of the job.
    """

    def __init__(
        self,
        queues: Sequence[str],
        name: str,
        running: RunningJobs,
        progress: ProgressPublisher,
        *,
        batch: bool,
        on_trouble: Callable[[], None] = lambda: None,
    ) -> None:
        self._queues = list(queues)
        self._name = name
        self._running = running
        self._progress = progress
        self._batch = batch
        self._on_trouble = on_trouble
        self._settler = ThreadPoolExecutor(SETTLERS, thread_name_prefix="settle") if batch else None
        self._unsettled: list[Future[None]] = []

    def work_once(self, on_claim: Callable[[], None]) -> bool:
        """Take the next fair job (or batch) and see it to its end; False when there was none. Raises DatabaseError.

        `on_claim` is called as soon as something was taken: there may be more for other threads.
        """
        looked_at = time.time_ns()
        jobs = services.claim(self._queues, self._name, batch=self._batch)
        if not jobs:
            return False
        telemetry.claimed(jobs, looked_at)
        self._running.add(jobs)
        on_claim()
        try:
            with bound_contextvars(**_named(jobs)), telemetry.job_span("job.generate", jobs):
                outcomes = self._generate(jobs)
        except BaseException:
            for job in jobs:  # nobody works on them any more: their leases must run out, so that they come back
                self._running.remove(job)
            raise
        self._settle_all(outcomes)
        return True

    def anything_waits(self) -> bool:
        """A cheaper look than a claim, which weighs teams against each other."""
        return Job.objects.filter(queue__in=self._queues, status=Job.Status.QUEUED).exists()

    def finish(self) -> None:
        """Wait until everything that was made is settled."""
        wait(self._unsettled)
        if self._settler:
            everyone = threading.Barrier(SETTLERS)
            for _ in range(SETTLERS):
                self._settler.submit(_leave_with, everyone)
            self._settler.shutdown()

    # --- generate ----------------------------------------------------------------------------------------------------

    def _generate(self, jobs: list[Job]) -> list[tuple[Job, Outcome]]:
        ready: list[tuple[Job, GenerationRequest]] = []
        outcomes: list[tuple[Job, Outcome]] = []
        for job in jobs:
            try:
                ready.append((job, _request(job)))
            except FileNotFoundError:
                outcomes.append((job, _InputMissing()))
            except OSError:  # nothing has been asked of anybody yet
                outcomes.append((job, _InputNotRead()))
        try:
            if ready:
                made = self._call([job for job, _ in ready], [request for _, request in ready])
                outcomes += zip((job for job, _ in ready), made, strict=True)
        finally:  # or the next attempt in this process would tell its steps as this one's
            for job in jobs:
                self._progress.forget(job)
        return outcomes

    def _call(self, jobs: list[Job], requests: list[GenerationRequest]) -> list[Outcome]:
        def on_progress(place: int, progress: Progress) -> None:
            self._progress.report(jobs[place], progress)

        def is_canceled(place: int) -> bool:
            return self._running.halted(jobs[place]) is not None

        database.tidy()  # an engine takes its time: many threads wait for theirs, and have few connections between them
        try:
            backend = registry.backend(registry.engine(jobs[0].engine).backend)
            if isinstance(backend, PaidBackend):
                return [
                    paid.generate(backend, job, request, on_progress=partial(on_progress, place), is_canceled=partial(is_canceled, place))
                    for place, (job, request) in enumerate(zip(jobs, requests, strict=True))
                ]
            made = backend.generate_batch(requests, on_progress=on_progress, is_canceled=is_canceled)
            if len(made) != len(jobs):
                raise RuntimeError(f"{type(backend).__name__} answered {len(jobs)} requests with {len(made)} outcomes")
            return made
        except BackendError as error:
            return [error] * len(jobs)
        except registry.UnknownEngine:
            return [_EngineGone()] * len(jobs)
        except DatabaseError:
            raise  # of a paid request, which says in the row what it does
        except Exception as error:  # noqa: BLE001 - whatever an engine does, its jobs end with an answer and the worker goes on
            log.error("engine_crashed", jobs=[str(job.pk) for job in jobs], engine=jobs[0].engine, crash=_without_prompts(error, requests))
            return [EngineCrashed()] * len(jobs)

    # --- settle ------------------------------------------------------------------------------------------------------

    def _settle_all(self, outcomes: list[tuple[Job, Outcome]]) -> None:
        if self._settler is None:
            for job, outcome in outcomes:
                self._settle(job, outcome)
            return
        wait(self._unsettled)  # one batch ahead at most: finished pictures are held in memory
        self._unsettled = [self._settler.submit(self._settle, job, outcome) for job, outcome in outcomes]

    def _settle(self, job: Job, outcome: Outcome) -> None:
        with bound_contextvars(**_named([job])), telemetry.job_span("job.settle", [job]):
            self._settle_one(job, outcome)

    def _settle_one(self, job: Job, outcome: Outcome) -> None:
        try:
            if not self._running.sealed:
                self._answer(job, outcome)
        except DatabaseError as error:
            # Rolled back. The lease runs out and the reaper gives the job its next attempt.
            log.error("job_not_settled", job=str(job.pk), attempt=job.attempt, reason=type(error).__name__)
            connection.close()
        except Exception as error:  # noqa: BLE001 - one job's broken picture must not take the others of its batch along
            log.error("job_not_delivered", job=str(job.pk), attempt=job.attempt, crash=_without_prompts(error, [job.to_request()]))
            # What was made may be billed although nobody gets it.
            bill = Bill.of(outcome, job.price).waived() if isinstance(outcome, list) else UNKNOWN
            services.fail(job, "storage_failed", bill=bill)
        finally:
            self._running.remove(job)
            database.tidy()
        if job.batch_id:
            self._draw_sheet(job.batch_id)

    def _draw_sheet(self, batch_id: uuid.UUID) -> None:
        """The last job of a grid has ended, maybe. Whatever happens here, that job has its answer; a chore looks again."""
        try:
            services.draw_sheet(batch_id)
        except DatabaseError as error:
            log.error("sheet_not_drawn", batch=str(batch_id), reason=type(error).__name__)
            connection.close()
        finally:
            database.tidy()

    def _answer(self, job: Job, outcome: Outcome) -> None:
        if isinstance(outcome, list):
            kept = services.succeed(job, outcome)
            log.info("job_ended", job=str(job.pk), attempt=job.attempt, engine=job.engine, delivered=kept)
            return
        if isinstance(outcome, RateLimited | KeyRefused | ProviderOutOfCredits):
            self._on_trouble()
        rests = isinstance(outcome, CoolingDown)
        only_waits = rests and job.is_repeatable
        # A paid request that went out has been tried again by its backend, as often as it may be: only a rest makes it come back.
        comes_back = outcome.retryable and (rests or job.is_repeatable)
        if isinstance(outcome, RequestCanceled):
            self._stopped(job)
        elif comes_back and (job.has_attempts_left or only_waits):
            delay = retry_delay(job.attempt, outcome.retry_after)
            services.requeue(job, delay=delay, count_attempt=not only_waits, code=outcome.code, reason=outcome.message)
            log.info("job_retried", job=str(job.pk), attempt=job.attempt, engine=job.engine, code=outcome.code, delay=round(delay, 1))
        else:
            detail = "" if outcome.message == outcome.default_message else outcome.message
            bill = Bill.of_failure(outcome, submitted=bool(job.provider_id))
            services.fail(job, outcome.code, detail, fields=outcome.fields, bill=bill)
            log.info("job_ended", job=str(job.pk), attempt=job.attempt, engine=job.engine, code=outcome.code)

    def _stopped(self, job: Job) -> None:
        why = self._running.halted(job)
        if why is Halt.RELEASED:
            services.requeue(job, count_attempt=False)
        elif why is Halt.TIMED_OUT:
            services.time_out(job)
        elif not services.finish_canceled(job) and why is None:
            # The backend says that it was told to stop, and nobody told it: no reason to leave the job running for ever.
            services.fail(job, EngineFailed.code)
        log.info("job_stopped", job=str(job.pk), attempt=job.attempt, engine=job.engine, why=why)


def _named(jobs: Sequence[Job]) -> dict[str, str | int | list[str]]:
    """What every line that is logged meanwhile is about, also those of libraries."""
    return {"job": str(jobs[0].pk), "attempt": jobs[0].attempt} if len(jobs) == 1 else {"jobs": [str(job.pk) for job in jobs]}


def _leave_with(everyone: threading.Barrier) -> None:
    """The last work of each thread: waiting for the others, none does it twice."""
    everyone.wait()
    database.hang_up()


class _InputMissing(BackendError):
    code = "input_missing"


class _InputNotRead(BackendError):
    code = "input_not_read"
    retryable = True
    default_message = "A file that this starts from cannot be read at the moment."


class _EngineGone(BackendError):
    code = "not_configured"


def retry_delay(attempt: int, retry_after: float | None) -> float:
    """Seconds until the next attempt after number `attempt` failed: what the provider asked for, else doubling; up to a quarter more, so
    that jobs that failed together do not come back together."""
    pause = retry_after if retry_after is not None else min(RETRY_SECONDS[1], RETRY_SECONDS[0] * 2 ** (attempt - 1))
    return pause * random.uniform(1, 1.25)  # noqa: S311 - spreads, hides nothing


def _request(job: Job) -> GenerationRequest:
    """Raises FileNotFoundError when a file that the job starts from is not there, OSError when it cannot be read."""
    given = job.given
    if None in given.values():
        raise FileNotFoundError(str(job.pk))
    return job.to_request({name: files.read(file.file) for name, file in given.items() if file})


def _without_prompts(error: BaseException, requests: Sequence[GenerationRequest]) -> str:
    """The traceback for the log. An engine's message may quote what it choked on, so what people wrote is taken out of it."""
    text = "".join(traceback.format_exception(error))
    for request in requests:
        for words in (request.prompt, request.negative_prompt):
            if words.strip():
                text = text.replace(words, "[prompt]").replace(repr(words)[1:-1], "[prompt]")
    return text
