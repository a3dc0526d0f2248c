"""Jobs: one request to an engine each. Submit, look, wait, watch, cancel, fetch."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Router
from ninja.params.functions import Query

from accounts.access import require
from studio.api import access, asking, events
from studio.api.auth import Key, ProgramRequest
from studio.api.errors import NotPossible
from studio.api.once import HEADER, Once, once
from studio.api.problems import statuses
from studio.api.v1 import paging
from studio.api.v1.answers import Wait, answer, when_over
from studio.api.v1.schemas import JobIn, JobOut, Jobs, JobsAsked
from studio.galleries import files
from studio.generation import finals
from studio.generation.errors import HaveItAlready
from studio.generation.facts import job_facts
from studio.generation.models import Artifact, Job
from studio.generation.services import cancel, finish, retry, submit
from studio.waiting import Waiting

router = Router()

IDEMPOTENT = {
    "parameters": [
        {
            "name": HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$"},
            "description": "Any text that names this very request. Sent again with the same body it gives the same answer, with "
            "`Idempotency-Replayed: true`, and nothing is charged again; with another body it is refused (409).",
        }
    ]
}
SEES = Key("generate", "library:read")


@router.post("/jobs", auth=Key("generate"), response={201: JobOut, 200: JobOut, **statuses(402, 409)}, openapi_extra=IDEMPOTENT)
def submit_job(request: ProgramRequest, body: JobIn, wait: Wait = 0) -> HttpResponseBase:
    """Ask an engine for something. The price is held, and charged for what is delivered.

    201 with the job, at once or, with `wait`, when it is over. 200 where it was made before: the same `Idempotency-Key` came again, or the
    team had the same and `anew` was false. What a rule of the team asks approval for is a job too, with the status `approval`.
    """
    caller = request.caller

    def make(key: str) -> Job:
        shop = asking.Shop.open(caller)
        found = asking.wish(shop, body)
        way = asking.trial(shop, found) if body.preview else None
        try:
            return submit(
                user=caller.user,
                team=caller.team,
                request=way.request if way else found.request,
                idempotency_key=key,
                inputs=found.keep_inputs(),
                parent=found.parent,
                intended=found.request.to_json() if way else None,
                anew=body.anew or not found.is_exact,
                api_key=caller.key,
                **found.remembered,
            )
        except HaveItAlready as error:
            return error.job

    done = once(request, caller, body.model_dump(mode="json"), make)
    assert isinstance(done.made, Job)
    return told_job(done, wait)


def told_job(done: Once, wait: int) -> HttpResponseBase:
    """The job that a submit made or found."""
    job = done.made
    assert isinstance(job, Job)
    headers = {"Location": f"/api/v1/jobs/{job.pk}"} | ({"Idempotency-Replayed": "true"} if done.is_replay else {})

    def then() -> HttpResponse:
        fresh = Job.objects.for_programs().get(pk=job.pk)
        return answer(job_facts(fresh), 201 if done.is_new else 200, headers)

    return when_over([job.pk] if job.is_open else [], wait, then)


@router.get("/jobs", auth=SEES, response={200: Jobs, **statuses()})
def list_jobs(
    request: ProgramRequest,
    asked: Annotated[JobsAsked, Query()],
) -> HttpResponse:
    """Jobs of the team, newest first; without the scope `library:read` those that were asked for with this key."""
    jobs = access.jobs_of(request.caller).for_programs().order_by("-pk")
    if asked.status:
        jobs = jobs.filter(status__in=asked.status)
    if asked.engine:
        jobs = jobs.filter(engine=asked.engine)
    if after := paging.opened(asked.cursor, paging.id_of):
        jobs = jobs.filter(pk__lt=after)
    return answer(paging.page(list(jobs[: asked.limit + 1]), asked.limit, job_facts))


@router.get("/jobs/{uuid:job_id}", auth=SEES, response={200: JobOut, **statuses()})
def show_job(request: ProgramRequest, job_id: UUID, wait: Wait = 0) -> HttpResponseBase:
    """A job as it stands; with `wait`, when it is over or the time is."""
    caller = request.caller
    job = access.job_for(caller, job_id)
    return when_over([job_id] if job.is_open else [], wait, lambda: answer(job_facts(access.job_for(caller, job_id))))


@router.get(
    "/jobs/{uuid:job_id}/events",
    auth=SEES,
    response={200: None, 204: None, **statuses()},
    openapi_extra={
        "parameters": [{"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 100}}],
        "responses": {
            200: {
                "description": "Server-sent events: `progress` with status, step and total, then `ended` with the job.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            204: {"description": "The stream that Last-Event-ID is of has ended: do not ask again."},
        },
    },
)
def watch_job(request: ProgramRequest, job_id: UUID) -> HttpResponseBase:
    """Watch a job as server-sent events: `progress` when something changed, `ended` with the whole job, and then it is over.

    A comment line every few seconds keeps the line open. Who comes back with `Last-Event-ID` goes on from there.
    """
    caller = request.caller
    access.job_for(caller, job_id)
    last = request.headers.get("Last-Event-ID", "")
    if last == events.ENDED:
        return HttpResponse(status=204)

    async def nothing() -> None:
        """There is nothing to wait for: the stream itself gives the thread back."""

    def stream() -> HttpResponseBase:
        told = events.of_job(job_id, last, lambda: job_facts(access.job_for(caller, job_id)))
        headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
        return StreamingHttpResponse(told, content_type="text/event-stream", headers=headers)

    return Waiting(nothing, stream)


@router.post("/jobs/{uuid:job_id}/cancel", auth=Key("generate"), response={200: JobOut, **statuses(409)})
def cancel_job(
    request: ProgramRequest,
    job_id: UUID,
    for_all: Annotated[bool, Query(description="Also where somebody else has asked for the same and waits for it too.")] = False,
    wait: Wait = 0,
) -> HttpResponseBase:
    """Stop a job: one that waits at once, one that runs within a step. Nothing is charged. One that is over stays as it is.

    What somebody else asked for takes the scope `library:write` too.
    """
    caller = request.caller
    job = access.job_for(caller, job_id)
    if job.user_id != caller.user.pk:
        caller.require("library:write")
        require(caller.user, caller.team, "curate")
    stopped = cancel(job, for_all=for_all)
    return when_over([job_id] if stopped.is_open else [], wait, lambda: answer(job_facts(access.job_for(caller, job_id))))


@router.post(
    "/jobs/{uuid:job_id}/retry",
    auth=Key("generate"),
    response={201: JobOut, 200: JobOut, **statuses(402, 409)},
    openapi_extra=IDEMPOTENT,
)
def retry_job(request: ProgramRequest, job_id: UUID, wait: Wait = 0) -> HttpResponseBase:
    """Ask for the same once more, at today's price, from the same files. One that is not over is refused (`not_over`)."""
    caller = request.caller
    job = access.job_for(caller, job_id)
    if job.is_open:
        raise NotPossible("not_over", "This job is not over yet. Wait for it, or cancel it first.")

    def make(key: str) -> Job:
        try:
            return retry(job, user=caller.user, idempotency_key=key, api_key=caller.key)
        except HaveItAlready as error:
            return error.job

    return told_job(once(request, caller, None, make), wait)


@router.post(
    "/jobs/{uuid:job_id}/results/{int:index}/final",
    auth=Key("generate"),
    response={201: JobOut, 200: JobOut, **statuses(402, 409)},
    openapi_extra=IDEMPOTENT,
)
def make_final(request: ProgramRequest, job_id: UUID, index: int, wait: Wait = 0) -> HttpResponseBase:
    """Make what a result of a `preview` shows, with its seed. While that is under way or can be seen, it is the answer (200)."""
    caller = request.caller
    preview = _result(access.job_for(caller, job_id), index)
    meant = finals.request_for(preview)
    if meant is None:
        raise NotPossible("no_preview", "This is no preview: its job was not asked for with “preview”.")

    def make(key: str) -> Job:
        return finish(preview, user=caller.user, request=meant, idempotency_key=key, anew=True, api_key=caller.key)

    return told_job(once(request, caller, None, make), wait)


def _result(job: Job, index: int) -> Artifact:
    """Raises Http404."""
    artifact = next((one for one in job.artifacts.all() if one.index == index), None)
    if artifact is None:
        raise Http404
    artifact.job, artifact.team = job, job.team
    return artifact


@router.get(
    "/jobs/{uuid:job_id}/results/{int:index}",
    auth=SEES,
    response={200: None, 206: None, 304: None, **statuses(416)},
    openapi_extra={
        "responses": {
            status: {"description": said, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
            for status, said in ((200, "The file."), (206, "The part of it that Range asked for."))
        }
    },
)
def fetch_result(request: ProgramRequest, job_id: UUID, index: int) -> HttpResponseBase:
    """The bytes of a result as they were delivered. Knows `Range`, `If-None-Match` and `If-Modified-Since`.

    Where the studio keeps its files in a store of its own, the answer is a redirect (302) to an address there that holds for a while.
    """
    artifact = _result(access.job_for(request.caller, job_id), index)
    return async_to_sync(files.respond)(request, files.wanted(artifact, "original", attachment=True))
