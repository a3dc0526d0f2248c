"""A request that somebody else bills: said in the row before it leaves, and never sent twice."""

from __future__ import annotations

from studio.backends.base import GenerationRequest, IsCanceled, OnProgress, Outcome, PaidBackend
from studio.backends.errors import BackendError, RequestCanceled
from studio.generation import services
from studio.generation.models import Job
from studio.generation.worker import database


def generate(backend: PaidBackend, job: Job, request: GenerationRequest, *, on_progress: OnProgress, is_canceled: IsCanceled) -> Outcome:
    """Have a claimed job's request made or, if that was submitted by an earlier attempt, fetched.

    Raises DatabaseError when the row cannot be written. Nobody must settle the job then: its lease runs out, and what the row says of
    the request decides what the reaper does with it.
    """

    def on_sent() -> None:
        if not services.mark_sent(job):
            raise RequestCanceled  # lost or stopped: nothing goes out
        database.tidy()

    def on_submitted(provider_id: str) -> None:
        if not services.note_submitted(job, provider_id):
            raise RequestCanceled  # lost: whoever has the job has failed it, because nobody could know this id
        database.tidy()

    try:
        if job.provider_id:
            return backend.resume(request, job.provider_id, on_progress=on_progress, is_canceled=is_canceled)
        return backend.generate(request, on_progress=on_progress, is_canceled=is_canceled, on_sent=on_sent, on_submitted=on_submitted)
    except BackendError as error:
        return error
