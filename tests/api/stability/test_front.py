"""Every operation of the contract, as a program asks for it, with the stand-in of the provider behind the studio."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from studio.api.stability.contract import Endpoint, endpoints
from studio.api.stability.operations import operation_of
from studio.generation.models import Artifact, Job
from tests.api.stability.front import work
from tests.stability_server.test_endpoints import SIZE_OF

POSTS = [one for one in endpoints() if one.method == "POST"]
SHORT = {"duration": "6", "mask_start": "1", "mask_end": "5"}


def by_name(one: Endpoint) -> str:
    return one.path.strip("/")


def more(one: Endpoint) -> dict[str, Any]:
    """Short sounds, since long ones take their time; masks, since the smallest request's picture has no transparent part to change."""
    if one.dialect == "v1":
        return {"mask_source": "MASK_IMAGE_WHITE", "mask_image": mask((1024, 1024))} if "mask_source" in one.form() else {}
    fields = SHORT | {"mask": mask((128, 96))}
    return {name: text for name, text in fields.items() if not one.chosen_by and name in one.form()}


def mask(size: tuple[int, int]) -> bytes:
    """White in the middle."""
    picture = Image.new("L", size, 0)
    picture.paste(255, (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def is_async(one: Endpoint) -> bool:
    return operation_of(one, {"mode": "search"}).submits


@pytest.mark.parametrize("one", POSTS, ids=by_name)
def test_every_operation_is_a_job_and_answers_as_the_documents_say(front, one, standin, team):
    answer = front.post(one, **more(one))
    if is_async(one):
        assert answer.status_code == (202 if 202 in one.statuses else 200)
        assert set(answer.told) == {"id"}
        results = "/v2beta/audio/results/" if "/audio/" in one.path else "/v2beta/results/"
        waits = front.get(results + answer.told["id"])
        assert (waits.status_code, waits.told) == (202, {"id": answer.told["id"], "status": "in-progress"})
        work()
        answer = front.get(results + answer.told["id"])

    assert answer.status_code == 200
    job = Job.objects.get()
    assert (job.status, job.api_key, job.team) == (Job.Status.SUCCEEDED, front.program.key, team)
    assert job.hold.captured > 0
    [artifact] = Artifact.objects.all()
    assert artifact.api_key == front.program.key
    assert len(standin.books) == 1
    if one.dialect == "v1":
        [made] = answer.told["artifacts"]
        assert (made["finishReason"], made["seed"]) == ("SUCCESS", artifact.seed)
        assert size(base64.b64decode(made["base64"])) == SIZE_OF[one.path]
    elif one.path in SIZE_OF:
        assert (answer["content-type"], answer["finish-reason"], answer["seed"]) == ("image/png", "SUCCESS", str(artifact.seed))
        assert size(answer.content) == SIZE_OF[one.path]
    elif "/3d/" in one.path:
        assert (answer["content-type"], answer.content[:4]) == ("model/gltf-binary", b"glTF")
        assert not answer.has_header("seed")
    else:
        assert (answer["content-type"], answer["finish-reason"]) == ("audio/mpeg", "SUCCESS")


def size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.size
