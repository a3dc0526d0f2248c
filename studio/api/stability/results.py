"""What a job came to, as the client asked to be answered; and what is fetched later, by its id.

A picture that a filter kept back is a 200 in the contract, with a blurred one (API.md 2.3): here the studio does not have it, and a plain
grey one of the size stands for it, under CONTENT_FILTERED. Credits are taken for it only where the operator says so.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils import timezone
from PIL import Image

from accounts.keys import Caller
from accounts.models import ApiKey, Membership
from studio.api.access import line_of
from studio.api.models import Generation
from studio.api.stability import refusals
from studio.api.stability.asks import Wanted
from studio.api.stability.contract import Endpoint
from studio.api.stability.dialects import V1, Artifact, Dialect, Refusal, v1_artifacts, v2_result
from studio.api.stability.forms import ID_LENGTH
from studio.api.stability.messages import Answer, Request
from studio.api.stability.operations import Operation
from studio.api.stability.resample import answer_bytes, encoded
from studio.generation.models import Artifact as Result
from studio.generation.models import Job
from studio.generation.stripping import strip

SUCCESS, FILTERED, ERROR = "SUCCESS", "CONTENT_FILTERED", "ERROR"
KEPT = timedelta(hours=24)
"""API.md 2.9; counted from when it was over."""
ALL_FILTERED = "all_filtered"
STRIP = "x-atelier-strip"
"""A header of ours: with `1` a file comes without the prompt and the settings that the studio writes into it."""
PLAIN = "#808080"
UNKNOWN_SIZE = (1024, 1024)
GLB = "model/gltf-binary"


def deliver(request: Request, endpoint: Endpoint, dialect: Dialect, job: Job, wanted: Wanted) -> Answer:
    """The answer of a job that is over. Raises the `Refusal` of one that came to nothing; OSError when its files are gone."""
    is_filtered = job.error_code == ALL_FILTERED and job.makes == "image"
    if job.status != Job.Status.SUCCEEDED and not is_filtered:
        raise refusals.of_job(dialect, endpoint, job)
    results = {one.index: one for one in job.artifacts.filter(deleted_at=None).order_by("index")}
    if isinstance(dialect, V1):
        return _v1(request, job, results, wanted)
    if is_filtered:
        return v2_result(request, plain(wanted), wanted.mime, _seed(job, 0), FILTERED)
    if not results:
        raise dialect.generation_not_found()
    result = next(iter(results.values()))
    data, headers = _bytes(request, result, wanted)
    answer = v2_result(request, data, GLB if result.kind == "model" else wanted.mime, _seed(job, result.index, result), SUCCESS)
    answer.headers |= headers
    return answer


def _v1(request: Request, job: Job, results: dict[int, Result], wanted: Wanted) -> Answer:
    """One artifact for each that was asked for, those that did not come among them (API.md 1.5)."""
    filtered = job.filtered or (job.num_images if job.error_code == ALL_FILTERED else 0)
    artifacts: list[Artifact] = []
    told: dict[str, str] = {}
    for index in range(job.num_images):
        if result := results.get(index):
            data, told = _bytes(request, result, wanted)
            artifacts.append(Artifact(data, _seed(job, index, result), SUCCESS))
        elif filtered:
            filtered -= 1
            artifacts.append(Artifact(plain(wanted), _seed(job, index), FILTERED))
        else:
            artifacts.append(Artifact(b"", _seed(job, index), ERROR))
    answer = v1_artifacts(request, artifacts)
    answer.headers |= told
    return answer


def _bytes(request: Request, result: Result, wanted: Wanted) -> tuple[bytes, dict[str, str]]:
    """The file as it is answered, without the prompt and the settings in it where the client asks for that."""
    data, headers = answer_bytes(result, wanted)
    if request.headers.get(STRIP) == "1":
        data = strip(data, wanted.mime if result.kind == "image" else result.mime)
    return data, headers


def _seed(job: Job, index: int, result: Result | None = None) -> int:
    """The seed that it was made with, or that was asked for where nobody told."""
    if result is not None and result.seed is not None:
        return result.seed
    return job.to_request().seeds[index]


def plain(wanted: Wanted) -> bytes:
    """What stands for a picture that nobody may see."""
    return encoded(Image.new("RGB", wanted.size or UNKNOWN_SIZE, PLAIN), wanted.mime)


# --- fetched later ---------------------------------------------------------------------------------------------------


def submitted(job: Job, *, key: ApiKey, operation: Operation, wanted: Wanted) -> Generation:
    """Note how a job shall be answered when it is asked for. Call it within the transaction of the submit."""
    id = secrets.token_hex(ID_LENGTH // 2)
    return Generation.objects.create(id=id, api_key=key, job=job, operation=operation.name, wanted=wanted.to_json())


def fetched(request: Request, endpoint: Endpoint, dialect: Dialect, id: str, caller: Caller) -> Answer:
    """202 while it is in progress, then the result.

    Raises the `Refusal` of what was asked for with another key (one of its line is as good), in a team that its person has left,
    of another kind, or too old.
    """
    assert not isinstance(dialect, V1)
    teams = Membership.objects.of(caller.user).values("team")
    mine = Generation.objects.filter(api_key__in=line_of(caller.key), job__team__in=teams)
    generation = mine.select_related("job").filter(pk=id).first()
    media = "audio" if "/audio/" in endpoint.path else "image"
    if generation is None or Operation(generation.operation).media != media or is_old(generation):
        raise dialect.generation_not_found()
    if generation.job.is_open:
        return Answer.of({"id": id, "status": "in-progress"}, 202)
    try:
        return deliver(request, endpoint, dialect, generation.job, Wanted.from_json(generation.wanted))
    except Refusal as refusal:
        # An address of results declares 400, 404 and 500: what a submit would have been refused for is a 400 under its own name here.
        if refusal.status in endpoint.statuses:
            raise
        raise Refusal(400, refusal.name, *refusal.problems) from None


def is_old(generation: Generation) -> bool:
    over = generation.job.finished_at
    return over is not None and timezone.now() >= over + KEPT


def forget() -> int:
    """One of `settings.DAILY_CHORES`: forget ids that lead nowhere any more; returns how many. What was made stays in the library."""
    before = timezone.now() - KEPT
    return Generation.objects.filter(created_at__lt=before, job__finished_at__lt=before).delete()[0]
